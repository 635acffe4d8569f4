"""How API and pages take a step: the bank is asked in a thread, and a refusal is raised."""

from collections.abc import Callable
from typing import Any, Final

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar
from litestar import Request

from dropoff.access.principal import principal
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem, not_found
from dropoff.lockers import service
from dropoff.lockers.service import DepositRow
from dropoff.web.problems import Refused

CALLS_AT_ONCE: Final = 16
"""Of one process: banks that hang keep each other waiting, and no other page."""
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("calls to banks of lockers")


async def in_thread(step: Callable[..., Any], *values: Any) -> Any:
    """A bank may take seconds. A refusal is raised."""
    limiter = _limiter.get(None)
    if limiter is None:
        limiter = anyio.CapacityLimiter(CALLS_AT_ONCE)
        _limiter.set(limiter)
    told = await anyio.to_thread.run_sync(lambda: step(*values), limiter=limiter)
    if isinstance(told, Problem):
        raise Refused(told)
    return told


async def take_step(request: Request[Any, Any, Any], row: DepositRow, verb: str) -> DepositRow:
    """Raises `Refused`."""
    context, at = request.app.state.context, now()
    steps: dict[str, Callable[..., Any]] = {
        "open": service.open_door,
        "occupied": service.report_occupied,
        "release": service.give_up,
        "confirm": service.settle,
        "empty": service.settle,
    }
    if verb not in steps:
        raise Refused(Problem("not-found"))
    said = {"confirm": service.confirm, "empty": service.deny}.get(verb)
    if said is not None:
        row = await context.db.write(said, row.id, at) or row
    told: DepositRow = await in_thread(steps[verb], context, row, at)
    return told


async def empty(request: Request[Any, Any, Any], deposit_id: str) -> DepositRow:
    """Raises `Refused`."""
    who, context = principal(request), request.app.state.context
    row = await context.db.read(service.deposit_here, deposit_id, who.location_id, who.live)
    if row is None:
        raise Refused(not_found("compartment to empty at this place"))
    await in_thread(service.open_to_empty, context, row)
    found: DepositRow = row
    return found
