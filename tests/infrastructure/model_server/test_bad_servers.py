"""What a model server can do wrong, and what its caller is told then."""

import asyncio
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nexxi_cli.core.errors import (
    ContextLengthExceeded,
    ModelServerUnavailable,
    NexxiError,
    Overloaded,
    UsageError,
)
from nexxi_cli.core.types import Sampling
from tests.infrastructure.model_server.asking import OPENAI, QUESTION, Api, backend_of, deltas_of, said
from tests.infrastructure.model_server.upstream import (
    Script,
    begin,
    breaking_off,
    data,
    refusing,
    saying,
    upstream,
    write_piece,
)

PAGE = "<!DOCTYPE html><title>Welcome</title>"


async def failure(
    api: Api, script: Script, kind: type[NexxiError] = ModelServerUnavailable, *, silence_s: float = 5
) -> NexxiError:
    """What asking a server that answers so comes to."""
    async with api.upstream(script=script) as server, backend_of(server, silence_s=silence_s) as backend:
        with pytest.raises(kind) as raised:
            await said(backend)
    assert type(raised.value) is kind
    return raised.value


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (saying(b"data: \x00\xff garbage\n\n"), "no part of a reply"),
        (saying(b"data: [1, 2]\n\n"), "no part of a reply"),
        (saying(b"data: " + b"[" * 100_000 + b"\n\n"), "no part of a reply"),
        (saying(b"\x00\xff\n\n" * 100), "broke off before the reply was complete"),
        (saying(PAGE.encode(), content_type="text/html; charset=utf-8"), "answered text/html"),
        (refusing(200, PAGE), "answered text/html"),
        (refusing(200, {"id": 1}), "answered application/json"),
        (saying(PAGE.encode(), content_type="application/json"), "did not answer in JSON"),
        (saying(b"data: " + b"x" * 700_000, b"x" * 700_000), "bytes that are no whole event"),
        (saying(b": ping\n" * 200_000), "bytes that are no whole event"),
        (saying(), "broke off before the reply was complete"),
        (breaking_off(), "broke off"),
        (breaking_off(b"data: {"), "broke off"),
        (refusing(500, {"error": {"message": "CUDA\nerror"}}), "status 500: CUDA error"),
        (refusing(500, PAGE), "status 500"),
        (refusing(418, []), "status 418"),
        (refusing(404, {"detail": "Not Found"}), "/v1"),
        (refusing(200, {"error": {"message": "boom"}}), "boom"),
        (saying(data({"error": {"message": "boom", "code": 500}})), "boom"),
        (saying(data({"error": "boom"})), "boom"),
        (refusing(401, {"error": {"message": "no"}}), "NEXXI_MODEL_SERVER_KEY"),
    ],
)
async def test_a_server_that_does_not_work_is_said_to_be_down_with_what_it_did(
    api: Api, script: Script, told: str
) -> None:
    assert told in str(await failure(api, script))


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (saying(b'data: {"choices": ["x"]}\n\n'), "no part of a reply"),
        (saying(b'data: {"choices": [{"delta": {"content": 5}}]}\n\n'), "no part of a reply"),
        (refusing(404, {}), "lack the /v1"),
        (refusing(200, {"object": "error", "message": "boom", "code": 500}), "boom"),
        (saying(data({"choices": [{"delta": {}, "finish_reason": "abort"}]})), "given the reply up"),
    ],
)
async def test_what_only_openais_api_can_get_wrong_is_told_too(script: Script, told: str) -> None:
    assert told in str(await failure(OPENAI, script))


async def test_half_an_event_is_a_reply_that_broke_off(api: Api) -> None:
    assert "broke off before the reply was complete" in str(await failure(api, saying(api.event("Par")[:-10])))


async def test_the_address_of_a_server_that_fails_is_in_the_error(api: Api) -> None:
    async with api.upstream(script=saying()) as server, backend_of(server) as backend:
        with pytest.raises(ModelServerUnavailable, match=f"http://127.0.0.1:{server.port}"):
            await said(backend)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("7", 7), (None, 5), ("soon", 5), ("-1", 5), ("99999999999999", 3600)]
)
async def test_a_busy_server_is_overloaded_for_as_long_as_it_says(
    api: Api, status: int, retry_after: str | None, seconds: float
) -> None:
    headers = {} if retry_after is None else {"retry_after": retry_after}
    error = await failure(api, refusing(status, {"error": {"message": "busy"}}, **headers), Overloaded)
    assert isinstance(error, Overloaded)
    assert error.retry_after_s == seconds


async def test_a_busy_server_may_say_when_as_a_date(api: Api) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    error = await failure(api, refusing(503, "busy", retry_after=date), Overloaded)
    assert isinstance(error, Overloaded)
    assert 27 < error.retry_after_s <= 30


