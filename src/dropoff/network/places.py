"""Where a place is that somebody named: asked of the gazetteer, of the network's own places, of a geocoding service.

What is known for sure goes before what is guessed, whoever knows it: first what the gazetteer or a point of the
network is called exactly, then beginnings and slips of the keyboard. A service outside is asked last.
"""

import threading
from typing import Any, Final, Literal

import msgspec

from dropoff.network.gazetteer import FoundPlace, Gazetteer
from dropoff.network.geocoding import Geocoder, Unavailable

TEXT_MAX: Final = 200


class Place(msgspec.Struct, frozen=True):
    """`label` is how the place is called, `match` how it was meant; `attribution` is to be shown with it."""

    lat: float
    lon: float
    label: str
    match: Literal["exact", "prefix", "typo", "geocoder"]
    attribution: str


class NoPlace(msgspec.Struct, frozen=True):
    """`unavailable`: perhaps there is such a place, but who could tell does not answer now."""

    why: Literal["unknown", "unavailable"]


class Meant(msgspec.Struct, frozen=True):
    """What a text was taken for, as the search answers it. `unavailable`: who could tell does not answer now."""

    label: str | None
    match: Literal["exact", "prefix", "typo", "geocoder", "unknown", "unavailable"]
    attribution: str


class Suggestions(msgspec.Struct, frozen=True):
    items: list[FoundPlace]
    attribution: str


class Places:
    """What this process knows of places. The refresher swaps the two gazetteers; each swap is one assignment."""

    def __init__(self, geocoder: Geocoder | None = None) -> None:
        self.gazetteer = Gazetteer.of((), revision=-1)
        self.own = Gazetteer.of((), revision=-1)
        """Of the network's postcodes and cities, as long as no gazetteer was imported."""
        self.geocoder = geocoder
        self.building = threading.Lock()

    def suggest(self, text: str, country: str | None, limit: int) -> Suggestions:
        """While somebody types. Services outside are not asked: their owners do not want to be."""
        known = self.gazetteer if len(self.gazetteer) else self.own
        return Suggestions(known.search(text, country, limit), known.attribution)


async def locate(context: Any, text: str, country: str | None = None) -> Place | NoPlace:
    """`country`: an ISO code, only places there."""
    return known(context, text, country) or await _ask(context, text, country)


async def locate_from(context: Any, text: str, home: str, *, ask: bool) -> Place | NoPlace:
    """For somebody in the country `home`, who may well mean a place elsewhere: what fits exactly goes first, then what
    is at home. `ask`: a service outside too, which must not be told what nobody typed."""
    at_home, anywhere = known(context, text, home), known(context, text, None)
    if at_home is not None and (at_home.match == "exact" or anywhere is None or anywhere.match != "exact"):
        return at_home
    if anywhere is not None:
        return anywhere
    return await _ask(context, text, home) if ask else NoPlace("unknown")


def known(context: Any, text: str, country: str | None) -> Place | None:
    """Without asking anybody."""
    if not _says_something(text):
        return None
    text = text[:TEXT_MAX]
    places: Places = context.places
    gazetteer = places.gazetteer if len(places.gazetteer) else places.own
    guesses = gazetteer.search(text, country, 1)
    if not guesses or guesses[0].match != "exact":
        point = context.nearby.snapshot.find(text, country)
        if point is not None:
            return Place(point[0], point[1], " ".join(text.split()), "exact", "")
    return _place(guesses[0], gazetteer) if guesses else None


async def _ask(context: Any, text: str, country: str | None) -> Place | NoPlace:
    geocoder: Geocoder | None = context.places.geocoder
    if geocoder is None or not _says_something(text):
        return NoPlace("unknown")
    try:
        found = await geocoder.find(context.db, text[:TEXT_MAX], country)
    except Unavailable:
        return NoPlace("unavailable")
    if found is None:
        return NoPlace("unknown")
    return Place(found.lat, found.lon, found.label, "geocoder", geocoder.attribution)


def _says_something(text: str) -> bool:
    return any(map(str.isalnum, text))


def meant(found: Place | NoPlace) -> Meant:
    if isinstance(found, NoPlace):
        return Meant(None, found.why, "")
    return Meant(found.label, found.match, found.attribution)


def _place(found: FoundPlace, known: Gazetteer) -> Place:
    return Place(found.lat, found.lon, found.label, found.match, known.attribution)
