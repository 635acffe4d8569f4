"""One place's own page: what it is, when it is open, what it takes, how to get there; and that for search engines."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

from dropoff.network import hours_told
from dropoff.network.closures import Closed
from dropoff.network.evidence import NOTHING, Evidence
from dropoff.network.hours_told import Day, Hours
from dropoff.network.service import hours_of
from dropoff.network.store import Location
from dropoff.shopper import evidence_words, find, find_facts, find_filters, find_words
from dropoff.shopper.find_words import ACCEPT_WORDS, DayLine, Said
from dropoff.web.data_blocks import data_block

DAYS_AHEAD: Final = 14
DAYS_LOOKED_AT: Final = 42
"""Enough weeks to tell what is usual from what is not."""
SCHEMA_TYPES: Final = {"store": "Store", "post_office": "PostOffice", "locker": "Place"}
SCHEMA_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class PointView(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: str
    what: str
    paused: bool
    opening: Said
    room: Said | None
    lately: tuple[str, ...]
    as_of: str
    note: str
    street: str
    town: str
    country: str
    canonical: str
    directions: str
    near_here: str
    phone: str
    phone_url: str
    url: str
    url_text: str
    week: tuple[DayLine, ...]
    exceptions: tuple[DayLine, ...]
    hours_text: str
    """As the place wrote them, when nobody could read them."""
    takes: tuple[str, ...]
    unsaid: str
    """What of it nobody has told."""
    steps: str
    access_note: str
    photo: str
    """Its address; for a link, since no page loads what lies elsewhere."""
    collected: str
    lat: float
    lon: float
    linked_data: Markup


class Known(msgspec.Struct, frozen=True):
    """What is known of a place beside its own row."""

    evidence: Evidence = NOTHING
    closures: tuple[Closed, ...] = ()


def point_view(place: Location, known: Known, at: datetime, base_url: str) -> PointView:
    evidence, hours = known.evidence, hours_of(place, known.closures)
    days = _days(hours, at)
    speaks = hours is not None and hours_told.speaks_of_holidays(hours.expression)
    standing = hours_told.UNKNOWN if hours is None else hours_told.standing(hours, at)
    canonical = f"{base_url}/points/{place.id}"
    return PointView(
        name=place.name,
        kind=place.kind,
        what=find.what_it_is(place.kind, place.operator),
        paused=place.state == "paused",
        opening=find_words.closure(known.closures, place.zone, at) or find_words.opening(standing, place.zone, at),
        room=evidence_words.room(evidence, place.zone, at),
        lately=(*evidence_words.lately(evidence, place.zone, at), *evidence_words.stock(evidence)),
        as_of=evidence_words.as_of(evidence, place.zone, at),
        note=find_words.coming_closure(known.closures, place.zone, at) or find.holiday_note(hours, at),
        street=place.street,
        town=" ".join(part for part in (place.postcode, place.city) if part),
        country=place.country,
        canonical=canonical,
        directions=find_words.directions(place.lat, place.lon),
        near_here=find_filters.address({"near": f"{place.lat:.5f},{place.lon:.5f}"}, find_filters.Filters()),
        phone=place.phone,
        phone_url=_dialled(place.phone),
        url=_safe(place.url),
        url_text=place.url.split("://", 1)[-1].rstrip("/"),
        week=find_words.week(days, speaks_of_holidays=speaks) if days else (),
        exceptions=find_words.exceptions(days, DAYS_AHEAD, speaks_of_holidays=speaks) if days else (),
        hours_text="" if place.hours_known else place.opening_hours,
        takes=tuple(ACCEPT_WORDS[word][0] for word in place.accepts if word in ACCEPT_WORDS)
        + find_facts.takes(place.facts),
        unsaid=find_facts.unsaid(place.facts),
        steps=find_facts.steps(place.facts),
        access_note=place.access_note,
        photo=_safe(place.photo_url),
        collected=find_facts.collected(place.facts),
        lat=place.lat,
        lon=place.lon,
        linked_data=data_block(linked_data(place, days, canonical)),
    )


def _days(hours: Hours | None, at: datetime) -> tuple[Day, ...]:
    """From today by the place's own calendar; nothing when its hours are unknown."""
    if hours is None:
        return ()
    today = at.astimezone(ZoneInfo(hours.zone)).date()
    return hours_told.days(hours, today, DAYS_LOOKED_AT) or ()


