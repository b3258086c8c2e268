"""`/health` and `/ready`."""

from typing import Literal

from pydantic import BaseModel


class HealthOut(BaseModel):
    """The process lives."""

    status: Literal["ok"]
    version: str


class ReadyOut(BaseModel):
    """What is needed, and whether it is there."""

    status: Literal["ready", "draining", "loading", "failed", "down"]
    checks: dict[str, Literal["ok", "draining", "loading", "failed", "down"]]
