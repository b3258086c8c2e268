"""Text to tokens and back. Knows the tokenizer file and which chat template goes with it."""

from collections.abc import Collection, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from nexxi_cli.core.errors import MissingExtra, ModelUnavailable, UnsupportedModel
from nexxi_cli.core.types import Message
from nexxi_cli.infrastructure.models import templates
from nexxi_cli.infrastructure.models.constraint import Constraints
from nexxi_cli.infrastructure.models.folder import ModelFolder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_BLANK = "\N{LOWER ONE EIGHTH BLOCK}"  # how SentencePiece writes a blank


class TokenCodec:
    """The tokenizer of one model with its chat template. Immutable and safe to use from several threads."""

    def __init__(self, tokenizer: "Tokenizer", template: templates.ChatTemplate) -> None:
        self._tokenizer = tokenizer
        self._template = template

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the prompt, in the model's own template, with the reply's opening."""
        prompt = self._template.render(messages)
        return list(self._tokenizer.encode(prompt, add_special_tokens=False).ids)

    def text_stream(self) -> "TextStream":
        """Turns the ids of one reply into text."""
        return TextStream(self._tokenizer)

    def constraints(self, end_tokens: Collection[int]) -> Constraints:
        """What holds replies to a JSON schema, for a model that ends them with `end_tokens`."""
        return Constraints(self._tokenizer, end_tokens)


class TextStream:
    """The text of a reply, piece by piece: a character comes once all of its bytes have come."""

    def __init__(self, tokenizer: "Tokenizer") -> None:
        from tokenizers.decoders import DecodeStream

        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)
        self._ids: list[int] = []
        self._chars = 0

    def push(self, token: int) -> str:
        """The text that became certain with `token`."""
        self._ids.append(token)
        text = self._stream.step(self._tokenizer, token) or ""
        self._chars += len(text)
        return text

    def finish(self) -> str:
        """What is left of a character that never became whole."""
        return str(self._tokenizer.decode(self._ids, skip_special_tokens=True))[self._chars :]


def load_codec(folder: ModelFolder) -> TokenCodec:
    """The codec of a model folder. Raises ModelUnavailable for a broken tokenizer, UnsupportedModel for no template."""
    tokenizer = load_tokenizer(folder)
    source = folder.chat_template or _known_template(folder, tokenizer)
    if source is None:
        raise UnsupportedModel(f"{folder.name} has no chat template: it is a base model, choose its instruct version")
    tokens = {key: folder.special_token(key) for key in ("bos_token", "eos_token")}
    return TokenCodec(tokenizer, templates.ChatTemplate(source, **tokens))


def load_tokenizer(folder: ModelFolder) -> "Tokenizer":
    """The tokenizer of a model folder, which cuts and pads nothing. Raises ModelUnavailable and MissingExtra."""
    from tokenizers import Tokenizer

    file = folder.path / "tokenizer.json"
    if not file.is_file():
        return _slow_tokenizer(folder)
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing narrower
        raise ModelUnavailable(f"{file} is not a tokenizer: {' '.join(str(error).split())[:120]}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _slow_tokenizer(folder: ModelFolder) -> "Tokenizer":
    """The tokenizer of a folder that has no tokenizer.json, by transformers."""
    missing = [library for library in ("sentencepiece", "google.protobuf") if find_spec(library) is None]
    if missing and (folder.path / "tokenizer.model").is_file():
        raise MissingExtra(f"the tokenizer of {folder.name} needs sentencepiece: pip install 'nexxi[sentencepiece]'")
    from nexxi_cli.infrastructure.models.transformers_quiet import import_transformers, quiet

    import_transformers()
    from transformers import AutoTokenizer

    quiet()
    try:
        tokenizer: Tokenizer = AutoTokenizer.from_pretrained(folder.path, local_files_only=True).backend_tokenizer
    except (OSError, ValueError, ImportError, AttributeError) as error:
        raise ModelUnavailable(f"{folder.path} holds no tokenizer: there is no tokenizer.json") from error
    return tokenizer


def _known_template(folder: ModelFolder, tokenizer: "Tokenizer") -> str | None:
    """The template of a model that brings none, by its kind: Mistral's formats follow from the vocabulary."""
    if folder.config.get("model_type") not in ("mistral", "mixtral") or tokenizer.token_to_id(_BLANK) is None:
        return None  # the vocabulary of a Tekken file does not tell its version
    if tokenizer.token_to_id("[INST]") is None:
        template = templates.MISTRAL_V1
    elif tokenizer.token_to_id("[SYSTEM_PROMPT]") is None:
        template = templates.MISTRAL_V3
    else:
        template = templates.MISTRAL_V7
    return template.replace("GAP", " " if _needs_gap(folder, tokenizer) else "")


def _needs_gap(folder: ModelFolder, tokenizer: "Tokenizer") -> bool:
    """Whether this tokenizer puts no blank before a text by itself."""
    after_special = tokenizer.encode(folder.special_token("eos_token") + "a", add_special_tokens=False).tokens
    return not after_special[-1].startswith(_BLANK)
