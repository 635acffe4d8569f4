"""The till's front page, where every answer ends: the result large, the scan field at hand, how the place stands."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request
from litestar.response.base import ASGIResponse

from dropoff.counter import service as counter
from dropoff.counter.rules import UNDO_WITHIN
from dropoff.counter.service import BagTold, Till
from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.lockers import service as lockers
from dropoff.receiving import till_bags, till_views
from dropoff.receiving.pages_lockers import to_empty
from dropoff.receiving.till_forms import Here, fresh_key, here, keep_for_back, till_of
from dropoff.receiving.till_script import ICONS, script_words
from dropoff.receiving.till_views import UndoLine
from dropoff.receiving.till_words import Result
from dropoff.web import words
from dropoff.web.languages import NN_, _, ngettext
from dropoff.web.shell import page, render


async def show_home(
    request: Request[Any, Any, Any], result: Result | None, hand_in: str = "", new_label: str = ""
) -> ASGIResponse:
    place = await here(request)
    at = now()
    row, _bag = await request.app.state.context.db.read(_latest, till_of(request), at)
    line = None
    if row is not None:
        until = words.clock(row.received_at + UNDO_WITHIN, place.zone)
        said = f"{words.clock(row.received_at, place.zone)} · {_taken(row.request)}"
        if row.request["parcels"]:
            line = UndoLine(row.id, fresh_key(), said, _("can be undone until %(time)s", time=until))
    receipt = ""
    if hand_in:
        result, receipt = await just_taken(request, place, hand_in)
    shown = line if result is None or hand_in else None
    view = till_views.home_view(
        place.view, place.state, place.zone, at, key=fresh_key(), result=result, undo=shown, new_label=new_label
    )
    lying = await request.app.state.context.db.read(_to_empty, till_of(request))
    photo = f"/till/hand-ins/{hand_in}/photo" if receipt else ""
    view = msgspec.structs.replace(view, receipt=receipt, photo=photo, lockers=to_empty(lying) if lying else "")
    html = render("till/home.html", view, page="till", words=script_words(), icons=ICONS)
    return page(html, headers=keep_for_back(request))


async def just_taken(request: Request[Any, Any, Any], place: Here, hand_in: str) -> tuple[Result, str]:
    """What is said of a hand-in of this till, and the picture that leads to its receipt."""
    row, bag = await request.app.state.context.db.read(_latest, till_of(request), now())
    if row is None or row.id != hand_in:
        return _accepted(None, None), ""
    token = request.app.state.context.passes.receipt_token(row.id)
    return _accepted(row.request, bag), f"/r/{token}/qr.svg"


def _to_empty(tx: Tx, till: Till) -> int:
    return len(lockers.lying(tx, till.location_id, till.live))


def _latest(tx: Tx, till: Till, at: datetime) -> tuple[Any, BagTold | None]:
    """The hand-in that can still be undone, and the bag that its parcels go into."""
    row = counter.undoable(tx, till, at)
    if row is None:
        return None, None
    parcels = [counter.find_parcel_by_tag(tx, parcel["tag"]) for parcel in row.request["parcels"]]
    known = [parcel for parcel in parcels if parcel is not None]
    if not known:
        return row, None
    chosen = row.request["container"]
    bag = counter.tell_bag(tx, till, known[0].retailer_id, known[0].container_id, is_new=chosen is None)
    return row, bag


def _taken(asked: dict[str, Any]) -> str:
    tags = ", ".join(parcel["tag"] for parcel in asked["parcels"])
    things = sum(len(parcel["units"]) for parcel in asked["parcels"])
    return ngettext("%(num)d thing in tag %(tag)s", "%(num)d things in tag %(tag)s", things, tag=tags)


def _accepted(asked: dict[str, Any] | None, bag: BagTold | None) -> Result:
    """`asked` is what was taken in just now; None when it is known no more (sealed or undone meanwhile)."""
    if asked is None:
        return Result("good", "yes", _("Taken in"), "", _("The next customer, please."))
    sent_back = len(asked["refused"])
    one, many = NN_("%(num)d thing goes back with the customer.", "%(num)d things go back with the customer.")
    back = ngettext(one, many, sent_back) if sent_back else ""
    if not asked["parcels"] or bag is None:
        return Result("wait", "again", _("Nothing taken in"), back, _("The code stays valid for the customer."))
    said = f"{words.first_capital(_taken(asked))}. {back}".strip()
    large = till_bags.bag_words(bag, asked["parcels"][0]["tag"])
    if bag.sscc is None:
        step = _("Keep it behind the counter. It is in no bag yet.")
    elif bag.parcels == len(asked["parcels"]) and asked["container"] is None:
        # The bag was opened by this very hand-in, and its number stands nowhere yet.
        step = _("Put it into a new bag. Write %(number)s on it, large.", number=bag.sscc[-4:])
    else:
        step = _("Put it into bag %(number)s.", number=bag.sscc[-4:])
    return Result("good", "yes", _("Taken in"), said, step, large)
