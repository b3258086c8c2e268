"""What a request may look like, and what browsers and proxies are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.http.scripted import ScriptedBackend
from tests.http.serving import KEY, Api, serving

LIMIT = 4096


@pytest.fixture
async def api(home: Path) -> AsyncIterator[Api]:
    async with serving(ScriptedBackend(), max_body_bytes=LIMIT, requests_per_minute=1000) as api:
        yield api


async def raw(api: Api, data: bytes, *, wait_s: float = 5) -> bytes:
    """What the server answers to these bytes until it closes the connection or has answered once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(api.url).port)
    writer.write(data)
    try:
        async with asyncio.timeout(wait_s):
            return await reader.read(65536)
    finally:
        writer.close()


async def test_a_body_over_the_limit_is_refused(api: Api) -> None:
    answer = await api.client.post("/v1/chat", json={"message": "x" * LIMIT})
    assert answer.status_code == 413
    assert answer.json()["error"]["message"] == "the body is longer than 4096 bytes"


async def test_a_body_without_a_stated_length_is_counted(api: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"message": "'
        for _ in range(64):
            yield b"x" * 1024

    answer = await api.client.post("/v1/chat", content=endless())
    assert answer.status_code == 413


@pytest.mark.parametrize(("bracket", "depth"), [("[", 33), ("[", 2000), ('{"a":', 33), ('[{"a":', 20)])
async def test_json_that_is_nested_too_deep_is_refused(api: Api, bracket: str, depth: int) -> None:
    answer = await api.client.post("/v1/chat", content=bracket * depth, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "levels deep" in answer.json()["error"]["message"]


async def test_brackets_in_strings_are_text(api: Api) -> None:
    answer = await api.client.post("/v1/chat", json={"message": "[" * 100 + '"{{[\\'})
    assert answer.status_code == 200


@pytest.mark.parametrize("given", ["abc-123_X.y", "f" * 64])
async def test_a_well_formed_request_id_is_taken_over(api: Api, given: str) -> None:
    answer = await api.client.get("/health", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\tb", "é", "<script>"])
async def test_any_other_request_id_is_replaced(api: Api, given: str) -> None:
    answer = await api.client.get("/health", headers=[(b"x-request-id", given.encode())])
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize("path", ["/health", "/no/such", "/v1/models"])
async def test_every_response_has_the_headers_that_protect_browsers(api: Api, path: str) -> None:
    for key in (KEY, "wrong"):
        headers = (await api.client.get(path, headers={"x-api-key": key})).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-request-id"]
        assert "server" not in headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nope", 404), ("GET", "/v1/chat", 405), ("PUT", "/v1/sessions", 405), ("BREW", "/v1/chat", 400)],
)
async def test_every_error_has_the_envelope(api: Api, method: str, path: str, status: int) -> None:
    answer = await api.client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


async def test_headers_that_are_too_long_are_refused(api: Api) -> None:
    for size in (40_000, 200_000):
        answer = await raw(api, b"GET /health HTTP/1.1\r\nhost: x\r\nx-long: " + b"x" * size + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 431")
    assert (await raw(api, b"GET /health HTTP/1.1\r\nhost: x\r\nx-api-key: " + b"x" * 1_000_000)).startswith(
        b"HTTP/1.1 431"
    )


async def test_what_is_no_http_gets_the_envelope_and_the_connection_closed(api: Api) -> None:
    answer = await raw(api, b"EHLO example.com\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["error"]["type"] == "invalid_request_error"


async def test_two_requests_in_one_piece_are_both_answered(api: Api) -> None:
    request = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(api.url).port)
    writer.write(request + request)
    async with asyncio.timeout(5):
        for _ in range(2):
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_pages_of_others_may_not_call_unless_they_are_named(home: Path) -> None:
    asked: dict[str, Any] = {"origin": "https://chat.example", "access-control-request-method": "POST"}
    async with serving(ScriptedBackend()) as api:
        assert "access-control-allow-origin" not in (await api.client.get("/v1/models", headers=asked)).headers
    async with serving(ScriptedBackend(), cors_origins=("https://chat.example",)) as api:
        preflight = await api.client.options("/v1/chat", headers=asked | {"x-api-key": ""})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://chat.example"
        other = await api.client.get("/v1/models", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_https_can_be_required_and_the_proxys_word_counts_if_it_is_believed(home: Path) -> None:
    forwarded = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}
    async with serving(ScriptedBackend(), require_https=True) as api:
        plain = await api.client.get("/v1/models")
        assert plain.status_code == 403
        assert plain.json()["error"]["type"] == "permission_error"
        assert (await api.client.get("/health")).status_code == 200
        safe = await api.client.get("/v1/models", headers=forwarded)
        assert safe.status_code == 200
        assert "max-age" in safe.headers["strict-transport-security"]
    async with serving(ScriptedBackend(), require_https=True, forwarded_allow_ips="192.0.2.1") as api:
        assert (await api.client.get("/v1/models", headers=forwarded)).status_code == 403


async def test_a_unix_socket_is_its_users_alone_whose_proxy_is_believed(home: Path) -> None:
    path = home / "nexxi.sock"
    async with serving(ScriptedBackend(), uds=path, require_https=True) as api:
        assert (await api.client.get("/v1/models")).status_code == 403
        assert (await api.client.get("/v1/models", headers={"x-forwarded-proto": "https"})).status_code == 200
        assert path.stat().st_mode & 0o777 == 0o600
