"""What engines and their callers share."""


class Stopped(Exception):
    """The caller wants no more tokens."""
