"""Who may call what."""

import os
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest

from nexxi_cli.core.access import SCOPES
from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.events import QuotaRefused
from nexxi_cli.core.paths import xdg_paths
from nexxi_cli.core.settings import Settings
from nexxi_cli.http.exposure import check_access
from nexxi_cli.service.strangers import FAILURES_PER_MINUTE
from nexxi_cli.wiring import open_app
from tests.http.scripted import ScriptedBackend
from tests.http.serving import KEY, Api, serving

CLOSED = [
    ("POST", "/v1/chat"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/sessions"),
    ("GET", "/v1/sessions/x"),
    ("PATCH", "/v1/sessions/x"),
    ("DELETE", "/v1/sessions/x"),
    ("POST", "/v1/redact"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/health/"),
    ("GET", "/health/../v1/sessions"),
    ("GET", "//health"),
    ("GET", "/READY"),
    ("GET", "/"),
    ("GET", "/no/such/path"),
    ("OPTIONS", "/v1/chat"),
    ("TRACE", "/v1/chat"),
]


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend()


def stranger(api: Api) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=api.url)


async def test_everything_is_behind_a_key_but_the_probes(home: Path, backend: ScriptedBackend) -> None:
    async with serving(backend) as api, stranger(api) as client:
        statuses = {path: (await client.request(method, path)).status_code for method, path in CLOSED}
        assert set(statuses.values()) <= {401, 429}
        assert statuses["/v1/chat"] == 401
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/ready")).status_code == 200


async def test_metrics_and_docs_can_be_opened(home: Path, backend: ScriptedBackend) -> None:
    async with serving(backend, public_metrics=True, public_docs=True) as api, stranger(api) as client:
        assert "nexxi_http_requests_total" in (await client.get("/metrics")).text
        assert "swagger" in (await client.get("/docs")).text
        assert (await client.get("/openapi.json")).json()["info"]["title"] == "Nexxi"
        assert (await client.get("/v1/models")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": KEY},
        {"Authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY}"},
        {"X-API-Key": KEY, "Authorization": "Basic YTpi"},
    ],
    ids=lambda headers: " and ".join(headers),
)
async def test_a_key_comes_in_either_header(home: Path, backend: ScriptedBackend, headers: dict[str, str]) -> None:
    async with serving(backend) as api, stranger(api) as client:
        assert (await client.get("/v1/models", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"x-api-key", b"")],
        [(b"x-api-key", b"wrong")],
        [(b"x-api-key", KEY.encode() + b"x")],
        [(b"x-api-key", b"\xff\xfe\x80")],
        [(b"x-api-key", "schlüssel".encode())],
        [(b"x-api-key", b"nxi_aaaaaaaa_" + b"b" * 43)],
        [(b"x-api-key", b"x" * 20_000)],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Basic " + KEY.encode())],
        [(b"authorization", KEY.encode())],
    ],
    ids=lambda headers: str(headers)[:60],
)
async def test_what_is_no_key_opens_nothing(
    home: Path, backend: ScriptedBackend, headers: list[tuple[bytes, bytes]]
) -> None:
    async with serving(backend) as api, stranger(api) as client:
        answer = await client.get("/v1/models", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="nexxi"'
        assert answer.json()["error"]["type"] == "authentication_error"
        assert answer.json()["error"]["code"] == "invalid_api_key"
        assert backend.asked == []


async def test_a_stranger_is_limited_by_his_address_and_a_key_is_not(home: Path, backend: ScriptedBackend) -> None:
    async with serving(backend) as api, stranger(api) as client:
        statuses = [(await client.get("/v1/models")).status_code for _ in range(FAILURES_PER_MINUTE + 1)]
        assert statuses == [401] * FAILURES_PER_MINUTE + [429]
        refused = await client.get("/v1/models")
        assert 1 <= int(refused.headers["retry-after"]) <= 61
        assert api.events.of(QuotaRefused)[-1].limit == "address"
        assert (await api.client.get("/v1/models")).status_code == 200


async def test_the_scopes_of_a_key_hold(home: Path, backend: ScriptedBackend) -> None:
    async with serving(backend) as api, stranger(api) as client:
        manager = api.app.key_manager()
        made = {name: await manager.create(name, scopes=frozenset({name})) for name in SCOPES}
        for name in SCOPES:
            key = {"X-API-Key": made[name].text}
            statuses = [(await client.get(path, headers=key)).status_code for path in ("/v1/models", "/metrics")]
            assert statuses == {"chat": [200, 403], "metrics": [403, 200], "admin": [200, 200]}[name]


async def test_one_keys_sessions_do_not_exist_for_another(home: Path, backend: ScriptedBackend) -> None:
    async with serving(backend) as api, stranger(api) as client:
        mine = (await api.client.post("/v1/chat", json={"message": "Why?", "session_id": "work"})).json()
        other = {"X-API-Key": (await api.app.key_manager().create("other")).text}
        for reference in (mine["session_id"], mine["session_id"][:8], "work"):
            for method in ("GET", "DELETE"):
                answer = await client.request(method, f"/v1/sessions/{reference}", headers=other)
                assert answer.status_code == 404
        answer = await client.post("/v1/chat", json={"message": "?", "session_id": mine["session_id"]}, headers=other)
        assert answer.status_code == 404
        assert (await client.get("/v1/sessions", headers=other)).json()["data"] == []


async def test_a_server_without_any_key_is_refused(home: Path) -> None:
    async with open_app(Settings(), xdg_paths(os.environ)) as app:
        with pytest.raises(UsageError, match="nexxi keys create"):
            await check_access(Settings(), app.key_ring())


async def test_one_live_key_is_enough_to_serve(home: Path) -> None:
    async with open_app(Settings(), xdg_paths(os.environ)) as app:
        await app.key_manager().create("first")
        assert await check_access(Settings(), app.key_ring()) == 1


@pytest.mark.parametrize(
    ("host", "is_safe"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("192.0.2.1", False)],
)
async def test_no_key_is_needed_on_a_loopback_address_alone(home: Path, host: str, is_safe: bool) -> None:  # noqa: FBT001
    settings = Settings(host=host, insecure_no_auth=True)
    async with open_app(settings, xdg_paths(os.environ)) as app:
        with nullcontext() if is_safe else pytest.raises(UsageError, match="loopback"):
            await check_access(settings, app.key_ring())


async def test_without_keys_everybody_is_the_local_user(home: Path, backend: ScriptedBackend) -> None:
    async with serving(backend, insecure_no_auth=True, api_key=None) as api, stranger(api) as client:
        await client.post("/v1/chat", json={"message": "Why?", "session_id": "work"})
        session = await api.app.conversations.find("local", "work")
        assert session.info.owner == "local"
