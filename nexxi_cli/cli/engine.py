"""The process that `nexxi chat --keep-alive` leaves behind: `python -m nexxi_cli.cli.engine`, under NEXXI_* variables.

It keeps one model loaded for the chats of its user until none has come for a while, or until SIGTERM.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from nexxi_cli.cli.render import error_line
from nexxi_cli.core.errors import NexxiError

if TYPE_CHECKING:
    from nexxi_cli.core.settings import Settings

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> int:
    """Keep the model; return the exit code: 0 when the time is over, or when another process keeps it already."""
    from loguru import logger

    from nexxi_cli.cli.startup import read_settings
    from nexxi_cli.observability.logs import flush_logs, log_to

    log_to(level="INFO")
    try:
        asyncio.run(_keep(read_settings({})))
    except NexxiError as error:
        logger.error(error_line(error).replace("{", "{{").replace("}", "}}"))
        return error.exit_code
    finally:
        flush_logs()
    return 0


async def _keep(settings: "Settings") -> None:
    from nexxi_cli.cli.startup import cli_paths
    from nexxi_cli.observability.logs import LogObserver
    from nexxi_cli.wiring import open_app

    loop = asyncio.get_running_loop()

    def end_on_signals(end: Callable[[], None]) -> None:
        for number in ENDING:
            loop.add_signal_handler(number, end)

    async with open_app(settings, cli_paths(), observer=LogObserver(details=False)) as nexxi:
        await nexxi.keep_engine(end_on_signals)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # as `__main__` does: threads of libraries, and torch, would take their time
