"""`python -m tests.http.scripted_server`: the real server as a process of its own, over a model that is scripted.

Settings come from NEXXI_* variables; SCRIPT_DELAY_S, SCRIPT_TOKENS and SCRIPT_ENDLESS say how the model answers,
SCRIPT_LOADING that it never gets ready.
"""

import os
import sys

from nexxi_cli.cli.serve import http_settings, run_server
from nexxi_cli.core.errors import NexxiError
from tests.http.scripted import REPLY, ScriptedBackend


def main() -> int:
    try:
        return run_server(
            http_settings({}),
            lambda nexxi: ScriptedBackend(
                REPLY * (int(os.environ.get("SCRIPT_TOKENS", len(REPLY))) // len(REPLY)),
                delay_s=float(os.environ.get("SCRIPT_DELAY_S", "0")),
                endless=bool(os.environ.get("SCRIPT_ENDLESS")),
                remembers=False,
                is_ready=not os.environ.get("SCRIPT_LOADING"),
            ),
        )
    except NexxiError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
