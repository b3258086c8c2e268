"""Under a schema even random weights write JSON that it allows; a schema that cannot be followed is refused."""

import json
import threading
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from nexxi_cli.core.errors import UnsupportedModel, UsageError
from nexxi_cli.core.types import ANY_JSON_OBJECT, Sampling
from nexxi_cli.infrastructure.models.constraint import Constraint, Constraints, json_grammar
from nexxi_cli.infrastructure.models.engine import TransformersEngine
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.tokens import TokenCodec, load_codec
from tests.infrastructure.models.mistral import write_sentencepiece_folder
from tests.infrastructure.models.test_mistral import DATA, VERSIONS
from tests.infrastructure.models.tiny import tiny_model

WORD = {"type": "string", "maxLength": 5}
NESTED = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["ship", "boat", 3]},
        "name": WORD,
        "crew": {
            "type": "array",
            "minItems": 1,
            "maxItems": 3,
            "items": {
                "type": "object",
                "properties": {"age": {"type": "integer", "minimum": 0, "maximum": 99}, "nick": WORD},
                "required": ["age"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["kind", "crew"],
    "additionalProperties": False,
}
END = 2


@pytest.fixture(scope="module")
def codec(tiny_folder: Path) -> TokenCodec:
    return load_codec(ModelFolder("tiny", tiny_folder))


@cache
def engine(seed: int) -> TransformersEngine:
    return TransformersEngine(tiny_model(seed=seed))


def constraint(codec: TokenCodec, schema: object) -> Constraint:
    return codec.constraints({END}).new(json_grammar(json.dumps(schema)))


def reply(codec: TokenCodec, schema: object, sampling: Sampling, *, seed: int = 0, most: int = 600) -> tuple[str, bool]:
    """What random weights write under a schema, and whether it ended by itself."""
    tokens: list[int] = []
    ended = engine(seed).generate(
        [1, 20, 30],
        sampling,
        max_new_tokens=most,
        on_token=tokens.append,
        stop=threading.Event(),
        constraint=constraint(codec, schema),
    )
    stream = codec.text_stream()
    return "".join(stream.push(token) for token in tokens) + stream.finish(), ended


def ended_by(codec: TokenCodec, schema: object, text: str) -> bool:
    """Whether the end token may follow `text`, which the schema has to allow."""
    held = constraint(codec, schema)
    for token in codec._tokenizer.encode(text).ids:
        assert held.allowed()[token], text
        held.take(token)
    return bool(held.allowed()[END])


@pytest.mark.parametrize("seed", range(20))
def test_random_weights_write_what_the_schema_allows(codec: TokenCodec, seed: int) -> None:
    for sampling in (Sampling(temperature=0), Sampling(temperature=1.5, top_p=0.9, seed=seed)):
        text, ended = reply(codec, NESTED, sampling, seed=seed)
        assert ended
        jsonschema.validate(json.loads(text), NESTED)


@pytest.mark.parametrize("seed", range(20))
def test_any_object_is_one_object_or_the_beginning_of_one(codec: TokenCodec, seed: int) -> None:
    schema = json.loads(ANY_JSON_OBJECT)
    text, ended = reply(codec, schema, Sampling(temperature=1.0, seed=seed), seed=seed)
    if ended:
        assert isinstance(json.loads(text), dict)
    else:
        assert not ended_by(codec, schema, text.removesuffix("\N{REPLACEMENT CHARACTER}"))


def test_a_document_that_its_length_cuts_off_has_not_ended(codec: TokenCodec) -> None:
    assert reply(codec, NESTED, Sampling(temperature=0), most=4)[1] is False


@pytest.mark.parametrize(
    ("schema", "text", "whole"),
    [
        ({"type": "object"}, "", False),
        ({"type": "object"}, '{"a": 1', False),
        ({"type": "object"}, '{"a": [true, null]}', True),
        ({}, '"a', False),
        ({}, '"a"', True),
        ({"type": "integer"}, "12", True),
        ({"type": "string"}, '"\\"\\\\"', True),
    ],
    ids=str,
)
def test_the_end_may_come_once_the_document_is_whole(codec: TokenCodec, schema: object, text: str, whole: bool) -> None:  # noqa: FBT001
    assert ended_by(codec, schema, text) is whole


def test_a_line_break_in_a_string_has_no_escape(codec: TokenCodec) -> None:
    with pytest.raises(AssertionError):
        ended_by(codec, {"type": "string"}, '"a\\nb"')


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("[]", "Expecting object schema"),
        ("{", "EOF while parsing"),
        ('{"type": "ship"}', "Invalid type: ship"),
        ('{"not": {}}', r'Unimplemented keys: \["not"\]'),
        ('{"not": {}, "x-guidance": {"lenient": true}}', r'Unimplemented keys: \["not"\]'),
        ('{"$ref": "#/nowhere"}', "'/nowhere' does not exist"),
        ('{"$ref": "https://example.com/schema.json"}', "does not fetch"),
        ('{"pattern": "(?=a)", "type": "string"}', "look-around"),
        ('{"type": "integer", "minimum": 2, "maximum": 1}', "Unsatisfiable"),
        ("false", "Expecting object schema"),
        ('{"items":' * 500 + "{}" + "}" * 500, "recursion limit"),
    ],
)
def test_a_schema_that_cannot_be_followed_is_refused_in_one_line(schema: str, reason: str) -> None:
    with pytest.raises(UsageError, match=f"^the JSON schema cannot be followed: .*{reason}") as refusal:
        json_grammar(schema)
    assert "\n" not in str(refusal.value)


def test_a_token_that_may_not_come_is_refused_without_the_reply(codec: TokenCodec) -> None:
    held = constraint(codec, {"type": "object"})
    with pytest.raises(UsageError) as refusal:
        held.take(codec._tokenizer.encode("x").ids[0])
    assert "\n" not in str(refusal.value)


def test_a_tokenizer_that_cannot_be_used_is_refused() -> None:
    words = Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a"))
    with pytest.raises(UnsupportedModel, match="cannot be held to a JSON schema"):
        Constraints(words, end_tokens=[1]).new(json_grammar("{}"))


@pytest.mark.parametrize("version", sorted(VERSIONS))
def test_sentencepiece_vocabularies_are_held_too(version: str, tmp_path: Path) -> None:
    codec = load_codec(ModelFolder(version, write_sentencepiece_folder(tmp_path, DATA / VERSIONS[version][1])))
    held = codec.constraints({END}).new(json_grammar('{"const": {"città": "Zürich 🚢"}}'))
    text, written = codec.text_stream(), ""
    while not held.is_over:
        token = next(token for token, allowed in enumerate(held.allowed()) if allowed)
        written += text.push(token)
        held.take(token)
    assert json.loads(written + text.finish()) == {"città": "Zürich 🚢"}
