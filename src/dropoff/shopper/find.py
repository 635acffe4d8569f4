"""Finding a place to hand something in: from what stands in the address to what the page and its map show.

Everything comes from the index in this process; nothing here asks the database.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from dropoff.network import hours_told
from dropoff.network.evidence import UNPROVEN_M
from dropoff.network.facts import NO_NEEDS, Needs
from dropoff.network.hours_told import Hours, Standing
from dropoff.network.nearby import Hit, Search, Snapshot
from dropoff.network.nearby_place import Place
from dropoff.settings import MapTiles
from dropoff.shopper import evidence_words, find_filters, find_words
from dropoff.shopper.find_filters import Around, Choice, Filters, Group
from dropoff.shopper.find_where import Meant, Namesake, Where
from dropoff.shopper.find_words import ACCEPT_WORDS, KIND_WORDS, Said
from dropoff.web import words
from dropoff.web.languages import N_, _, ngettext, said

PAGE_SIZE: Final = 20
PAGES_MAX: Final = 5
FAR_M: Final = 50_000.0
"""From here on a place is no longer "near"; and what nobody has this near is no filter."""
PINS_MAX: Final = 200
OTHERS_MAX: Final = 3
FACTS_SEEN: Final = 200
"""So many of the nearest places say which carriers, limits and refusals are worth a filter."""

SCRIPT_WORDS: Final = {
    "cluster": N_("%d places here; zoom in"),
    "failed": N_("The map did not load. Try again"),
    "hide": N_("Hide the map"),
    "map": N_("Map of places"),
    "nearMe": N_("Near me"),
    "nearMeFailed": N_("Your device does not say where it is. Type a postcode or a town."),
    "nearMeRefused": N_("The browser may not say where you are. Type a postcode or a town."),
    "ring": N_("%d min walk"),
    "show": N_("Show the map"),
    "suggested": N_("%d suggestions; walk through them with the arrow keys"),
    "suggestions": N_("Places"),
    "tooMany": N_("The nearest %d; zoom in for more"),
    "zoomIn": N_("Zoom in"),
    "zoomOut": N_("Zoom out"),
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the address of the page says. `here` None: nowhere yet, or nowhere that is known."""

    q: str = ""
    country: str = ""
    here: Where | None = None
    by_browser: bool = False
    """`here` is where the browser is, not what `q` names."""
    meant: Meant = Meant()
    filters: Filters = Filters()
    page: int = 1

    def where(self) -> dict[str, str]:
        near = f"{self.here[0]:.5f},{self.here[1]:.5f}" if self.by_browser and self.here else ""
        return {"q": self.q, "near": near, "country": self.country}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A place as the list shows it."""

    id: str
    url: str
    name: str
    kind: str
    what: str
    """Kind and operator."""
    address: str
    distance: str
    walk: str
    opening: Said
    room: Said | None
    """When it is full, or nearly."""
    lately: str
    note: str
    directions: str
    lat: float
    lon: float


class Message(msgspec.Struct, frozen=True):
    """Nothing to show, or less than hoped for, and what to do about it."""

    title: str
    text: str
    links: tuple[tuple[str, str], ...] = ()


class MapView(msgspec.Struct, frozen=True):
    """`tiles` empty: the outline is drawn. `words` is JSON: what the scripts say, from the page's one catalogue."""

    pins: str
    tiles: str
    tiles_from: str
    words: str


class FindView(msgspec.Struct, frozen=True, kw_only=True):
    q: str
    title: str
    hidden: tuple[tuple[str, str], ...]
    """Fields of the form that a new search keeps."""
    guess: str
    """When nothing is called as was typed; else empty."""
    others: tuple[tuple[str, str], ...]
    """The same name in other countries, or other guesses, as links."""
    attribution: str
    """Who knew where that is."""
    choices: tuple[Choice, ...]
    groups: tuple[Group, ...]
    """Of filters that few need."""
    message: Message | None
    summary: str
    places: tuple[Found, ...]
    more: str
    """Where "show more" leads; empty when that is all."""
    here: Where | None
    map: MapView


class Pin(msgspec.Struct, frozen=True):
    id: str
    lat: float
    lon: float
    name: str
    kind: str
    address: str
    opening: str
    tone: str


class Pins(msgspec.Struct, frozen=True):
    """`all`: whether these are all places in view; else they are the nearest to its middle."""

    pins: tuple[Pin, ...]
    all: bool


