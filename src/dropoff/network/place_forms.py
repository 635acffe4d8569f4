"""The form of a place: its boxes, and what was typed in → the same structs that the API takes. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from dropoff.kernel.errors import FieldError, Problem
from dropoff.network.facts import box_of
from dropoff.network.location_editing import AddressPatch, LocationPatch, NewAddress, NewLocation
from dropoff.network.nearby_place import Position
from dropoff.network.positions import number
from dropoff.network.store import Location
from dropoff.web.languages import N_

TEXTS: Final = ("name", "operator", "street", "postcode", "city", "country", "phone", "url", "opening_hours")
ADDRESS: Final = ("street", "postcode", "city", "country")
LISTS: Final = ("accepts", "carriers", "refuses")
YES_NO: Final = ("step_free", "has_printer")
KINDS: Final = (
    ("store", N_("Shop")),
    ("locker", N_("Parcel lockers")),
    ("post_office", N_("Post office")),
    ("hub", N_("Hub")),
)
UNTOLD: Final = (("", N_("nobody has said")), ("yes", N_("yes")), ("no", N_("no")))
LIVE: Final = (("yes", N_("live: the public finds it")), ("no", N_("a test place")))
GROUPS: Final = (
    (N_("What it is"), ("name", "kind", "operator", "live")),
    (N_("Where it is"), ("street", "postcode", "city", "country", "position", "access_note")),
    (N_("When it is open"), ("opening_hours",)),
    (N_("How to reach it"), ("phone", "url", "photo_url")),
    (
        N_("What it takes"),
        ("accepts", "carriers", "refuses", "max_weight_g", "max_size_mm", "step_free", "has_printer"),
    ),
)
LABELS: Final = {
    "name": N_("Name"),
    "kind": N_("Kind"),
    "operator": N_("Operator"),
    "live": N_("Live or test"),
    "street": N_("Street and number"),
    "postcode": N_("Postcode"),
    "city": N_("Town"),
    "country": N_("Country"),
    "position": N_("Position"),
    "access_note": N_("How to find the door"),
    "opening_hours": N_("Opening hours"),
    "phone": N_("Phone"),
    "url": N_("Website"),
    "photo_url": N_("Picture"),
    "accepts": N_("Takes in"),
    "carriers": N_("Who collects there"),
    "refuses": N_("Does not take in"),
    "max_weight_g": N_("Heaviest parcel"),
    "max_size_mm": N_("Largest parcel"),
    "step_free": N_("Without steps"),
    "has_printer": N_("Prints labels"),
}
HINTS: Final = {
    "country": N_("Two letters, such as DE"),
    "position": N_("Latitude, longitude, such as 52.5297, 13.4014"),
    "opening_hours": N_("As on OpenStreetMap: Mo-Fr 09:00-18:00; Sa 10:00-14:00; PH off"),
    "accepts": N_("Words between commas, such as box_free, parcel"),
    "carriers": N_("Words between commas"),
    "refuses": N_("Words between commas, such as batteries, liquids"),
    "max_weight_g": N_("In grams"),
    "max_size_mm": N_("In millimetres, such as 600x400x300"),
    "photo_url": N_("Begins with https"),
}
CHOICES: Final = {"kind": KINDS, "live": LIVE} | dict.fromkeys(YES_NO, UNTOLD)
REQUIRED: Final = frozenset(("name", "kind", "country", "position"))
NUMBERS_ONLY: Final = N_("This is a whole number.")
NO_POSITION: Final = N_("This is a latitude and a longitude, such as 52.5297, 13.4014.")
NO_SIZE: Final = N_("This is three lengths, such as 600x400x300.")


class PlaceForm(msgspec.Struct, frozen=True):
    values: Mapping[str, str]


EMPTY: Final = PlaceForm({"kind": "store", "live": "yes"})


class Box(msgspec.Struct, frozen=True):
    """One field on the page."""

    name: str
    label: str
    hint: str
    value: str
    choices: tuple[tuple[str, str], ...]
    required: bool


def groups(filled: PlaceForm, *, with_hours: bool) -> list[tuple[str, list[Box]]]:
    """`with_hours`: those of a known place have a page of their own, which shows what they come to."""
    return [
        (title, [_box(name, filled) for name in names])
        for title, names in GROUPS
        if with_hours or names != ("opening_hours",)
    ]


def _box(name: str, filled: PlaceForm) -> Box:
    value = filled.values.get(name, "")
    return Box(name, LABELS[name], HINTS.get(name, ""), value, CHOICES.get(name, ()), name in REQUIRED)


def form_of(place: Location) -> PlaceForm:
    texts = {name: getattr(place, name) for name in (*TEXTS, "kind", "photo_url", "access_note")}
    facts = place.facts
    lists = {"accepts": place.accepts, "carriers": facts.carriers or (), "refuses": facts.refuses or ()}
    return PlaceForm(
        texts
        | {name: ", ".join(words) for name, words in lists.items()}
        | {name: {True: "yes", False: "no", None: ""}[getattr(facts, name)] for name in YES_NO}
        | {
            "live": "yes" if place.live else "no",
            "position": f"{place.lat}, {place.lon}",
            "max_weight_g": "" if facts.max_weight_g is None else str(facts.max_weight_g),
            "max_size_mm": "" if facts.max_size_mm is None else "x".join(map(str, facts.max_size_mm)),
        }
    )


def filled(fields: Mapping[str, str]) -> PlaceForm:
    return PlaceForm({name: fields[name].strip()[:1_000] for name in LABELS if name in fields})


def new_location(form: PlaceForm, source_id: str) -> NewLocation | Problem:
    read = _read(form)
    if isinstance(read, Problem):
        return read
    where = {name: read.pop(name, None) for name in ADDRESS}
    where["country"] = where["country"] or ""
    read |= {"name": read.get("name") or "", "kind": read.get("kind") or ""}
    if "position" not in read:
        return _wrong("position", NO_POSITION)
    return NewLocation(external_id=source_id or None, address=NewAddress(**where), **read)


def patch(form: PlaceForm) -> LocationPatch | Problem:
    """Every field of the form is meant, the empty ones too."""
    read = _read(form)
    if isinstance(read, Problem):
        return read
    where = {name: read.pop(name) for name in ADDRESS if name in read}
    if "country" in where:
        where["country"] = where["country"] or ""
    read |= {name: read[name] or "" for name in ("name", "kind") if name in read}
    return LocationPatch(address=AddressPatch(**where), **read)


def errors_of(problem: Problem) -> tuple[tuple[str, str], ...]:
    """Field and what is wrong with it, as the page's summary lists them."""
    found = [(error.pointer.rpartition("/")[2], error.detail) for error in problem.errors]
    return tuple(found) or (("name", problem.detail),)


