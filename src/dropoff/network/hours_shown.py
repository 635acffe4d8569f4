"""Two weeks of a place's hours as its operator reads them. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from dropoff.network.closures import today_at
from dropoff.network.location_hours import HoursDay, HoursPreview
from dropoff.network.location_store import Closure
from dropoff.web import words
from dropoff.web.languages import N_, _

CLOCKS: Final = {"forward": N_("clocks go forward"), "back": N_("clocks go back")}


class HoursLine(msgspec.Struct, frozen=True):
    name: str
    today: bool
    hours: str
    tone: str
    note: str


class HoursTable(msgspec.Struct, frozen=True):
    known: bool
    """Whether the usual hours can be read."""
    text: str
    zone: str
    lines: list[HoursLine]


def hours_table(preview: HoursPreview, closures: Sequence[Closure], at: datetime) -> HoursTable:
    today = today_at(at, preview.zone)
    reasons = {one.id: one.reason for one in closures}
    lines = [_line(day, today, reasons) for day in preview.days]
    return HoursTable(preview.known, preview.opening_hours, preview.zone, lines)


def _line(day: HoursDay, today: date, reasons: dict[str, str]) -> HoursLine:
    notes = [_("public holiday")] if day.holiday else []
    if day.closure is not None:
        notes.append(reasons.get(day.closure) or _("closure"))
    if day.clocks is not None:
        notes.append(_(CLOCKS[day.clocks]))
    if day.spans is None:
        hours, tone = _("unknown"), "wait"
    else:
        hours = ", ".join(f"{span.opens}–{span.closes}" for span in day.spans) or _("closed")
        tone = "" if day.spans else "soft"
    return HoursLine(words.calendar_day(day.date), day.date == today, hours, tone, ", ".join(notes))
