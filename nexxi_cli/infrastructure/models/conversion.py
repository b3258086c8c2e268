"""GGUF files converted into a folder that loads fast: safetensors in bfloat16, tokenizer, chat template."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexxi_cli.core.errors import ModelUnavailable, OutOfSpace, UnsupportedModel
from nexxi_cli.core.ports import Progress
from nexxi_cli.infrastructure.models.transformers_quiet import quiet

if TYPE_CHECKING:
    from gguf import GGUFReader

BYTES_PER_WEIGHT = 2  # bfloat16

# llama.cpp, src/llama-vocab.cpp: these split digits one by one before GPT-2's pattern; transformers' reader does not
DIGIT_SPLITTING = ("smollm", "starcoder", "refact", "command-r")


def convert_gguf(
    gguf: Path,
    target: Path,
    *,
    name: str,
    progress: Progress,
    need_room: Callable[[int], None],
) -> None:
    """Fill the empty folder `target` from the file, once `need_room` has agreed to the bytes it will take.

    Raises ModelUnavailable for a damaged file, UnsupportedModel for an architecture that transformers cannot convert.
    """
    progress.step(f"converting {name}, once: reading", None)
    reader = _read(gguf)
    need_room(sum(int(tensor.n_elements) for tensor in reader.tensors) * BYTES_PER_WEIGHT)
    _check_architecture(reader, gguf)
    _check_blocks(reader, gguf)

    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    quiet()
    source = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name, "local_files_only": True}
    progress.step(f"converting {name}, once: tokenizer", None)
    try:
        AutoTokenizer.from_pretrained(**source).save_pretrained(target)
    except Exception as error:  # the tokenizers library raises nothing narrower
        raise UnsupportedModel(f"the tokenizer of {gguf} cannot be converted: {_line(error)}") from error
    try:
        progress.step(f"converting {name}, once: weights", None)
        model, report = AutoModelForCausalLM.from_pretrained(
            **source,
            dtype=torch.bfloat16,
            quantization_config=GgufConfig(dequantize=True),
            output_loading_info=True,
        )
        if report["missing_keys"]:
            raise ModelUnavailable(f"{gguf} is not whole: {sorted(report['missing_keys'])[0]} is missing")
        progress.step(f"converting {name}, once: writing", None)
        model.save_pretrained(target)
    except SafetensorError as error:
        raise OutOfSpace(
            f"the converted {name} cannot be written: {error}; free some space, or set XDG_CACHE_HOME"
        ) from error
    except (ValueError, KeyError, IndexError, NotImplementedError, RuntimeError, AttributeError) as error:
        raise UnsupportedModel(f"{gguf} cannot be converted: {_line(error)}") from error
    _split_digits(target / "tokenizer.json", str(_field(reader, "tokenizer.ggml.pre") or ""))


def _read(gguf: Path) -> "GGUFReader":
    from gguf import GGUFReader

    try:
        return GGUFReader(gguf)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise ModelUnavailable(f"{gguf} is not a whole GGUF file: {_line(error)}") from error
    except OSError as error:
        raise ModelUnavailable(f"{gguf} cannot be read: {error.strerror or error}") from error


def _check_architecture(reader: "GGUFReader", gguf: Path) -> None:
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    architecture = _field(reader, "general.architecture")
    if architecture not in GGUF_SUPPORTED_ARCHITECTURES:
        raise UnsupportedModel(
            f"{gguf} is a GGUF of the architecture {architecture!r}, which cannot be converted;"
            " use the model's safetensors, or serve the file with llama.cpp"
        )
    if _field(reader, "tokenizer.ggml.tokens") is None:
        raise UnsupportedModel(f"{gguf} carries no tokenizer: it is not a chat model")


def _check_blocks(reader: "GGUFReader", gguf: Path) -> None:
    """A damaged number of blocks would have transformers build a model of millions of layers before it misses them."""
    stated = _field(reader, f"{_field(reader, 'general.architecture')}.block_count") or 0
    present = {tensor.name.split(".")[1] for tensor in reader.tensors if tensor.name.startswith("blk.")}
    if stated > len(present):
        raise ModelUnavailable(f"{gguf} is not whole: it states {stated} blocks and has {len(present)}")


def _field(reader: "GGUFReader", key: str) -> Any:
    field = reader.get_field(key)
    return None if field is None else field.contents()


def _split_digits(tokenizer_file: Path, pre: str) -> None:
    if pre not in DIGIT_SPLITTING:
        return
    from tokenizers import Tokenizer
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.pre_tokenizer = Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])
    tokenizer.save(str(tokenizer_file))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
