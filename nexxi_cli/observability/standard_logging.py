"""The standard library's logging, brought into Loguru: Uvicorn's lines, SQLAlchemy's, asyncio's, and warnings."""

import logging

from loguru import logger

OWN_SERVER = ("uvicorn", "uvicorn.error", "uvicorn.asgi")
REQUESTS = "uvicorn.access"


def route_standard_logging() -> None:
    """Send what other libraries log to where our lines go, in their style. May be called again.

    Of Uvicorn from INFO, but not its line for each request, which RequestServed is. Of all others from WARNING: below
    it they tell what they were given (SQLAlchemy its parameters), and that may be what people wrote. Uvicorn must be
    run with `log_config=None`, or it takes its loggers back.
    """
    root = logging.getLogger()
    root.handlers[:] = [ToLoguru()]
    root.setLevel(logging.WARNING)
    for name in OWN_SERVER:
        ours = logging.getLogger(name)
        ours.handlers.clear()
        ours.propagate = True
        ours.setLevel(logging.INFO)
    requests = logging.getLogger(REQUESTS)
    requests.handlers.clear()
    requests.propagate = False
    logging.captureWarnings(capture=True)


class ToLoguru(logging.Handler):
    """Passes each record on, with its logger's name and its traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log `record` through Loguru."""
        known = record.levelname in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        to = logger.bind(logger=record.name).opt(exception=record.exc_info)
        to.log(record.levelname if known else record.levelno, _message(record))


def _message(record: logging.LogRecord) -> str:
    """The record's message; the bare one where its arguments do not fit, as a log line must not fail its caller."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return str(record.msg)
