"""What happened at a place lately, in words and with the moment it holds of; nothing when nobody knows. Pure."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dropoff.network.evidence import Evidence
from dropoff.shopper.find_words import Said
from dropoff.web import words
from dropoff.web.languages import _

TELLS: Final = timedelta(days=30)
"""What was longer ago says nothing about today."""
_MINUTES: Final = timedelta(hours=1)


def room(evidence: Evidence, zone: str, now: datetime) -> Said | None:
    """None when there is enough room, or nobody knows."""
    if evidence.free == "full":
        heard = "" if evidence.as_of is None else words.at(evidence.as_of, zone, now)
        return Said(_("Full, as of %s") % heard if heard else _("Full"), "bad")
    return Said(_("Nearly full"), "wait") if evidence.free == "nearly_full" else None


def lately(evidence: Evidence, zone: str, now: datetime) -> tuple[str, ...]:
    """`Took a parcel about 20 minutes ago`, `A driver was here today 16:10`; moments are known to ten minutes."""
    told = []
    if evidence.hand_in_at is not None and now - evidence.hand_in_at < TELLS:
        told.append(_taken(evidence.hand_in_at, zone, now))
    if evidence.driver_at is not None and now - evidence.driver_at < TELLS:
        told.append(_("A driver was here %s") % words.at(evidence.driver_at, zone, now))
    return tuple(told)


def stock(evidence: Evidence) -> tuple[str, ...]:
    """What is missing there; that all is well is no news."""
    told = []
    if evidence.tags == "none":
        told.append(_("Has run out of tags"))
    if evidence.printer in ("empty", "broken"):
        told.append(_("Cannot print labels at the moment"))
    return tuple(told)


def as_of(evidence: Evidence, zone: str, now: datetime) -> str:
    """For a place's own page: when anything of it was heard last."""
    if evidence.as_of is None or now - evidence.as_of >= TELLS:
        return ""
    return _("As of %s") % words.at(evidence.as_of, zone, now)


def _taken(moment: datetime, zone: str, now: datetime) -> str:
    ago = now - moment
    if ago < timedelta(minutes=20):
        return _("Took a parcel a few minutes ago")
    if ago < _MINUTES:
        return _("Took a parcel about %d minutes ago") % (int(ago.total_seconds() // 600) * 10)
    local = ZoneInfo(zone)
    if moment.astimezone(local).date() == now.astimezone(local).date():
        return _("Took a parcel today, about %s") % words.clock(moment, zone)
    return _("Took a parcel %s") % words.day(moment, zone, now)