def _dialled(phone: str) -> str:
    """As a `tel:` address; nothing for a text that holds no number."""
    plain = "".join(sign for sign in phone if sign.isdigit() or sign == "+")
    return f"tel:{plain}" if sum(map(str.isdigit, plain)) >= 5 else ""


def _safe(url: str) -> str:
    """Only web addresses become links: the text is a stranger's."""
    return url if url.lower().startswith(("https://", "http://")) else ""


def linked_data(place: Location, days: tuple[Day, ...], canonical: str) -> dict[str, Any]:
    """The place in schema.org's words. Usual weeks are told as such, holidays and closures by their dates."""
    address = {
        "@type": "PostalAddress",
        "streetAddress": place.street,
        "postalCode": place.postcode,
        "addressLocality": place.city,
        "addressCountry": place.country,
    }
    told: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": SCHEMA_TYPES.get(place.kind, "Place"),
        "@id": canonical,
        "url": canonical,
        "name": place.name,
        "address": {name: value for name, value in address.items() if value},
        "geo": {"@type": "GeoCoordinates", "latitude": place.lat, "longitude": place.lon},
    }
    if place.phone:
        told["telephone"] = place.phone
    if _safe(place.url):
        told["sameAs"] = place.url
    if place.photo_url:
        told["image"] = place.photo_url
    if features := _features(place):
        told["amenityFeature"] = features
    if days:
        told["openingHoursSpecification"] = _usual(days)
        if special := _special(days):
            told["specialOpeningHoursSpecification"] = special
    return told


def _features(place: Location) -> list[dict[str, Any]]:
    """What is known, yes or no or how much; of the rest nothing is said."""
    facts = place.facts
    known: list[tuple[str, Any, str]] = [
        ("Step-free access", facts.step_free, ""),
        ("Label printing", facts.has_printer, ""),
        ("Returns without a box", True if "box_free" in place.accepts else None, ""),
        ("Maximum weight", facts.max_weight_g, "GRM"),
    ]
    return [
        {"@type": "LocationFeatureSpecification", "name": name, "value": value} | ({"unitCode": unit} if unit else {})
        for name, value, unit in known
        if value is not None
    ]


def _usual(days: tuple[Day, ...]) -> list[dict[str, str]]:
    usual = find_words.regular(days)
    found: list[dict[str, str]] = []
    for weekday in sorted(usual):
        day = next(day for day in days if day.date.weekday() == weekday and find_words.spans(day) == usual[weekday])
        found += [{**one, "dayOfWeek": SCHEMA_DAYS[weekday]} for one in _specification(day)]
    return found


def _special(days: tuple[Day, ...]) -> list[dict[str, str]]:
    usual = find_words.regular(days)
    found: list[dict[str, str]] = []
    for day in days[:DAYS_AHEAD]:
        if day.spans is not None and find_words.spans(day) != usual.get(day.date.weekday()):
            when = {"validFrom": day.date.isoformat(), "validThrough": day.date.isoformat()}
            # Closed all day is written as opening and closing at midnight.
            closed = {"@type": "OpeningHoursSpecification", "opens": "00:00", "closes": "00:00"}
            found += [{**one, **when} for one in (_specification(day) or [closed])]
    return found


def _specification(day: Day) -> list[dict[str, str]]:
    found = []
    for begin, end in day.spans or ():
        closes = "23:59" if f"{end:%H:%M}" == "00:00" else f"{end:%H:%M}"
        found.append({"@type": "OpeningHoursSpecification", "opens": f"{begin:%H:%M}", "closes": closes})
    return found
