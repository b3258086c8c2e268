"""Requests that are wrong in a known way: each is read to the letter, and gets the envelope or a closed connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.http.scripted import ScriptedBackend
from tests.http.serving import Api, serving
from tests.http.wire import CHAT, HEAD, LAST, Answer, check, exchange, post, request, unblemished_log

UPGRADE = (b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAAQAAP__")
CHUNKED = request(b"POST", b"/v1/chat", LAST, b"content-type: application/json", b"transfer-encoding: chunked")


@pytest.fixture
async def api(home: Path) -> AsyncIterator[Api]:
    async with serving(ScriptedBackend(), requests_per_minute=1_000_000, max_tokens=20) as api:
        yield api


@pytest.fixture(autouse=True)
def unblemished(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with unblemished_log(caplog):
        yield


async def sent(api: Api, *pieces: bytes) -> list[Answer]:
    answers = await asyncio.to_thread(exchange, api, *pieces)
    check(answers)
    return answers


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"{", 400),
        (b'{"message":', 400),
        (b"NaN", 400),
        (b"\xff\xfe{\x00}\x00", 400),
        (b'{"message": "\xff"}', 400),
        (b'{"message": "\xed\xa0\x80"}', 400),
        (b'{"message": "\x00"}', 400),
        (b'{"message": "\\ud800"}', 400),
        (b'{"message": "hi", "system": "\\ud800"}', 400),
        (b'{"message": "hi", "\\udfff": 1}', 400),
        (b'{"message": "hi", "stop": ["\\udc00\\ud800"]}', 400),
        (b'{"message": "hi", "temperature": 1e400}', 422),
        (b'{"message": "hi", "temperature": -Infinity}', 400),
        (b'{"message": "hi", "temperature": "1"}', 422),
        (b'{"message": "hi", "max_tokens": true}', 422),
        (b'{"message": "hi", "max_tokens": 1e400}', 422),
        (b'{"message": "hi", "seed": 1' + b"0" * 5000 + b"}", 400),
        (b'{"message": "hi", "stream": 1}', 422),
        (b'{"message": "hi", "' + b"x" * 100_000 + b'": 1}', 400),
        (b'{"message": "hi", "session_id": "../../etc/passwd"}', 400),
        (b'\xef\xbb\xbf{"message": "hi"}', 200),
        (b'{"message": "hi\\u0000"}', 200),
        (b'{"message": "\\ud83d\\ude00"}', 200),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_body_is_taken_or_refused_for_what_it_is(api: Api, body: bytes, status: int) -> None:
    (answer,) = await sent(api, post(b"/v1/chat", body, LAST))
    assert answer.status == status


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (b"application/json; charset=utf-8", 200),
        (b"application/vnd.api+json", 200),
        (b"APPLICATION/JSON", 200),
        (b"application/x-www-form-urlencoded", 415),
        (b"multipart/form-data; boundary=x", 415),
        (b"text/plain", 415),
        (b"", 415),
        (b"\xff/;;=", 415),
    ],
)
async def test_a_body_of_another_kind_is_told_what_to_send(api: Api, kind: bytes, status: int) -> None:
    (answer,) = await sent(api, post(b"/v1/chat", CHAT, LAST, kind=kind))
    assert answer.status == status
    assert status == 200 or b"Content-Type: application/json" in answer.body


async def test_a_compressed_body_is_refused_by_its_name(api: Api) -> None:
    (answer,) = await sent(api, post(b"/v1/chat", CHAT, LAST, b"content-encoding: gzip"))
    assert (answer.status, json.loads(answer.body)["error"]["message"]) == (
        415,
        "the body is compressed ('gzip'): send it as it is",
    )


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]),
        (bytes(range(256)) + b"\r\n\r\n", [400]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
        (b"GET /health HTTP/1.0\r\n\r\n", [200]),
        (b"HEAD /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", [200]),
        (b"CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n", [400]),
        (b"GET /health HTTP/1.1\r\nhost : x\r\n\r\n", [400]),
        (b"GET /health HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n", [400]),
        (b"GET /health HTTP/1.1\r\nhost: x\r\nx-a: b\r\n folded\r\n\r\n", [400]),
        (b"GET /health HTTP/1.1\r\nx-request-id: a\nset-cookie: b\r\n\r\n", [400]),
        (b"GET /health HTTP/1.1\r\nx-request-id: a\rset-cookie: b\r\n\r\n", [400]),
        (b"GET /health HTTP/1.1\r\nx-request-id: a\0b\r\n\r\n", [400]),
        (b"GET /health HTTP/1.1\r\nhost: x\r\n\r\nrubbish\r\n\r\n", [200]),
        (request(b"GET", b"/no", b"host: [::", b"host: \xff@:", LAST), [404]),
        (request(b"OPTIONS", b"*", LAST), [404]),
        (request(b"POST", b"/v1/chat", b"content-length: -5"), [400]),
        (request(b"POST", b"/v1/chat", b"content-length: 99999999999999999999999999"), [400]),
        (request(b"POST", b"/v1/chat", b"content-length: 5", b"content-length: 6") + b"{}", [400]),
        (request(b"POST", b"/v1/chat", b"content-length: \xb2") + b"{}", [400]),
        (post(b"/v1/chat", CHAT, b"transfer-encoding: chunked"), [400]),
        (request(b"POST", b"/v1/chat", b"transfer-encoding: gzip") + CHAT, [400]),
        (CHUNKED + b"20\r\n" + CHAT + b"\r\n0\r\n\r\n", [200]),
        (post(b"/v1/chat", CHAT, LAST, b"expect: 100-continue"), [100, 200]),
        (post(b"/v1/chat", CHAT) * 2 + request(b"GET", b"/health", LAST), [200, 200, 200]),
        (request(b"POST", b"/v1/chat", b"content-length: 300") + CHAT, []),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_what_is_sent_is_read_to_the_letter(api: Api, data: bytes, statuses: list[int]) -> None:
    assert [answer.status for answer in await sent(api, data)] == statuses


@pytest.mark.parametrize("chunk", [b"zz\r\nhello", b"-1\r\nhello", b"ffffffffffffffffff\r\nhello", b"5\r\nhelloXXXX"])
async def test_a_chunk_whose_size_is_none_ends_the_connection(api: Api, chunk: bytes) -> None:
    assert [answer.status for answer in await sent(api, CHUNKED + chunk + b"\r\n0\r\n\r\n")] == [400]


@pytest.mark.parametrize("cut", [0, 1, 40, -len(CHAT), -10])
async def test_an_offer_of_another_protocol_is_declined_and_the_request_is_whole(api: Api, cut: int) -> None:
    data = post(b"/v1/chat", CHAT, *UPGRADE)
    pieces = (data[:cut], data[cut:], request(b"GET", b"/health", LAST))
    assert [answer.status for answer in await sent(api, *pieces)] == [200, 200]


async def test_a_client_that_would_speak_of_web_sockets_gets_http(api: Api) -> None:
    offer = (b"connection: upgrade", b"upgrade: websocket", b"sec-websocket-version: 13")
    answers = await sent(api, request(b"GET", b"/v1/models", *offer), request(b"GET", b"/v1/models", LAST))
    assert [answer.status for answer in answers] == [200, 200]


async def test_the_body_of_a_request_with_an_offer_is_never_a_request(api: Api) -> None:
    hidden = request(b"GET", b"/v1/models", LAST)
    data = post(b"/v1/chat", hidden, *UPGRADE)
    answers = await sent(api, data[: -len(hidden)], hidden)
    assert [answer.status for answer in answers] == [400]


@pytest.mark.parametrize(
    "path",
    [
        *(b"/%2e%2e/v1/models", b"//v1/models", b"/v1/models/%2e%2e/%2e%2e", b"/v1/sessions/%00", b"/v1/sessions/%ff"),
        *(b"/v1/sessions/%ed%a0%80", b"/v1/sessions/%", b"/v1/sessions/%zz", b"/v1/sessions/..", b"/v1/sessions/%2F"),
        *(b"/v1/sessions/a%0d%0ab", b"/v1/sessions/%c0%ae%c0%ae", b"/v1/sessions/" + b"%41" * 70, b"/v1/models/%00"),
        *(b"/v1/sessions/" + b"a" * 20_000, b"/" + b"a" * 40_000, b"/;/", b"/v1/sessions/x?" + b"a=b&" * 5000),
    ],
    ids=lambda path: str(path[:40]),
)
@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"PUT"])
async def test_a_path_that_is_none_is_not_found_or_refused(api: Api, method: bytes, path: bytes) -> None:
    (answer,) = await sent(api, request(method, path, LAST))
    assert answer.status in {400, 404, 405, 422, 431}


@pytest.mark.parametrize(
    "query", [b"limit=1e400", b"limit=%00", b"limit=" + b"9" * 5000, b"limit=1&limit=x", b"offset=-1"]
)
async def test_a_query_that_is_no_number_is_refused(api: Api, query: bytes) -> None:
    (answer,) = await sent(api, request(b"GET", b"/v1/sessions?" + query, LAST))
    assert answer.status == 422


async def test_rubbish_after_a_request_does_not_spoil_its_stream(home: Path) -> None:
    async with serving(ScriptedBackend(delay_s=0.05)) as api:
        answers = await sent(api, post(b"/v1/chat", b'{"message": "hi", "stream": true}'), b"\0rubbish\r\n\r\n")
        assert [answer.status for answer in answers] == [200]
        assert answers[0].body.endswith(b"data: [DONE]\n\n")


async def test_a_request_id_cannot_break_out_of_its_header(api: Api) -> None:
    answers = await sent(api, b"GET /health HTTP/1.1\r\n" + HEAD + b"x-request-id: a%0d%0aset-cookie: b\r\n\r\n")
    assert len(answers[0].headers["x-request-id"]) == 32
    assert "set-cookie" not in answers[0].headers
