"""What the till's pages show, as plain structs, made from how the place stands. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

import msgspec

from dropoff.counter import service as counter
from dropoff.receiving.state import ContainerView, CounterState, PickupView, Stop
from dropoff.receiving.till_bags import bag_name, bag_title, fill
from dropoff.receiving.till_words import Result
from dropoff.web import words
from dropoff.web.languages import N_, _, ngettext, plural


class TillView(msgspec.Struct, frozen=True):
    """Who asks, as every page of the till says it; `csrf` goes into its forms."""

    location: str
    device: str
    csrf: str
    live: bool = True
    paused: bool = False
    own_pause: bool = False
    """The shop paused, so the shop may resume."""
    paused_until: str = ""
    shifts: bool = False
    """Whether the place has clerks; `initials` of who is there, and after how many idle seconds the till locks."""
    initials: str = ""
    lock_s: int = 0


class BagLine(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    sscc: str
    state: str
    holds: str
    goes: str
    open: bool
    warn: bool = False
    kind: str = ""
    title: str = ""
    """Whose bag it is, once it holds something."""
    full: bool = False
    labels: tuple[tuple[str, str], ...] = ()


class ParcelLine(msgspec.Struct, frozen=True):
    tag: str
    words: str


class ShipmentLine(msgspec.Struct, frozen=True):
    name: str
    state: str
    words: str
    links: tuple[tuple[str, str], ...]
    missed: str = ""
    """Where to say that its driver did not come; set once it is due."""


class UndoLine(msgspec.Struct, frozen=True):
    id: str
    key: str
    words: str
    until: str


class HomeView(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    key: str
    result: Result | None
    new_label: str
    """The fresh, pre-printed SSCC that was scanned: a bag can be opened with it."""
    undo: UndoLine | None
    photo: str = ""
    """Where a photo of it can be taken."""
    receipt: str = ""
    """The picture that leads the customer's phone to the receipt of what was taken in just now."""
    counts: tuple[tuple[int, str, bool], ...]
    problems: tuple[str, ...]
    bags: tuple[BagLine, ...]
    waiting: tuple[ParcelLine, ...]
    shipments: tuple[ShipmentLine, ...]
    tags: str
    """How many are left; empty where nobody counts."""
    tags_low: bool
    lockers: str = ""
    """How many compartments have to be emptied here; empty where there are none."""


