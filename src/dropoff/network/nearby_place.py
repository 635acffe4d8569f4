"""A public place as the nearby index takes it in, and as it is shown: a ready piece of JSON that is cut, never encoded,
when somebody asks."""

from typing import Final

import msgspec

from dropoff.network.closures import Closed, expression_with
from dropoff.network.facts import UNTOLD, Facts
from dropoff.network.hours_told import Hours


class Place(msgspec.Struct, frozen=True, gc=False):
    """Empty texts are "none"."""

    id: str
    external_id: str
    name: str
    kind: str
    operator: str
    street: str
    postcode: str
    city: str
    country: str
    lat: float
    lon: float
    zone: str
    opening_hours: str
    hours_known: bool
    """Of the usual ones."""
    accepts: tuple[str, ...]
    photo_url: str = ""
    access_note: str = ""
    facts: Facts = UNTOLD
    closures: tuple[Closed, ...] = ()
    """In the order in which they were entered."""

    @property
    def expression(self) -> str:
        """OSM hours with the closures; empty when nobody knows anything."""
        if not self.hours_known and not self.closures:
            return ""
        usual = Hours(self.opening_hours, self.zone, self.country, (self.lat, self.lon))
        return expression_with(usual, self.closures, is_known=self.hours_known)


class Address(msgspec.Struct, frozen=True, gc=False):
    street: str | None
    postcode: str | None
    city: str | None
    country: str


class Position(msgspec.Struct, frozen=True, gc=False):
    lat: float
    lon: float


class Shown(msgspec.Struct, frozen=True, gc=False):
    """What an answer says of a place and stays true until the place is changed. Its facts stand behind: many places
    share them."""

    id: str
    external_id: str
    name: str
    kind: str
    operator: str | None
    address: Address
    position: Position
    opening_hours: str | None
    accepts: tuple[str, ...]
    photo_url: str | None
    access_note: str | None
    closures: tuple[Closed, ...] = ()


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Shown).decode


def fragment(place: Place) -> bytes:
    """JSON without its closing brace: the answer appends what changes from question to question."""
    shown = Shown(
        id=place.id,
        external_id=place.external_id,
        name=place.name,
        kind=place.kind,
        operator=place.operator or None,
        address=Address(place.street or None, place.postcode or None, place.city or None, place.country),
        position=Position(place.lat, place.lon),
        opening_hours=place.opening_hours or None,
        accepts=place.accepts,
        photo_url=place.photo_url or None,
        access_note=place.access_note or None,
        closures=place.closures,
    )
    return _encode(shown)[:-1]


def id_piece(place_id: str) -> bytes:
    """What the fragment of the place with this id begins with."""
    return _encode({"id": place_id})[:-1] + b","


def place_of(piece: bytes, zone: str, hours_known: bool, facts: Facts) -> Place:
    """The place back from its fragment and what the fragment does not say."""
    shown = _decode(piece + b"}")
    return Place(
        id=shown.id,
        external_id=shown.external_id,
        name=shown.name,
        kind=shown.kind,
        operator=shown.operator or "",
        street=shown.address.street or "",
        postcode=shown.address.postcode or "",
        city=shown.address.city or "",
        country=shown.address.country,
        lat=shown.position.lat,
        lon=shown.position.lon,
        zone=zone,
        opening_hours=shown.opening_hours or "",
        hours_known=hours_known,
        accepts=shown.accepts,
        photo_url=shown.photo_url or "",
        access_note=shown.access_note or "",
        facts=facts,
        closures=shown.closures,
    )
