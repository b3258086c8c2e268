"""The parameters of sampling, which both chat routes share."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import to_json

from nexxi_cli.core.types import Sampling

MAX_STOPS = 4  # as in OpenAI's API
MAX_STOP_CHARS = 256
ANY_OBJECT = '{"type":"object"}'

Stop = Annotated[str, Field(min_length=1, max_length=MAX_STOP_CHARS)]


def _listed(stop: str | list[str] | None) -> list[str]:
    return [stop] if isinstance(stop, str) else stop or []


def _is_number(value: object) -> object:
    if isinstance(value, str | bool):
        raise ValueError("should be a number")
    return value


Whole = Annotated[int, BeforeValidator(_is_number)]
Real = Annotated[float, BeforeValidator(_is_number)]
"""JSON numbers: pydantic alone would read "1" and true as 1."""


class TextFormat(BaseModel):
    """Any text."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]


class JsonObjectFormat(BaseModel):
    """The reply is one JSON object. Enforced while it is written: what is no JSON cannot be sampled."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["json_object"]


class JsonSchema(BaseModel):
    """A JSON schema with a name."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=64)
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = Field(None, strict=True, description="always true in effect")


class JsonSchemaFormat(BaseModel):
    """The reply is JSON that the schema allows. Enforced while it is written."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


class SamplingIn(BaseModel):
    """How the reply is written."""

    model_config = ConfigDict(extra="forbid")

    temperature: Real | None = Field(None, ge=0, le=2, description="0 always takes the likeliest token")
    top_p: Real | None = Field(None, gt=0, le=1, description="nucleus sampling")
    max_tokens: Whole | None = Field(None, ge=1, le=2**31 - 1, description="longest reply, in tokens")
    seed: Whole | None = Field(None, ge=0, lt=2**63, description="makes sampling repeatable")
    stop: Annotated[Stop | Annotated[list[Stop], Field(max_length=MAX_STOPS)] | None, AfterValidator(_listed)] = Field(
        None, validate_default=True, description="the reply ends before the first of these"
    )
    response_format: ResponseFormat | None = Field(None, description="text, or JSON that is enforced")

    def sampling(self, default: Sampling) -> Sampling:
        """As the service takes it; what is not stated is the server's default."""
        return Sampling(
            temperature=default.temperature if self.temperature is None else self.temperature,
            top_p=default.top_p if self.top_p is None else self.top_p,
            max_new_tokens=self.reply_tokens() or default.max_new_tokens,
            seed=default.seed if self.seed is None else self.seed,
            stop=tuple(_listed(self.stop)),
            json_schema=_schema_text(self.response_format),
        )

    def reply_tokens(self) -> int | None:
        """The longest reply that was asked for."""
        return self.max_tokens


def _schema_text(wanted: TextFormat | JsonObjectFormat | JsonSchemaFormat | None) -> str | None:
    match wanted:
        case JsonObjectFormat():
            return ANY_OBJECT
        case JsonSchemaFormat(json_schema=described):
            return to_json(described.schema_).decode()
        case _:
            return None
