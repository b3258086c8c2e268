"""The JSON schema that `--schema` names."""

import json
from pathlib import Path

from nexxi_cli.cli.prompt import read_file
from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.types import ANY_JSON_OBJECT

_ANY = "json"


def read_schema(choice: str) -> str:
    """What `choice` means: the word `json` any object, all else a file. Whether a model can follow it shows later.

    Raises NotFound for a file that cannot be read, UsageError when it is no JSON.
    """
    if choice == _ANY:
        return ANY_JSON_OBJECT
    text = read_file(Path(choice))
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--schema: {choice} is not JSON: {error}") from error
    return text
