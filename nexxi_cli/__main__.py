"""`nexxi` and `python -m nexxi_cli`."""

import os
import sys
from contextlib import suppress
from typing import NoReturn

SPARED = {"PYDANTIC_DISABLE_PLUGINS": "__all__", "OPENBLAS_NUM_THREADS": "1"}
"""What the start would take: a look into every package for plugins, and threads that wait for work by going in circles
beside ours (numpy's, whom nobody asks to multiply).
"""


def main() -> NoReturn:
    """Run the command line and exit with its code, at once.

    The interpreter would wait for threads first, which a library's import or a read of weights does not let go, and
    then take torch down for most of a second. All that has to be kept is kept by now: `run` has closed the App.
    """
    for name, value in SPARED.items():
        os.environ.setdefault(name, value)
    try:
        from nexxi_cli.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while we were still importing
        code = 130
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
