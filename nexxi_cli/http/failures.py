"""Errors that are nobody's on purpose, on their way into the log."""

from loguru import logger

from nexxi_cli.http.record import RequestRecord


def log_failure(error: Exception, record: RequestRecord) -> None:
    """Log an error with its trace, once, where it is caught for good."""
    logger.bind(request_id=record.request_id).opt(exception=error).error("a request failed")
