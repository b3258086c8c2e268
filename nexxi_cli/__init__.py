"""Nexxi: a chat with a language model in the terminal, in shell scripts and behind an API.

As a library: `from nexxi_cli import safety_filter; safety_filter().check(text)` gives a Verdict.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nexxi_cli.wiring import safety_filter as safety_filter

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is (PEP 562): the command line asks for nothing but the version."""
    if name == "safety_filter":
        from nexxi_cli.wiring import safety_filter

        return safety_filter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
