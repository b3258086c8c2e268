"""URLs as people configure them: which are of a kind that we know, and how they are shown."""

import re
from urllib.parse import SplitResult, urlsplit, urlunsplit


def without_credentials(url: str) -> str:
    """A URL for people to read: without user, password and parameters."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def names_a_redis(url: str) -> bool:
    """Whether it is one of the URLs of redis-py, and no part of a password stands where another part belongs."""
    parts = _parts_of(url)
    if parts is None or parts.fragment or "@" in parts.query:
        return False
    if parts.scheme == "unix":
        return parts.path.startswith("/")
    return parts.scheme in ("redis", "rediss") and re.fullmatch("/?|/[0-9]+", parts.path) is not None


def names_a_server(url: str) -> bool:
    """Whether it is the address of an HTTP server and nothing more: no user, password, query or fragment.

    `tgi+` before it says of which kind the server is.
    """
    parts = _parts_of(url)
    if parts is None:
        return False
    is_plain = "@" not in parts.netloc and not parts.query and not parts.fragment
    return parts.scheme.removeprefix("tgi+") in ("http", "https") and bool(parts.hostname) and is_plain


def _parts_of(url: str) -> SplitResult | None:
    """None for what is no URL, or has a port that is no number."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError when it is no number
    except ValueError:
        return None
    return parts
