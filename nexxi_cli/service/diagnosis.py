"""What answers and what does not. Knows whom to ask; knows no library and no front door."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from nexxi_cli.core.errors import NexxiError

State = Literal["ok", "warning", "down"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. "down": it is needed and does not answer."""

    name: str
    state: State
    detail: str


async def check(name: str, look: Callable[[], Awaitable[str | Check]]) -> Check:
    """What `look` says of `name`; an error of ours is its answer too."""
    try:
        found = await look()
    except NexxiError as error:
        return Check(name, "down", str(error))
    return found if isinstance(found, Check) else Check(name, "ok", found)
