"""What the pass page shows, as plain structs."""

import msgspec


class UnitLine(msgspec.Struct, frozen=True):
    title: str
    variant: str
    count: int
    words: str
    tone: str


class MoneyView(msgspec.Struct, frozen=True):
    title: str
    amount: str
    facts: tuple[tuple[str, str], ...]


class Moment(msgspec.Struct, frozen=True):
    what: str
    when: str
    detail: str = ""
    upcoming: bool = False
    url: str = ""
    link: str = ""


class Step(msgspec.Struct, frozen=True):
    title: str
    text: str


class Notice(msgspec.Struct, frozen=True):
    tone: str
    text: str


class PlaceView(msgspec.Struct, frozen=True):
    name: str
    distance: str
    address: str
    hours: str
    tone: str
    directions: str
    room: str = ""
    room_tone: str = ""
    lately: str = ""


class NearView(msgspec.Struct, frozen=True):
    q: str
    message: str = ""
    places: tuple[PlaceView, ...] = ()
    others: tuple[PlaceView, ...] = ()
    """Further ones, for those who ask."""
    meant: str = ""
    """What the text was taken for, where that is a guess."""
    attribution: str = ""
    finder: str = ""
    """The same counters in the finder, with its map."""
    needed: str = ""
    """What was asked of them: `1.8 kg or batteries`."""


class PassView(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    qr: str
    headline: str
    lead: str
    notice: Notice | None
    test: bool
    retailer: str
    count: str
    showable: bool
    short_code: str
    units: tuple[UnitLine, ...]
    others: tuple[UnitLine, ...]
    """Of a long return: what is folded away, so that the way to the counter stays in sight."""
    next_step: Step | None
    renew_url: str
    cancel_url: str
    visit_pass: str
    """The code to bring under a visit's; empty when nothing is left to hand in."""
    locker_url: str
    compartment: str
    """The one at a locker that is held now."""
    how: bool
    money: MoneyView | None
    near: NearView | None
    timeline: tuple[Moment, ...]
