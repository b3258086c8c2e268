"""vLLM's prefix cache: what one owner asked is not told to another by how fast his own prompt is read."""

import asyncio

import pytest

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.types import Sampling
from tests.infrastructure.model_server.asking import backend_of, said
from tests.infrastructure.model_server.upstream import REPLY, Script, begin, end, event, refusing, upstream, write_piece

ANN, BOB = Sampling(prompt_cache_key="ann"), Sampling(prompt_cache_key="bob")
NOBODY = Sampling()
VLLM_FORBIDS = set("@/\\\0")
"""And more than 128 characters (vLLM 0.32, entrypoints/generate/base/protocol.py)."""


async def salts(*samplings: Sampling, owner: str | None = "vllm", key: str | None = None) -> list[str | None]:
    """What a server whose models are owned by `owner` is sent for each of these."""
    async with upstream(owner=owner) as server, backend_of(server, key=key) as backend:
        for sampling in samplings:
            await said(backend, sampling)
    return [asked.body.get("cache_salt") for asked in server.completions]


async def test_an_owner_has_a_salt_of_his_own_which_does_not_tell_who_he_is() -> None:
    ann, again, bob = await salts(ANN, ANN, BOB)
    assert ann is not None
    assert ann == again != bob
    assert "ann" not in ann
    assert len(ann) <= 128
    assert not VLLM_FORBIDS & set(ann)


async def test_every_process_with_the_servers_key_has_the_same_salts_and_nobody_else() -> None:
    assert await salts(ANN, key="one") == await salts(ANN, key="one") != await salts(ANN, key="other")


async def test_what_is_to_share_nothing_has_a_new_salt_each_time() -> None:
    assert len(set(await salts(NOBODY, NOBODY, NOBODY))) == 3


@pytest.mark.parametrize("owner", [None, "openai", "llamacpp"])
async def test_a_server_that_does_not_call_itself_vllm_is_sent_no_word_that_it_may_refuse(owner: str | None) -> None:
    assert await salts(ANN, owner=owner) == [None]


def refusing_once(message: str) -> Script:
    """A vLLM that refuses its first request for this reason."""
    first = iter([True])

    async def script(writer: asyncio.StreamWriter) -> None:
        if next(first, False):
            await refusing(400, {"error": {"message": message}})(writer)
            return
        begin(writer)
        write_piece(writer, event("".join(REPLY), finish="stop"))
        end(writer)

    return script


async def test_a_vllm_that_cannot_do_it_is_asked_without() -> None:
    script = refusing_once("Parameter 'cache_salt' is not supported with this instance of vLLM")
    async with upstream(owner="vllm", script=script) as server, backend_of(server) as backend:
        assert [await said(backend, ANN) for _ in range(2)] == ["".join(REPLY)] * 2
    assert ["cache_salt" in asked.body for asked in server.completions] == [True, False, False]


async def test_any_other_refusal_is_the_callers() -> None:
    async with upstream(owner="vllm", script=refusing_once("bad schema")) as server, backend_of(server) as backend:
        with pytest.raises(UsageError, match="bad schema"):
            await said(backend, ANN)
    assert len(server.completions) == 1
