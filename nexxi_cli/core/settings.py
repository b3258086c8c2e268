"""One frozen Settings: flag > NEXXI_* variable > config file > default.

A key or value that is wrong fails here, at start, and names itself and the nearest valid name.
Longer than most: all that can be set is found in one place, with its check.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from nexxi_cli.core.errors import SettingsError
from nexxi_cli.core.moderation import parse_rule
from nexxi_cli.core.spans import parse_span
from nexxi_cli.core.types import Sampling
from nexxi_cli.core.urls import names_a_redis, names_a_server

PREFIX = "NEXXI_"
CONFIG_VARIABLE = "NEXXI_CONFIG"

Mode = Literal["off", "observe", "redact", "block"]
InjectionMode = Literal["off", "observe", "block"]

DATABASE_SCHEMES = ("postgresql://", "postgres://", "postgresql+psycopg://", "sqlite:///")


class Settings(BaseModel):
    """Everything that can be configured. The name in the config file; as a variable, in capitals after NEXXI_."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    model: str = Field("smollm2-135m", min_length=1, description="alias, hub id, folder of safetensors or .gguf file")
    system: str | None = Field(None, description="system prompt of new sessions")
    temperature: float | None = Field(None, ge=0, le=2, description="0 is greedy; default: the model's own")
    top_p: float | None = Field(None, gt=0, le=1, description="nucleus sampling; default: the model's own")
    max_tokens: int = Field(1024, ge=1, description="longest reply, in tokens")
    seed: int | None = Field(None, ge=0, lt=2**63, description="makes sampling repeatable")
    threads: int | None = Field(None, ge=1, description="CPU threads of the model; default: one for each core")
    quantize: Literal["auto", "int4", "int8", "bf16", "f32"] = Field(
        "auto", description="how weights are held: auto is int4 where they have four bits already, else as they are"
    )
    compile: bool = Field(default=True, description="compile a model's steps for this processor, behind a chat")
    prefix_cache_mb: int = Field(256, ge=0, description="memory for what was read of conversations that may go on")
    keep_alive: timedelta = Field(
        timedelta(0),
        ge=timedelta(0),
        description="how long the model stays loaded for the next chat, such as 10m or 2h; 0: not",
    )
    model_server: tuple[str, ...] = Field(
        (), description="servers that run the model: http://host:8000/v1, tgi+http://host:8080; comma-separated"
    )
    model_server_key: SecretStr | None = Field(None, min_length=1, description="the key that these servers want")
    model_server_context: int = Field(8192, ge=256, description="context in tokens, of servers that do not tell it")
    model_server_silence_s: float = Field(120, gt=0, description="how long such a server may send nothing at all")
    history: Literal["window", "summarise"] = Field(
        "window", description="what becomes of turns that no longer fit: left out (window) or summed up by the model"
    )
    safety_html: Mode = Field("redact", description="HTML tags in what is asked: off, observe, redact (strip) or block")
    safety_pii: Mode = Field("redact", description="personal data: off, observe, redact or block")
    safety_names: Mode = Field(
        "off", description="people, organisations and places, by a tagger: off, observe, redact or block"
    )
    safety_injection: InjectionMode = Field(
        "observe", description="prompt injection and jailbreaks in what is asked: off, observe (say so) or block"
    )
    safety_allow: tuple[str, ...] = Field(
        (), description="rules, or regular expressions of texts, that the injection layer lets through; separated by ;"
    )
    safety_max_chars: int = Field(200_000, ge=1, description="longest message, in characters")
    moderation_model: str | None = Field(
        None, min_length=1, description="text classifier that judges what is asked: hub id or folder; default: none"
    )
    moderation_labels: tuple[str, ...] = Field(
        (), description="what its labels mean: label=block, label=flag or label=pass, with :threshold; comma-separated"
    )
    moderation_threshold: float = Field(0.5, gt=0, le=1, description="score from which a label counts")
    redact_key: SecretStr | None = Field(
        None, min_length=16, description="what `nexxi redact` hashes, encrypts and keeps pseudonyms with"
    )
    redis_url: SecretStr | None = Field(None, description="Redis for the sessions; default: a file of the user's")
    session_ttl_s: int | None = Field(None, ge=1, description="how long Redis keeps a silent session; default: ever")

    @field_validator("redis_url")
    @classmethod
    def _is_a_redis_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not names_a_redis(url.get_secret_value()):
            raise ValueError(
                "should be redis://[[user]:password@]host[:port][/db], rediss://... or unix:///path, "
                "the special characters of a password percent-encoded"
            )
        return url

    database_url: SecretStr | None = Field(
        None, description="archive: postgresql://USER:PASSWORD@HOST/NAME or sqlite:///PATH; default: a file of its own"
    )

    host: str = Field("127.0.0.1", min_length=1, description="address that `nexxi serve` listens on")
    port: int = Field(8000, ge=0, le=65535, description="its port; 0 takes a free one")
    uds: Path | None = Field(None, description="a Unix socket instead of address and port")
    api_key: SecretStr | None = Field(
        None, min_length=8, max_length=256, description="one key for everything, without a database"
    )
    key_secret: SecretStr | None = Field(
        None, min_length=16, description="what keys are hashed with; default: a file of the user's"
    )
    insecure_no_auth: bool = Field(default=False, description="serve without any key, on a loopback address only")
    requests_per_minute: int = Field(60, ge=1, description="for each key that says nothing else")
    tokens_per_minute: int | None = Field(None, ge=1, description="the same for tokens; default: no limit")
    workers: int = Field(1, ge=1, le=256, description="processes that serve; more than one with a model server only")
    max_concurrent: int = Field(8, ge=1, description="replies that are generated at a time")
    max_queue: int = Field(100, ge=0, description="requests that may wait for a place")
    request_timeout_s: float = Field(300, gt=0, description="deadline of a request, the time in the queue included")
    grace_s: float = Field(30, ge=0, description="how long replies may go on after SIGTERM")
    max_body_bytes: int = Field(4_194_304, ge=1024, description="longest request body")
    log_format: Literal["text", "json"] = Field("text", description="log lines of `nexxi serve`")
    forwarded_allow_ips: str = Field("127.0.0.1", description="proxies whose X-Forwarded-* headers are believed")
    require_https: bool = Field(default=False, description="refuse requests that did not come over TLS")
    cors_origins: tuple[str, ...] = Field((), description="web pages that may call the API, comma-separated; none")
    public_metrics: bool = Field(default=False, description="/metrics without a key")
    public_docs: bool = Field(default=False, description="/docs and /openapi.json without a key")

    @field_validator("keep_alive", mode="before")
    @classmethod
    def _is_a_span(cls, value: object) -> object:
        return parse_span(f"{value}s" if value == "0" else value) if isinstance(value, str) else value

    @field_validator("cors_origins", "model_server", mode="before")
    @classmethod
    def _splits_at_commas(cls, value: object) -> object:
        return [part for part in re.split(r"[,\s]+", value) if part] if isinstance(value, str) else value

    @field_validator("model_server")
    @classmethod
    def _are_addresses_of_servers(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(names_a_server, urls)):
            raise ValueError("should be http://host:port/v1, or https://..., without a user, a password or parameters")
        if len({url.startswith("tgi+") for url in urls}) > 1:
            raise ValueError("should be servers of one kind, all with tgi+ before the address or none")
        return tuple(dict.fromkeys(url.rstrip("/") for url in urls))

    @field_validator("safety_allow", mode="before")
    @classmethod
    def _splits_at_semicolons(cls, value: object) -> object:
        return [part.strip() for part in value.split(";") if part.strip()] if isinstance(value, str) else value

    @field_validator("safety_allow")
    @classmethod
    def _are_regular_expressions(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            try:
                re.compile(entry)
            except re.error as error:
                raise ValueError(f"{entry!r} is no regular expression: {error}") from error
        return entries

    @field_validator("moderation_labels", mode="before")
    @classmethod
    def _splits_into_rules(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("moderation_labels")
    @classmethod
    def _are_rules(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        labels = [parse_rule(entry).label.casefold() for entry in entries]
        if len(set(labels)) < len(labels):
            raise ValueError("should name each label once")
        return entries

    @field_validator("database_url")
    @classmethod
    def _has_a_known_scheme(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(DATABASE_SCHEMES):
            raise ValueError(f"must begin with {', '.join(DATABASE_SCHEMES[:-1])} or {DATABASE_SCHEMES[-1]}")
        return url

    @property
    def named_model(self) -> str | None:
        """The model, if the user named one; a model server may have another than the default."""
        return self.model if "model" in self.model_fields_set else None

    @property
    def model_backend(self) -> Literal["local", "openai", "tgi"]:
        """What runs the model: a row of the registry's MODEL_BACKENDS."""
        if not self.model_server:
            return "local"
        return "tgi" if self.model_server[0].startswith("tgi+") else "openai"

    def sampling(self) -> Sampling:
        """How replies are sampled under these settings."""
        return Sampling(temperature=self.temperature, top_p=self.top_p, max_new_tokens=self.max_tokens, seed=self.seed)


def load_settings(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    default_config: Path,
    assignments: Mapping[str, object] | None = None,
) -> Settings:
    """Merge the sources. Flags that are None count as not given; they prevail over `-o` assignments.

    Raises SettingsError.
    """
    config = Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else default_config
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    sources = (
        _from_file(config, required=bool(environ.get(CONFIG_VARIABLE))),
        _from_environment(environ),
        ((f"-o {key}", key, value) for key, value in (assignments or {}).items()),
        (("--" + key.replace("_", "-"), key, value) for key, value in flags.items() if value is not None),
    )
    for source in sources:
        for origin, key, value in source:
            if key not in Settings.model_fields:
                raise SettingsError(_unknown(origin, key))
            values[key], origins[key] = value, origin
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        reason = first["msg"].removeprefix("Value error, ")
        reason = reason[:1].lower() + reason[1:]
        if _is_secret(key) or (key == "model_server" and "@" in str(values[key])):
            raise SettingsError(f"{origins[key]}: {reason}") from None  # pydantic's error shows the value
        raise SettingsError(f"{origins[key]}: {reason}, not {values[key]!r}") from error


def _is_secret(key: str) -> bool:
    return SecretStr in get_args(Settings.model_fields[key].annotation)


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str, object]]:
    for variable, value in environ.items():
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE:
            key = variable.removeprefix(PREFIX).lower()
            if value or key not in Settings.model_fields:  # an empty variable counts as unset
                yield variable, key, value


def _from_file(path: Path, *, required: bool) -> Iterator[tuple[str, str, object]]:
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except FileNotFoundError as error:
        if required:
            raise SettingsError(f"{CONFIG_VARIABLE}: there is no file {path}") from error
        return
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    for key, value in _flat(table):
        yield f"{key} in {path}", key, value


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """`[safety] pii = "off"` is `safety_pii = "off"`."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}_")
        else:
            yield prefix + key, value


def _unknown(origin: str, key: str) -> str:
    near = get_close_matches(key, Settings.model_fields, n=1, cutoff=0.5)
    if not near:
        return f"{origin}: there is no such setting"
    name = PREFIX + near[0].upper() if origin.startswith(PREFIX) else near[0]
    return f"{origin}: there is no such setting; did you mean {name}?"