async def test_a_busy_server_is_not_asked_again_at_once(api: Api) -> None:
    async with api.upstream(script=refusing(429, {})) as server, backend_of(server) as backend:
        with pytest.raises(Overloaded):
            await said(backend)
    assert len(server.completions) == 1


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (refusing(400, {"error": {"message": "bad schema", "code": 400}}), UsageError),
        (refusing(422, {"detail": "bad schema"}), UsageError),
        (saying(data({"error": {"message": "bad schema", "code": 400}})), UsageError),
        (refusing(400, {"message": "bad schema: this model's maximum context length is 20"}), ContextLengthExceeded),
        (refusing(400, {"error": {"message": "bad schema", "code": "context_length_exceeded"}}), ContextLengthExceeded),
    ],
)
async def test_what_the_server_refuses_is_the_callers_to_change_and_not_tried_again(
    script: Script, kind: type[NexxiError]
) -> None:
    async with upstream(script=script) as server, backend_of(server) as backend:
        with pytest.raises(kind, match="bad schema"):
            await said(backend)
    assert len(server.completions) == 1


async def test_a_stream_that_does_not_end_ends_with_the_tokens_that_were_asked_for(api: Api) -> None:
    async with api.upstream(endless=True) as server, backend_of(server) as backend:
        deltas = await deltas_of(backend, Sampling(max_new_tokens=50))
        await server.idle()
    assert 50 <= len(deltas) <= 50 + 70
    assert deltas[-1].finish == "length"


async def test_a_server_that_falls_silent_is_given_up(api: Api) -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        begin(writer)
        await writer.drain()
        await asyncio.sleep(1)

    began = time.monotonic()
    assert "has fallen silent" in str(await failure(api, silent, silence_s=0.2))
    assert time.monotonic() - began < 3


async def test_a_reply_that_breaks_off_after_its_first_token_is_not_begun_anew(api: Api) -> None:
    async with api.upstream(script=breaking_off(api.event("Par"))) as server, backend_of(server) as backend:
        deltas = backend.generate(QUESTION, Sampling())
        assert (await anext(deltas)).text == "Par"
        with pytest.raises(ModelServerUnavailable, match="broke off"):
            await anext(deltas)
    assert len(server.completions) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed_and_the_key_stays_here(api: Api, status: int) -> None:
    async with api.upstream() as elsewhere:
        script = refusing(status, {}, location=f"{elsewhere.url}/chat/completions?secret=1")
        async with api.upstream(script=script) as server, backend_of(server, key="our-key") as backend:
            with pytest.raises(ModelServerUnavailable, match="redirects to") as raised:
                await said(backend)
        assert elsewhere.asked == []
    assert "secret" not in str(raised.value)


async def test_a_list_of_models_that_redirects_is_not_followed_either(api: Api) -> None:
    async with api.upstream() as elsewhere:

        async def models(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _.readuntil(b"\r\n\r\n")
            await refusing(307, {}, location=f"{elsewhere.url}/models")(writer)
            writer.close()

        async with await asyncio.start_server(models, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with backend_of(f"{api.prefix}http://127.0.0.1:{port}{api.suffix}", key="our-key") as backend:
                with pytest.raises(ModelServerUnavailable, match="redirects to"):
                    await backend.info()
        assert elsewhere.asked == []


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\n\r\n<html>", b"SSH-2.0-OpenSSH_9.2\r\n", b""])
async def test_what_is_no_model_server_at_all_is_a_clear_error(api: Api, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with backend_of(f"{api.prefix}http://127.0.0.1:{port}{api.suffix}") as backend:
            with pytest.raises(ModelServerUnavailable, match=str(port)):
                await backend.info()


@pytest.mark.parametrize("listed", ["no", {"data": 5}, {"data": [{"id": 5}, 6]}, [1]])
async def test_a_list_of_models_that_is_none_is_a_clear_error(api: Api, listed: object) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await refusing(200, listed)(writer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with backend_of(f"{api.prefix}http://127.0.0.1:{port}{api.suffix}") as backend:
            with pytest.raises((ModelServerUnavailable, UsageError), match=str(port)):
                await backend.info()


@pytest.fixture
def certificate(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a certificate, signed by itself, for a name or address; the file holds its key too."""

    def make(name: str) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        is_address = name.replace(".", "").isdigit()
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(name)) if is_address else x509.DNSName(name)])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        signed = builder.sign(key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = tmp_path / f"{name}.pem"
        path.write_bytes(private + signed.public_bytes(pem))
        return path

    return make


@pytest.mark.parametrize(("name", "is_trusted"), [("other.example", True), ("127.0.0.1", False), ("127.0.0.1", True)])
async def test_a_certificate_has_to_be_trusted_and_of_the_servers_name(
    certificate: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, name: str, *, is_trusted: bool
) -> None:
    path = certificate(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with upstream(tls=context) as server, backend_of(server, key="our-key") as backend:
        if is_trusted and name == "127.0.0.1":
            assert await said(backend)
            return
        with pytest.raises(ModelServerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await backend.info()
        assert server.asked == []


async def test_half_a_line_end_and_a_comment_between_do_no_harm(api: Api) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        begin(writer)
        for piece in (
            b"data: ",
            api.event("a").strip().partition(b":")[2] + b"\r",
            b"\n\r\n: x\n",
            api.event("b"),
            api.end,
        ):
            write_piece(writer, piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.write(b"0\r\n\r\n")

    async with api.upstream(script=script) as server, backend_of(server) as backend:
        assert await said(backend) == "ab"
