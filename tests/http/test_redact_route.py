"""`POST /v1/redact` over HTTP: what it looks for by itself, with names, and of the types that a client chooses."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving

TEXT = "My name is Ada Lovelace, I live in London, write to ada@example.com"


@pytest.fixture
async def with_names(home: Path) -> AsyncIterator[Api]:
    async with serving(ScriptedBackend(), safety_names="redact") as api:
        yield api


async def redacted(api: Api, **body: object) -> dict[str, object]:
    answer = await api.client.post("/v1/redact", json=body)
    assert answer.status_code == 200
    document: dict[str, object] = answer.json()
    return document


async def test_names_are_redacted_with_all_else_where_the_settings_ask_for_them(with_names: Api) -> None:
    document = await redacted(with_names, text=TEXT)
    assert document["text"] == "My name is <PERSON>, I live in <LOCATION>, write to <EMAIL>"


async def test_each_finding_of_a_name_says_where_it_stands_and_how_sure_it_is(with_names: Api) -> None:
    findings = (await redacted(with_names, text=TEXT))["findings"]
    assert isinstance(findings, list)
    person = next(finding for finding in findings if finding["type"] == "PERSON")
    assert TEXT[person["start"] : person["end"]] == "Ada Lovelace"
    assert person["rule"] == "names.person"
    assert 0.5 <= person["confidence"] < 1


async def test_a_name_behind_characters_of_several_bytes_is_placed_by_characters(with_names: Api) -> None:
    text = "\U0001f600 é: my name is Ada Lovelace"
    document = await redacted(with_names, text=text, types=["PERSON"])
    assert document["text"] == "\U0001f600 é: my name is <PERSON>"


async def test_of_the_types_that_are_chosen_alone(with_names: Api) -> None:
    assert (await redacted(with_names, text=TEXT, types=["LOCATION"]))["text"] == TEXT.replace("London", "<LOCATION>")
    assert (await redacted(with_names, text=TEXT, types=["EMAIL"]))["text"] == TEXT.replace(
        "ada@example.com", "<EMAIL>"
    )


async def test_without_the_setting_names_stay_unless_they_are_chosen(home: Path) -> None:
    async with serving(ScriptedBackend(), safety_names="off") as api:
        assert (await redacted(api, text=TEXT))["text"] == TEXT.replace("ada@example.com", "<EMAIL>")
        chosen = await redacted(api, text=TEXT, types=["PERSON"])
        assert chosen["text"] == TEXT.replace("Ada Lovelace", "<PERSON>")


async def test_a_type_that_there_is_not_is_named_beside_those_of_names(with_names: Api) -> None:
    answer = await with_names.client.post("/v1/redact", json={"text": TEXT, "types": ["COLOUR"]})
    assert answer.status_code == 400
    assert "'COLOUR'" in answer.json()["error"]["message"]
    assert "PERSON" in answer.json()["error"]["message"]
