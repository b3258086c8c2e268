"""What the routes reach for, built once by `server`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from nexxi_cli.core.access import Caller
from nexxi_cli.core.ports import ModelBackend
from nexxi_cli.core.settings import Settings
from nexxi_cli.core.types import Sampling
from nexxi_cli.http.drain import Drain
from nexxi_cli.http.generation import Generation
from nexxi_cli.http.model_state import ModelState
from nexxi_cli.http.record import RequestRecord, record_of
from nexxi_cli.http.store_watch import StoreWatch
from nexxi_cli.service.conversations import ConversationManager
from nexxi_cli.service.safety import SafetyFilter


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one server. `exposition` gives the metrics and their content type; `started_at` is Unix time."""

    settings: Settings
    backend: ModelBackend
    model: ModelState
    generation: Generation
    conversations: ConversationManager
    redactor: SafetyFilter
    store: StoreWatch
    drain: Drain
    exposition: Callable[[], tuple[bytes, str]]
    started_at: int

    def default_sampling(self) -> Sampling:
        """What holds for requests that do not say otherwise; their length is the Generation's to say."""
        return replace(self.settings.sampling(), max_new_tokens=None)


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way through a route: what serves it, who makes it, and what is noted of it."""

    nexxi: Services
    caller: Caller
    record: RequestRecord


async def _services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


async def _call(request: Request) -> Call:
    record = record_of(request.scope)
    assert record.caller is not None  # what is not public is behind the APIKeyMiddleware
    return Call(request.app.state.services, record.caller, record)


Served = Annotated[Services, Depends(_services)]
"""For routes that anybody may call."""

Called = Annotated[Call, Depends(_call)]
"""In one, as FastAPI charges for each dependency."""
