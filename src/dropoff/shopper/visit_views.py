"""What the page of a visit code shows."""

from collections import Counter
from datetime import datetime
from typing import Final

import msgspec

from dropoff.db import Tx
from dropoff.retailers import service as retailers
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys
from dropoff.returns.service import OpenPass, UnitRow
from dropoff.shopper.pass_views import Notice
from dropoff.web import words
from dropoff.web.languages import _, ngettext

THINGS_SHOWN: Final = 6


class SeenReturn(msgspec.Struct, frozen=True):
    found: OpenPass
    code: str
    retailer: str
    zone: str
    units: tuple[UnitRow, ...]
    locale: str = ""
    """The retailer's, for whom the browser says nothing."""


class SeenVisit(msgspec.Struct, frozen=True):
    short_code: str
    live: bool
    returns: tuple[SeenReturn, ...]


class ReturnLine(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    retailer: str
    url: str
    things: tuple[str, ...]
    more: int
    until: str
    state: str
    """When nothing is left to hand in, what has become of it."""
    tone: str


class VisitView(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    qr: str
    short_code: str
    headline: str
    lead: str
    test: bool
    showable: bool
    count: str
    returns: tuple[ReturnLine, ...]
    notice: Notice | None
    errors: tuple[tuple[str, str], ...]
    typed: str


def see_visit(tx: Tx, passes: PassKeys, code: str, at: datetime) -> SeenVisit | None:
    visit = returns.find_visit_by_code(tx, passes, code)
    if visit is None:
        return None
    seen = []
    for found in returns.passes_of_visit(tx, visit):
        head, owner = returns.find_return(tx, found.return_id), retailers.find(tx, found.retailer_id)
        if head is not None and owner is not None:
            own = passes.code(head.id, head.generation)
            seen.append(
                SeenReturn(found, own, owner.name, owner.zone, tuple(returns.units_of(tx, head.id)), owner.locale)
            )
    return SeenVisit(passes.visit_short_code(visit.id), visit.live, tuple(seen))


def visit_view(
    seen: SeenVisit, code: str, at: datetime, *, notice: Notice | None = None, error: str = "", typed: str = ""
) -> VisitView:
    lines = tuple(_line(one, at) for one in seen.returns)
    waiting = [(one, count) for one in seen.returns if (count := len(_open(one, at)))]
    count = sum(count for _one, count in waiting)
    things = ngettext("%(num)d thing", "%(num)d things", count)
    if waiting:
        headline, lead = (
            _("One code for all"),
            _("Show it once at the counter. The clerk takes in one return after the other."),
        )
    elif lines:
        headline, lead = (
            _("Nothing left to hand in"),
            _("Everything under this code was handed in, or its time is over."),
        )
    else:
        headline, lead = _("No return under this code"), _("Add the first one below.")
    return VisitView(
        path=f"/v/{code}",
        qr=f"/v/{code}/qr.svg",
        short_code=seen.short_code,
        headline=headline,
        lead=lead,
        test=not seen.live,
        showable=bool(waiting),
        count=f"{things}, {ngettext('%(num)d return', '%(num)d returns', len(waiting))}",
        returns=lines,
        notice=notice,
        errors=(("pass", error),) if error else (),
        typed=typed,
    )


def _open(one: SeenReturn, at: datetime) -> list[UnitRow]:
    return [unit for unit in one.units if unit.custody == "expected"] if at <= one.found.expires_at else []


def _line(one: SeenReturn, at: datetime) -> ReturnLine:
    waiting = _open(one, at)
    shown = waiting or list(one.units)
    custody = {unit.custody for unit in one.units}
    if waiting:
        said, tone = "", ""
    elif custody <= {"cancelled"}:
        said, tone = _("Cancelled"), "wait"
    elif custody <= {"cancelled", "expired", "expected"}:
        said, tone = _("Its time is over"), "wait"
    else:
        said, tone = _("Handed in"), "good"
    things = [
        f"{name} × {count}" if count > 1 else name
        for name, count in Counter(f"{unit.title} {unit.variant or ''}".strip() for unit in shown).items()
    ]
    return ReturnLine(
        id=one.found.return_id,
        retailer=one.retailer,
        url=f"/p/{one.code}",
        things=tuple(things[:THINGS_SHOWN]),
        more=max(0, len(things) - THINGS_SHOWN),
        until=_("until %(date)s", date=words.date(one.found.last_day_at, one.zone, at)) if waiting else "",
        state=said,
        tone=tone,
    )
