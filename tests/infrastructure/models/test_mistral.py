"""Mistral's formats, token for token as the package mistral-common has them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from nexxi_cli.core.types import Message
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.tokens import TokenCodec, load_codec
from tests.infrastructure.models.mistral import write_sentencepiece_folder

DATA = Path(str(files("mistral_common") / "data"))


@dataclass(frozen=True)
class Version:
    theirs: MistralTokenizer
    ours: TokenCodec


VERSIONS: dict[str, tuple[Callable[[], MistralTokenizer], str]] = {
    "v1": (MistralTokenizer.v1, "tokenizer.model.v1"),
    "v3": (MistralTokenizer.v3, "mistral_instruct_tokenizer_240323.model.v3"),
    "v7": (MistralTokenizer.v7, "mistral_instruct_tokenizer_241114.model.v7"),
}


@pytest.fixture(scope="module", params=sorted(VERSIONS))
def version(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Version:
    theirs, file = VERSIONS[request.param]
    folder = write_sentencepiece_folder(tmp_path_factory.mktemp("mistral"), DATA / file)
    return Version(theirs(), load_codec(ModelFolder(request.param, folder)))


def expected(version: Version, messages: list[Message]) -> list[int]:
    kinds = {"system": SystemMessage, "user": UserMessage, "assistant": AssistantMessage}
    request = ChatCompletionRequest(messages=[kinds[each.role](content=each.content) for each in messages])
    return list(version.theirs.encode_chat_completion(request).tokens)


CONVERSATIONS = {
    "question": [Message("user", "What is the capital of France?")],
    "system": [Message("system", "Be brief."), Message("user", "Hello")],
    "turns": [
        Message("system", "You speak like a pirate."),
        Message("user", "Hello"),
        Message("assistant", "Ahoy!"),
        Message("user", "Was  kostet\ndas 12,50 €?"),
        Message("assistant", "Grüße, 世界"),
        Message("user", "def f(x):\n    return x"),
    ],
}


@pytest.mark.parametrize("messages", CONVERSATIONS.values(), ids=list(CONVERSATIONS))
def test_a_conversation_is_encoded_as_mistral_does(version: Version, messages: list[Message]) -> None:
    assert version.ours.encode(messages) == expected(version, messages)


WORDS = st.text("abcXYZ ,.\n0123456789äé世", min_size=1, max_size=40).map(str.strip).filter(bool)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(system=st.none() | WORDS, texts=st.lists(WORDS, min_size=1, max_size=5).filter(lambda texts: len(texts) % 2))
def test_any_conversation_is_encoded_as_mistral_does(version: Version, system: str | None, texts: list[str]) -> None:
    messages = [] if system is None else [Message("system", system)]
    for role, text in zip(cycle(("user", "assistant")), texts, strict=False):
        messages.append(Message(role, text))  # type: ignore[arg-type]
    assert version.ours.encode(messages) == expected(version, messages)