def _read(form: PlaceForm) -> dict[str, Any] | Problem:
    """Fields as the API takes them; None for an empty one."""
    read: dict[str, Any] = {}
    for name, value in form.values.items():
        if name in LISTS:
            read[name] = [word.strip() for word in value.split(",") if word.strip()] or None
        elif name in YES_NO:
            read[name] = {"yes": True, "no": False}.get(value)
        elif name == "live":
            read[name] = value != "no"
        elif name == "country":
            read[name] = value.upper()
        elif name == "position":
            position = _position(value)
            if position is None:
                return _wrong(name, NO_POSITION)
            read[name] = position
        elif name in ("max_weight_g", "max_size_mm"):
            told = _size(value) if name == "max_size_mm" else _weight(value)
            if isinstance(told, Problem):
                return told
            read[name] = told
        else:
            read[name] = value or None
    return read


def _weight(text: str) -> int | Problem | None:
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else _wrong("max_weight_g", NUMBERS_ONLY)


def _size(text: str) -> list[int] | Problem | None:
    if not text:
        return None
    found = box_of(text)
    return _wrong("max_size_mm", NO_SIZE) if found is None else list(found)


def _position(text: str) -> Position | None:
    lat, comma, lon = text.partition(",")
    read = number(lat.strip()), number(lon.strip())
    if not comma or read[0] is None or read[1] is None:
        return None
    return Position(read[0][0], read[1][0])


def _wrong(name: str, detail: str) -> Problem:
    return Problem("invalid-request", detail, (FieldError(f"/{name}", detail),))
