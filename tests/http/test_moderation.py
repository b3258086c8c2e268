"""Moderation behind the API, by a real classifier: refusals, flags, and what keeps the server from its start."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from nexxi_cli.core.errors import NotFound, SettingsError
from nexxi_cli.core.events import RequestScreened
from nexxi_cli.core.paths import xdg_paths
from nexxi_cli.core.settings import Settings
from nexxi_cli.wiring import open_app
from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving

RULES = ("threat=block", "insult=flag:0.8")


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture
async def api(home: Path, backend: ScriptedBackend, multi_label_model: Path) -> AsyncIterator[Api]:
    async with serving(backend, moderation_model=str(multi_label_model), moderation_labels=RULES) as api:
        await until_ready(api)
        yield api


async def until_ready(api: Api) -> None:
    async with asyncio.timeout(60):
        while (await api.client.get("/ready")).status_code != 200:  # noqa: ASYNC110 - as a client does
            await asyncio.sleep(0.02)


async def said(api: Api, message: str) -> httpx.Response:
    return await api.client.post("/v1/chat", json={"message": message})


async def completed(api: Api, *messages: str, **body: Any) -> httpx.Response:
    conversation = [
        {"role": ("user", "assistant")[number % 2], "content": text} for number, text in enumerate(messages)
    ]
    return await api.client.post("/v1/chat/completions", json={"model": "scripted", "messages": conversation} | body)


async def counted(api: Api, *series: str) -> list[str]:
    lines = (await api.client.get("/metrics")).text.splitlines()
    return [line.removeprefix(name).strip() for name in series for line in lines if line.startswith(name)]


async def test_what_blocks_is_a_refusal_with_its_label_and_never_reaches_the_model(
    api: Api, backend: ScriptedBackend
) -> None:
    answer = await said(api, "I kill you")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "content_filter")
    assert "moderation: threat 0.99" in error["message"]
    assert "kill" not in answer.text
    assert backend.asked == []


async def test_a_stream_is_refused_before_it_begins(api: Api) -> None:
    answer = await completed(api, "I hurt you", stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "content_filter")


async def test_what_a_client_says_was_said_before_is_judged_too(api: Api, backend: ScriptedBackend) -> None:
    assert (await completed(api, "I kill you", "Please do not.", "What is the capital?")).status_code == 400
    assert (await completed(api, "Thank you", "I kill you", "What is the capital?")).status_code == 200
    assert len(backend.asked) == 1


async def test_what_is_flagged_is_answered_and_counted(api: Api) -> None:
    assert (await said(api, "What is the capital of France, you fool?")).status_code == 200
    assert (await said(api, "I kill you")).status_code == 400
    assert (await said(api, "What is the capital of France?")).status_code == 200
    heard = [(event.allowed, event.finding_types) for event in api.events.of(RequestScreened)]
    assert heard == [(True, ("MODERATION",)), (False, ("MODERATION",)), (True, ())]
    verdicts = [f'nexxi_safety_verdicts_total{{direction="in",verdict="{name}"}}' for name in ("flagged", "refused")]
    assert await counted(api, 'nexxi_safety_findings_total{type="MODERATION"}', *verdicts) == ["2.0", "1.0", "1.0"]


async def test_what_was_flagged_is_in_the_archive(
    home: Path, backend: ScriptedBackend, multi_label_model: Path
) -> None:
    async with serving(backend, moderation_model=str(multi_label_model), moderation_labels=RULES) as api:
        await until_ready(api)
        await said(api, "What is the capital of France, you fool?")
    async with open_app(Settings(), xdg_paths(os.environ)) as nexxi:
        await nexxi.up_to_date_archive()
    with closing(sqlite3.connect(nexxi.paths.data / "archive.db")) as database:
        assert database.execute("SELECT finding_types FROM archive_turns").fetchall() == [("MODERATION",)]


async def test_a_text_longer_than_a_window_is_judged_to_its_end(api: Api) -> None:
    assert (await said(api, "tell me about the rivers of france . " * 400)).status_code == 200
    assert (await said(api, "tell me about the rivers of france . " * 400 + "or I kill you")).status_code == 400


async def test_texts_for_redaction_are_not_judged(api: Api) -> None:
    answer = await api.client.post("/v1/redact", json={"text": "I kill ada@example.com"})
    assert answer.json()["text"] == "I kill <EMAIL>"


async def test_labels_that_exclude_each_other_and_are_known_by_name_need_no_setting(
    home: Path, single_label_model: Path
) -> None:
    async with serving(ScriptedBackend(), moderation_model=str(single_label_model)) as api:
        await until_ready(api)
        assert "moderation: toxic 1.00" in (await said(api, "you fool")).json()["error"]["message"]
        assert (await said(api, "Thank you")).status_code == 200


async def test_the_first_request_waits_for_no_weights(
    home: Path, backend: ScriptedBackend, multi_label_model: Path
) -> None:
    async with serving(backend, moderation_model=str(multi_label_model), moderation_labels=RULES) as api:
        statuses = [(await said(api, "Thank you")).status_code]
        while statuses[-1] == 503:
            statuses.append((await said(api, "Thank you")).status_code)
    assert set(statuses[:-1]) <= {503}
    assert statuses[-1] == 200


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        (
            {"moderation_labels": ("toxci=block",)},
            SettingsError,
            "no label 'toxci'; its labels are threat, insult, calm",
        ),
        ({"moderation_model": "/no/such/folder"}, NotFound, "moderation_model: there is no model file or folder"),
    ],
    ids=["label", "folder"],
)
async def test_a_model_that_cannot_be_used_ends_the_server_at_its_start(
    home: Path,
    backend: ScriptedBackend,
    multi_label_model: Path,
    settings: dict[str, object],
    error: type[Exception],
    words: str,
) -> None:
    async with serving(backend, **{"moderation_model": str(multi_label_model)} | settings) as api:
        await asyncio.wait([api.task], timeout=60)
        with pytest.raises(error, match=words):
            await api.task
