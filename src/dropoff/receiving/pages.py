"""The till: one field that takes any scan, one page that takes things in, one large answer. Forms only, no script."""

from typing import Any, Final

from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.counter import service as counter
from dropoff.counter.service import UndoAnswer
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.receiving import (
    pages_bags,
    pages_hand_in,
    pages_handover,
    pages_help,
    pages_lockers,
    pages_offline,
    pages_pause,
    pages_photo,
    pages_shift,
    pages_store,
    pages_tags,
    pages_visit,
    till_words,
)
from dropoff.receiving.till_forms import NotPaired, for_till, not_paired, once, read_form, till_of
from dropoff.receiving.till_home import show_home
from dropoff.web.problems import Refused
from dropoff.web.shell import see_other

TOLD: Final = (
    ("paused", pages_pause.PAUSED),
    ("resumed", pages_pause.RESUMED),
    ("missed", pages_store.MISSED),
)
"""What a front page says that is asked for with one of these names."""


@get("/", include_in_schema=False)
async def home(request: Request[Any, Any, Any]) -> ASGIResponse:
    query = request.query_params
    if "undone" in query:
        return await show_home(request, till_words.UNDONE)
    if "photo" in query:
        return await show_home(request, till_words.PHOTO_KEPT)
    if "shift" in query:
        return await show_home(request, await pages_shift.welcome(request, query["shift"]))
    if "helped" in query:
        return await show_home(request, pages_help.told(query["helped"]))
    for name, result in TOLD:
        if name in query:
            return await show_home(request, result)
    return await show_home(request, till_words.already("") if "already" in query else None, query.get("hand_in", ""))


@post("/hand-ins/{hand_in_id:str}/undo", include_in_schema=False)
async def undo_hand_in(request: Request[Any, Any, Any], hand_in_id: FromPath[str]) -> ASGIResponse:
    form = await read_form(request)
    answer, _ = await once(request, form, UndoAnswer, counter.undo_hand_in, till_of(request), hand_in_id, now())
    if isinstance(answer, Problem):
        raise Refused(answer)
    if answer.verdict == "refused":
        return await show_home(request, till_words.refused(answer.reason))
    return see_other("/till?undone=1")


till = Router(
    path="/till",
    guards=[for_till, pages_shift.someone_there],
    exception_handlers={NotPaired: not_paired, pages_shift.WhoIsThere: pages_shift.ask},
    route_handlers=[
        home,
        undo_hand_in,
        *pages_hand_in.HANDLERS,
        *pages_visit.HANDLERS,
        *pages_photo.HANDLERS,
        *pages_bags.HANDLERS,
        *pages_handover.HANDLERS,
        *pages_tags.HANDLERS,
        *pages_pause.HANDLERS,
        *pages_store.HANDLERS,
        *pages_shift.HANDLERS,
        *pages_help.HANDLERS,
        *pages_lockers.HANDLERS,
        *pages_offline.HANDLERS,
    ],
)
HANDLERS: Final = [till, *pages_offline.PUBLIC]