def find(snapshot: Snapshot, wanted: Wanted, at: datetime, tiles: MapTiles) -> FindView:
    if wanted.here is None:
        return _view(wanted, tiles, message=_nowhere(wanted))
    limit = PAGE_SIZE * wanted.page
    hits = snapshot.nearest(_search(wanted.here, wanted.filters, at, limit + 1))
    # Far away is for those who find nothing nearer, and then as little farther as may be.
    reach = max(FAR_M, 1.5 * _nearest_m(hits)) if hits else 0.0
    hits = [hit for hit in hits if hit.distance_m <= reach]
    shown = hits[:limit]
    start = wanted.here if wanted.by_browser else None
    places = tuple(_found(hit, at, start) for hit in shown)
    around = _known_around(snapshot, wanted.here)
    more = len(hits) > limit and wanted.page < PAGES_MAX
    return _view(
        wanted,
        tiles,
        message=_too_little(wanted, shown),
        choices=find_filters.choices(
            wanted.where(),
            wanted.filters,
            around,
            hours=bool(around.kinds),
            room=any(hit.evidence.free is not None for hit in hits),
            used=any(hit.evidence.hand_in_at or hit.evidence.driver_at for hit in hits),
        ),
        groups=find_filters.groups(wanted.where(), wanted.filters, around),
        places=places,
        summary=_summary(wanted, shown),
        more=find_filters.address(wanted.where(), wanted.filters, wanted.page + 1) + f"#p{limit + 1}" if more else "",
    )


def _view(
    wanted: Wanted,
    tiles: MapTiles,
    *,
    message: Message | None,
    choices: tuple[Choice, ...] = (),
    groups: tuple[Group, ...] = (),
    places: tuple[Found, ...] = (),
    summary: str = "",
    more: str = "",
) -> FindView:
    fields = wanted.filters.fields() + ([("country", wanted.country)] if wanted.country else [])
    folded_away = tuple(choice for group in groups for choice in group.choices if choice.on)
    return FindView(
        q=wanted.q,
        title=_title(wanted),
        hidden=tuple(fields),
        guess=_("Nothing is called “%s”. Did you mean this one?") % wanted.q if wanted.meant.guessed else "",
        others=tuple(_elsewhere(wanted, other) for other in wanted.meant.others[:OTHERS_MAX]),
        attribution=wanted.meant.attribution,
        choices=choices + folded_away,
        groups=groups,
        message=message,
        summary=summary,
        places=places,
        more=more,
        here=wanted.here,
        map=MapView(
            pins=find_filters.address({}, wanted.filters).replace("/find", "/find/pins", 1),
            tiles=tiles.address,
            tiles_from=tiles.attribution,
            words=msgspec.json.encode(said(SCRIPT_WORDS)).decode(),
        ),
    )


def _elsewhere(wanted: Wanted, other: Namesake) -> tuple[str, str]:
    return find_filters.address({"q": other.label, "country": other.country}, wanted.filters), other.label


def _title(wanted: Wanted) -> str:
    if wanted.here is None:
        return _("Where to hand it in")
    return _("Places near you") if wanted.by_browser else _("Places near %s") % wanted.meant.label


def _summary(wanted: Wanted, hits: list[Hit]) -> str:
    if not hits:
        return ""
    far = words.distance(max(hit.distance_m for hit in hits))
    said = _("%(count)s, the farthest %(far)s away") % {
        "count": ngettext("%(num)d place", "%(num)d places", len(hits)),
        "far": far,
    }
    if not wanted.filters.prefer_proven:
        return said
    first = _("Places that took a parcel or saw a driver in the last two weeks go before others up to %s nearer.")
    return f"{said}. {first % words.distance(UNPROVEN_M)}"


def _nearest_m(hits: Sequence[Hit]) -> float:
    """Not always the first's: others may be preferred."""
    return min(hit.distance_m for hit in hits)


def _nowhere(wanted: Wanted) -> Message:
    if not wanted.q:
        return Message(
            _("Where are you?"),
            _("Type a postcode or a town. You see the nearest places, when they are open, and how far it is."),
        )
    if wanted.meant.unavailable:
        text = _("Who knows it does not answer. Try again in a minute, or type the postcode or the next larger town.")
        return Message(_("We cannot look up “%s” now") % wanted.q, text)
    return Message(
        _("We know no place called “%s”") % wanted.q,
        _("Check the spelling, leave the street out, or try the postcode or the next larger town."),
    )


def _too_little(wanted: Wanted, hits: list[Hit]) -> Message | None:
    if hits and _nearest_m(hits) <= FAR_M:
        return None
    everything = find_filters.address(wanted.where(), Filters())
    again = ((everything, _("Show all places")),) if wanted.filters.any else ()
    if hits:
        said = _("The nearest one is %s away.") % words.distance(_nearest_m(hits))
        return Message(_("No such place near here") if again else _("No place near here yet"), said, again)
    if again:
        return Message(_("No place is like that"), _("Nowhere in the network. Take a filter away."), again)
    return Message(_("There is no place yet"), _("The network has no places so far."))


