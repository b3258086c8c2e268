"""Weights as transformers reads them: whole, or an error of ours that says what is wrong with them."""

import threading
from typing import Any

import torch
from safetensors import SafetensorError

from nexxi_cli.core.errors import ModelUnavailable, UnsupportedModel
from nexxi_cli.infrastructure.models.folder import ModelFolder
from nexxi_cli.infrastructure.models.transformers_quiet import quiet

_LOADING = threading.Lock()
"""One model at a time: from_pretrained sets torch's default type and device for the whole process meanwhile."""


def read_model(kind: Any, folder: ModelFolder, dtype: torch.dtype) -> Any:
    """The model in memory; `kind` is one of the Auto classes. Raises ModelUnavailable and UnsupportedModel."""
    quiet()
    try:
        with _LOADING:
            model, report = kind.from_pretrained(
                folder.path, dtype=dtype, local_files_only=True, output_loading_info=True
            )
    except (SafetensorError, OSError, RuntimeError, KeyError) as error:
        raise ModelUnavailable(f"the weights of {folder.name} cannot be read: {first_line(error)}") from error
    except (ValueError, ImportError) as error:
        raise UnsupportedModel(f"{folder.name} cannot be run: {first_line(error)}") from error
    if report["missing_keys"] or report["mismatched_keys"]:
        missing = sorted(report["missing_keys"]) or sorted(str(key) for key in report["mismatched_keys"])
        raise ModelUnavailable(f"the weights of {folder.name} are not whole: {missing[0]} is missing or misshapen")
    return model


def first_line(error: Exception) -> str:
    """What a library's error says, short enough for one of ours."""
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
