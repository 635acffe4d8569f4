"""What the operator sees of the counters: how long a hand-in takes there."""

from typing import Any, Final

from litestar import Request, get
from litestar.response.base import ASGIResponse

from dropoff.access.guards import for_operator
from dropoff.counter.times import counter_times
from dropoff.kernel.clock import now
from dropoff.web.context import context
from dropoff.web.shell import page, render


@get("/counter-times", guards=[for_operator], include_in_schema=False)
async def counter_times_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    return page(render("counter/times.html", await context(request).db.read(counter_times, now())))


HANDLERS: Final = [counter_times_page]
