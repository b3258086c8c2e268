"""The OpenAPI document: whole, and true of the server, by schemathesis, which calls every route in every odd way."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from nexxi_cli.core.types import ModelInfo
from nexxi_cli.http.exposure import PROBES
from tests.http.scripted import ScriptedBackend
from tests.http.serving import KEY, Api, serving

MODEL = "smollm2-135m"
EXAMPLES = 15
"""For each route and phase: about 15 s in all."""
BEYOND_A_SCHEMA = "positive_data_acceptance"
"""No schema says that a prompt may not be empty, that the last message is the user's, or that a name is taken."""

Document = dict[str, Any]


class ExampleBackend(ScriptedBackend):
    """Has the name that the document's examples have."""

    async def info(self) -> ModelInfo:
        return ModelInfo(MODEL, 4096)


@pytest.fixture
async def api(home: Path) -> AsyncIterator[Api]:
    async with serving(ExampleBackend(), requests_per_minute=1_000_000) as api:
        await api.client.post("/v1/chat", json={"message": "What is the capital of France?", "session_id": "capitals"})
        yield api


@pytest.fixture
async def document(api: Api) -> Document:
    found: Document = (await api.client.get("/openapi.json")).json()
    return found


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


async def test_every_answer_is_as_the_document_says(api: Api, document: Document, tmp_path: Path) -> None:
    document["components"]["schemas"]["ChatCompletionIn"]["properties"]["model"] = {"const": MODEL}  # any other is 404
    described = tmp_path / "openapi.json"
    described.write_text(json.dumps(document))
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            described,
            "--url",
            api.url,
            "--header",
            f"X-API-Key: {KEY}",
        ),
        *("--checks", "all", "--exclude-checks", BEYOND_A_SCHEMA),
        *("--seed", "1", "--max-examples", str(EXAMPLES), "--generation-database", "none", "--no-color"),
        stdout=asyncio.subprocess.PIPE,
        cwd=tmp_path,
    )
    report, _ = await process.communicate()
    assert process.returncode == 0, report.decode()
    assert f"Tested: {len(list(operations(document)))}" in report.decode()
    assert (await api.client.get("/health")).status_code == 200


async def test_every_operation_says_what_it_is_for_and_shows_an_example(document: Document) -> None:
    for _, _, operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        assert all(parameter["description"] for parameter in operation.get("parameters", ()))
        for content in operation.get("requestBody", {}).get("content", {}).values():
            name = content["schema"]["$ref"].rpartition("/")[2]
            assert document["components"]["schemas"][name]["examples"]


async def test_every_operation_but_the_probes_asks_for_a_key_in_either_header(document: Document) -> None:
    schemes = document["components"]["securitySchemes"]
    assert (schemes["apiKey"]["name"], schemes["bearer"]["scheme"]) == ("X-API-Key", "bearer")
    for path, _, operation in operations(document):
        assert operation.get("security") == (None if path in PROBES else [{"apiKey": []}, {"bearer": []}])


async def test_every_error_that_is_documented_has_the_envelope(document: Document) -> None:
    for path, _, operation in operations(document):
        statuses = {int(status) for status in operation["responses"] if int(status) >= 400}
        assert statuses >= (set() if path in PROBES else {401, 403, 429, 500, 503})
        assert "requestBody" not in operation or statuses >= {400, 408, 413, 415}
        for status in statuses - ({503} if path == "/ready" else set()):
            schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorEnvelope"}


async def test_the_page_of_the_document_may_load_what_it_needs(api: Api) -> None:
    page = await api.client.get("/docs")
    policy = page.headers["content-security-policy"]
    loaded = re.findall(r'(?:src|href)="(https://[^"]+)"', page.text)
    assert len(loaded) == 3
    for url in loaded:
        assert f"https://{urlsplit(url).hostname}" in policy
    (described,) = re.findall(r"url: '([^']+)'", page.text)
    assert (await api.client.get(described)).json()["openapi"].startswith("3.")
    assert "connect-src 'self'" in policy


async def test_a_path_says_all_that_is_possible_with_it(api: Api) -> None:
    answer = await api.client.put("/v1/sessions/capitals")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, PATCH")