def _search(here: Where, filters: Filters, at: datetime, limit: int, radius_m: float | None = None) -> Search:
    return Search(
        lat=here[0],
        lon=here[1],
        limit=limit,
        kinds=filters.kinds,
        accepts=filters.accepts,
        open_at=at if filters.open_now else None,
        radius_m=radius_m,
        now=at,
        on_arrival=filters.on_arrival,
        has_room=filters.has_room,
        prefer_proven=filters.prefer_proven,
        needs=filters.needs,
    )


def _known_around(snapshot: Snapshot, here: Where) -> Around:
    """The kinds and the words of `accepts` that at least one place in reach has, and the facts of the nearest ones."""

    def anywhere(kind: str = "", word: str = "", needs: Needs = NO_NEEDS) -> bool:
        kinds, accepts = frozenset(filter(None, [kind])), frozenset(filter(None, [word]))
        wanted = Search(*here, 1, kinds=kinds, accepts=accepts, radius_m=FAR_M, needs=needs)
        return bool(snapshot.found(wanted).refs)

    nearest = snapshot.found(Search(*here, FACTS_SEEN, radius_m=FAR_M))
    return Around(
        kinds=tuple(kind for kind in KIND_WORDS if anywhere(kind=kind)),
        accepts=tuple(word for word in ACCEPT_WORDS if anywhere(word=word)),
        step_free=anywhere(needs=Needs(step_free=True)),
        printer=anywhere(needs=Needs(printer=True)),
        facts=tuple(snapshot.facts(nearest.refs)),
    )


def hours_of(place: Place) -> Hours | None:
    if not place.expression:
        return None
    return Hours(place.expression, place.zone, place.country, (place.lat, place.lon))


def standing_of(place: Place, at: datetime) -> Standing:
    hours = hours_of(place)
    return hours_told.UNKNOWN if hours is None else hours_told.standing(hours, at)


def holiday_note(hours: Hours | None, at: datetime) -> str:
    """Most places do not tell what holds on public holidays; then the page does not pretend to know."""
    if hours is None or hours_told.speaks_of_holidays(hours.expression):
        return ""
    today = at.astimezone(ZoneInfo(hours.zone)).date()
    return _("Public holiday today: hours may differ") if hours_told.is_holiday(hours.country, today) else ""


def what_it_is(kind: str, operator: str) -> str:
    one = _(KIND_WORDS[kind][0]) if kind in KIND_WORDS else ""
    return " · ".join(part for part in (one, operator) if part)


def _address(place: Place) -> str:
    """Many places have no name but their street."""
    return find_words.where_it_is("" if place.street == place.name else place.street, place.postcode, place.city)


def _found(hit: Hit, at: datetime, start: Where | None) -> Found:
    place, far = hit.place, hit.distance_m
    return Found(
        id=place.id,
        url=f"/points/{place.id}",
        name=place.name,
        kind=place.kind,
        what=what_it_is(place.kind, place.operator),
        address=_address(place),
        distance=words.distance(far),
        walk=find_words.walk(far),
        opening=find_words.closure(place.closures, place.zone, at)
        or find_words.opening(standing_of(place, at), place.zone, at, find_words.walk_minutes(far)),
        room=evidence_words.room(hit.evidence, place.zone, at),
        lately=next(iter(evidence_words.lately(hit.evidence, place.zone, at)), ""),
        note=find_words.coming_closure(place.closures, place.zone, at) or holiday_note(hours_of(place), at),
        directions=find_words.directions(place.lat, place.lon, start),
        lat=place.lat,
        lon=place.lon,
    )


def pins(snapshot: Snapshot, middle: Where, radius_m: float, filters: Filters, at: datetime) -> Pins:
    """What the map shows: the places in view, at most `PINS_MAX` of them."""
    hits = snapshot.nearest(_search(middle, filters, at, PINS_MAX + 1, radius_m))
    return Pins(tuple(_pin(hit.place, at) for hit in hits[:PINS_MAX]), len(hits) <= PINS_MAX)


def _pin(place: Place, at: datetime) -> Pin:
    said = find_words.closure(place.closures, place.zone, at)
    said = said or find_words.opening(standing_of(place, at), place.zone, at)
    return Pin(
        id=place.id,
        lat=place.lat,
        lon=place.lon,
        name=place.name,
        kind=place.kind,
        address=_address(place),
        opening=said.text,
        tone=said.tone,
    )
