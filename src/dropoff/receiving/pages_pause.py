"""The shop's own brake: intake paused when the stock room is full, and taken up again, by one tap each."""

from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Request, post
from litestar.response.base import ASGIResponse

from dropoff.counter.pausing import IntakeAnswer, pause_intake, resume_intake
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.network.location_states import NewPause
from dropoff.receiving import till_words
from dropoff.receiving.till_forms import here, once, read_form, till_of
from dropoff.receiving.till_home import show_home
from dropoff.receiving.till_words import Result
from dropoff.web.languages import N_
from dropoff.web.problems import Refused
from dropoff.web.shell import see_other

HOUR: Final = "hour"
DAY: Final = "day"
PAUSED: Final = Result(
    "wait", "wait", N_("Intake is paused"), N_("Shoppers are sent elsewhere from now on."), N_("Bags can still leave.")
)
RESUMED: Final = Result("good", "yes", N_("Intake is open again"), N_("Shoppers find this place again."), "")


@post("/pause", include_in_schema=False)
async def pause(request: Request[Any, Any, Any]) -> ASGIResponse:
    form = await read_form(request)
    place, at = await here(request), now()
    wanted = NewPause(until=_until(form.one("for", 10), at, place.zone))
    answer, _ = await once(request, form, IntakeAnswer, pause_intake, till_of(request), wanted, at)
    return await _told(request, answer, "/till?paused=1")


@post("/resume", include_in_schema=False)
async def resume(request: Request[Any, Any, Any]) -> ASGIResponse:
    form = await read_form(request)
    answer, _ = await once(request, form, IntakeAnswer, resume_intake, till_of(request), now())
    return await _told(request, answer, "/till?resumed=1")


async def _told(request: Request[Any, Any, Any], answer: IntakeAnswer | Problem, done: str) -> ASGIResponse:
    if isinstance(answer, Problem):
        raise Refused(answer)
    if answer.verdict == "refused":
        return await show_home(request, till_words.refused(answer.reason))
    return see_other(done)


def _until(text: str, at: datetime, zone: str) -> datetime | None:
    """For an hour, or to the end of the day by the clock of the place; None: until somebody resumes."""
    if text == HOUR:
        return at + timedelta(hours=1)
    if text == DAY:
        tomorrow = at.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
        return datetime.combine(tomorrow, time(), ZoneInfo(zone))
    return None


HANDLERS: Final[list[Any]] = [pause, resume]
