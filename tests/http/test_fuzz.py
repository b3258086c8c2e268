"""Bytes that nobody thought of: never the server's fault, never a trace in the log, and it answers the next one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving
from tests.http.wire import CHAT, LAST, check, exchange, post, unblemished_log

LIMITED = settings(max_examples=120, deadline=None, derandomize=True, database=None)

ROUTES = (b"/v1/chat", b"/v1/chat/completions", b"/v1/redact")


@pytest.fixture
async def api(home: Path) -> AsyncIterator[Api]:
    async with serving(ScriptedBackend(), requests_per_minute=1_000_000, max_tokens=20) as api:
        yield api


@pytest.fixture(autouse=True)
def unblemished(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with unblemished_log(caplog):
        yield


async def survives(api: Api, attack: Callable[[], None]) -> None:
    """Run it in a thread, beside the server; the server is well afterwards."""
    await asyncio.to_thread(attack)
    assert (await api.client.post("/v1/chat", json={"message": "hi"})).status_code == 200


async def test_a_request_that_is_damaged_anywhere_does_no_harm(api: Api) -> None:
    data = post(b"/v1/chat", CHAT, b"x-request-id: abc", b"expect: 100-continue", LAST)
    edit = st.tuples(st.integers(0, len(data)), st.integers(0, 4), st.binary(max_size=6))

    @LIMITED
    @given(edits=st.lists(edit, min_size=1, max_size=4))
    def attack(edits: list[tuple[int, int, bytes]]) -> None:
        damaged = data
        for place, removed, added in edits:
            damaged = damaged[:place] + added + damaged[place + removed :]
        check(exchange(api, damaged, pause_s=0.1))

    await survives(api, attack)


async def test_any_bytes_do_no_harm_as_a_body_or_as_a_request(api: Api) -> None:
    @LIMITED
    @given(data=st.binary(max_size=300), route=st.sampled_from(ROUTES))
    def attack(data: bytes, route: bytes) -> None:
        check(exchange(api, post(route, data, LAST), pause_s=2))
        check(exchange(api, data, pause_s=0.02))

    await survives(api, attack)


SCALARS = st.sampled_from(
    ["null", "true", "0", "-0.0", "1e400", "-1e-400", "NaN", "1" + "0" * 400, '""', '"hi"', '"\\ud800"', '"\\u0000"']
) | st.text(max_size=5).map(json.dumps)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.dictionaries(st.sampled_from(["type", "role", "content", "text", "schema", "name", "x"]), inner).map(
            lambda fields: "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"
        )
    ),
    max_leaves=8,
)
NAMES = [
    "message",
    "text",
    "session_id",
    "system",
    "stream",
    "temperature",
    "top_p",
    "seed",
    "stop",
    "messages",
    "types",
]
NAMES += ["max_tokens", "response_format", "model", "n", "stream_options", "tools", "metadata", "user", "name", "save"]


async def test_any_json_is_an_answer_or_a_refusal(api: Api) -> None:
    base = {
        b"/v1/chat": {"message": '"hi"', "max_tokens": "2"},
        b"/v1/chat/completions": {"model": '"scripted"', "messages": '[{"role":"user","content":"hi"}]'},
        b"/v1/redact": {"text": '"hi"'},
    }

    @LIMITED
    @given(route=st.sampled_from(ROUTES), fields=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3))
    def attack(route: bytes, fields: dict[str, str]) -> None:
        body = "{" + ",".join(f'"{name}":{value}' for name, value in (base[route] | fields).items()) + "}"
        answers = exchange(api, post(route, body.encode("utf-8", "surrogatepass"), LAST), pause_s=5)
        assert len(answers) == 1
        check(answers)

    await survives(api, attack)


HEADERS = [b"x-request-id", b"content-type", b"content-encoding", b"authorization", b"x-api-key", b"x-forwarded-for"]
HEADERS += [b"x-forwarded-proto", b"host", b"accept", b"origin", b"te", b"expect", b"connection", b"upgrade", b"cookie"]


async def test_any_header_is_borne(api: Api) -> None:
    names = st.sampled_from(HEADERS)
    values = st.binary(max_size=40).map(lambda value: bytes(byte for byte in value if byte not in b"\r\n\0"))

    @LIMITED
    @given(fields=st.lists(st.tuples(names, values), max_size=6))
    def attack(fields: list[tuple[bytes, bytes]]) -> None:
        lines = [b"%b: %b" % pair for pair in fields]
        check(exchange(api, post(b"/v1/chat", CHAT, *lines, LAST), pause_s=0.1))

    await survives(api, attack)