class UnitLine(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    variant: str
    pictogram: str = "thing"
    taken: bool = True
    why: str = "not_presented"
    parcel: int = 1


class PassForm(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    key: str
    seen: str
    """The pass, sealed."""
    extra: str
    """What to do with a thing that is not in this return."""
    portal: str
    """The picture that leads the customer's phone to another return."""
    result: Result | None
    title: str
    lead: str
    errors: tuple[tuple[str, str], ...]
    units: tuple[UnitLine, ...]
    reasons: tuple[tuple[str, str], ...]
    settled: str
    tags: tuple[str, ...]
    focus: int
    """The number of the tag field to scan into; 0 when all are filled: then the button waits for a tap, for what is
    scanned into a filled field would be added to what stands there."""
    bags: tuple[BagLine, ...]
    chosen: str
    back: str
    """Where to go without taking it in."""
    override: bool = False
    """A tag of another shop's roll was scanned: the clerk may say why it is taken all the same."""


class ParcelPage(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    key: str
    result: Result | None
    tag: str
    lead: str
    can_pack: bool
    can_retag: bool
    bags: tuple[BagLine, ...]
    chosen: str
    units: tuple[str, ...]


class BagPage(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    key: str
    result: Result | None
    bag: BagLine
    can_seal: bool
    can_unseal: bool
    errors: tuple[tuple[str, str], ...]
    parcels: tuple[ParcelLine, ...]


class HandoverBag(msgspec.Struct, frozen=True):
    sscc: str
    name: str
    words: str
    ticked: bool
    broken: bool
    broken_words: str
    title: str = ""
    """Whose bag it is."""
    kind: str = ""
    waits: str = ""
    """Why it stays this time: no driver is booked for it."""
    why: str = ""
    """What the clerk said of it, when it stays."""


class HandoverPage(msgspec.Struct, frozen=True, kw_only=True):
    till: TillView
    key: str
    result: Result | None = None
    errors: tuple[tuple[str, str], ...] = ()
    bags: tuple[HandoverBag, ...] = ()
    driver: str = ""
    driver_count: str = ""
    focus: str = "scanned"
    said: str = ""
    """What the last scan did, and how many are ticked."""
    missed: str = ""
    whys: tuple[tuple[str, str], ...] = ()
    earlier: tuple[tuple[str, str], ...] = ()
    """Drivers of today: where their manifest is, and who took how much when."""
    lists: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = ()
    """Heading, then of each bag its SSCC, its name and what is said of it."""
    again: str = ""
    """Where to count again, with the same bags ticked."""


STATES: Final = {
    "open": N_("Open"),
    "sealed": N_("Sealed"),
    "handed_over": N_("With the driver"),
    "received": N_("Arrived"),
    "unpacked": N_("Unpacked"),
}
SHIPMENT_STATES: Final = {
    "expected": N_("Next departure"),
    "planned": N_("Planned"),
    "booking": N_("Being booked"),
    "booked": N_("Booked"),
    "rejected": N_("Refused by the carrier"),
    "unknown": N_("Being checked"),
}


def goes(stop: Stop | None) -> str:
    return _("to %(place)s", place=stop.name) if stop else ""


def bag_line(bag: ContainerView, booked: frozenset[str] = frozenset()) -> BagLine:
    """`booked`: shipments whose labels can be printed."""
    planned = bag.shipment is not None
    state = _("Leaves with the driver") if planned and bag.status == "sealed" else STATES[bag.status]
    return BagLine(
        id=bag.id,
        name=bag_name(bag.kind, bag.sscc),
        sscc=bag.sscc,
        state=state,
        holds=fill(bag.parcels, bag.weight_g, bag.max_parcels, bag.max_weight_g),
        goes=goes(bag.next),
        open=bag.status == "open",
        kind=bag.bag or "",
        title=bag_title(bag.bag, bag.next.name, bag.customs) if bag.bag and bag.next else "",
        full=bag.full,
        labels=label_links(bag.shipment, bag.sscc) if bag.shipment in booked else (),
    )


def gone_line(bag: counter.ContainerView) -> BagLine:
    """A bag that was here and is not any more."""
    return BagLine(
        id=bag.id,
        name=bag_name(bag.kind, bag.sscc),
        sscc=bag.sscc,
        state=STATES[bag.status],
        holds=fill(bag.parcel_count, bag.weight_g),
        goes="",
        open=False,
    )


def label_links(shipment_id: str | None, sscc: str = "") -> tuple[tuple[str, str], ...]:
    """Of one bag, else of the whole shipment."""
    base = f"/v1/shipments/{shipment_id}"
    stem = f"{base}/containers/{sscc}/label" if sscc else f"{base}/labels"
    return (
        (f"{stem}.pdf", _("Label") if sscc else _("Labels")),
        (f"{stem}.zpl", _("For the label printer")),
        *(() if sscc else ((f"{base}/manifest.csv", _("Manifest")),)),
    )


def counts(state: CounterState) -> tuple[tuple[int, str, bool], ...]:
    """`3 waiting, 1 bag open, 1 problem`: what the next shift has to know. How many parcels there is room for goes
    first, where somebody told what the shop can hold."""
    found, left = state.counts, state.location.left
    room = () if left is None else ((left, plural("parcel has room", "parcels have room", left), left == 0),)
    return (
        *room,
        (found.waiting, _("waiting"), False),
        (found.open, plural("bag open", "bags open", found.open), False),
        (found.problems, plural("problem", "problems", found.problems), found.problems > 0),
    )


def booked_shipments(state: CounterState) -> frozenset[str]:
    return frozenset(one.shipment for one in state.pickups if one.shipment and one.status == "booked")


def shipment_lines(state: CounterState, zone: str, now: datetime) -> tuple[ShipmentLine, ...]:
    return tuple(_shipment(one, zone, now) for one in state.pickups)


def _shipment(one: PickupView, zone: str, now: datetime) -> ShipmentLine:
    parts = []
    if one.containers:
        parts.append(ngettext("%(num)d bag", "%(num)d bags", len(one.containers)))
    if one.parcels:
        parts.append(ngettext("%(num)d loose parcel", "%(num)d loose parcels", one.parcels))
    when = words.at(one.departs_at, zone, now) if one.departs_at else _("no driver planned yet")
    name = one.destination.name if one.destination else _("Unknown")
    links = label_links(one.shipment) if one.status == "booked" else ()
    state = N_("No driver came") if one.missed else SHIPMENT_STATES.get(one.status, one.status)
    due = one.status == "booked" and one.departs_at is not None and one.departs_at <= now
    missed = f"/till/shipments/{one.shipment}/missed" if due and not one.missed else ""
    return ShipmentLine(name, state, " · ".join([*parts, when]), links, missed)


def home_view(
    till: TillView,
    state: CounterState,
    zone: str,
    now: datetime,
    *,
    key: str,
    result: Result | None,
    undo: UndoLine | None,
    new_label: str = "",
) -> HomeView:
    booked = booked_shipments(state)
    return HomeView(
        till=till,
        key=key,
        result=result,
        new_label=new_label,
        undo=undo,
        counts=counts(state),
        problems=tuple(problem.detail for problem in state.problems),
        bags=tuple(bag_line(bag, booked) for bag in [*state.open, *state.sealed]),
        waiting=tuple(ParcelLine(one.tag, _("for %(retailer)s", retailer=one.retailer)) for one in state.waiting),
        shipments=shipment_lines(state, zone, now),
        tags=ngettext("%(num)d tag left", "%(num)d tags left", state.tags.left) if state.tags.left is not None else "",
        tags_low=state.tags.low,
    )


def fitting(state: CounterState, stop_id: str | None, customs: str = "") -> tuple[tuple[BagLine, ...], str]:
    """The open bags that this parcel may go into, and the likely one: a bag that goes there already and is not full,
    else an empty one, else a new one."""
    same = [bag for bag in state.open if bag.next and bag.next.id == stop_id and (bag.customs or "") == customs]
    empty = [bag for bag in state.open if bag.next is None]
    likely = [bag for bag in same if not bag.full] or empty
    chosen = likely[-1].id if likely else "new"
    return tuple(bag_line(bag) for bag in [*same, *empty]), chosen


def waits(state: CounterState, zone: str, now: datetime) -> dict[str, str]:
    """Of each sealed bag that no driver is booked for, when one is expected."""
    said = {}
    for one in state.pickups:
        if one.status != "booked":
            when = words.at(one.departs_at, zone, now) if one.departs_at else ""
            text = _("Not booked yet. Its driver comes %(when)s.", when=when) if when else _("Not booked yet.")
            said.update(dict.fromkeys(one.containers, text))
    return said


def handover_bags(
    state: CounterState,
    ticked: Collection[str],
    broken: Collection[str] = (),
    waiting: Mapping[str, str] | None = None,
    whys: Mapping[str, str] | None = None,
) -> tuple[HandoverBag, ...]:
    """Those that can go first."""
    lines = []
    for bag in state.sealed:
        load = fill(bag.parcels, bag.weight_g)
        wrong = _("It is damaged or open") if bag.kind == "parcel" else _("Its seal is broken")
        is_broken = bag.sscc in broken
        name = bag_name(bag.kind, bag.sscc)
        lines.append(
            HandoverBag(
                sscc=bag.sscc,
                name=name,
                words=load,
                ticked=bag.sscc in ticked and not is_broken,
                broken=is_broken,
                broken_words=wrong,
                title=bag_title(bag.bag, bag.next.name, bag.customs) if bag.bag and bag.next else "",
                kind=bag.bag or "",
                waits=(waiting or {}).get(bag.sscc, ""),
                why=(whys or {}).get(bag.sscc, ""),
            )
        )
    return tuple(sorted(lines, key=lambda line: line.waits != ""))
