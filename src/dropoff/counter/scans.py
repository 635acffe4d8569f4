"""What a scanned or typed text is. Whatever it is, the answer says it in a sentence; nothing of the text is kept."""

from datetime import datetime

import msgspec

from dropoff.counter import (
    elsewhere,
    pictograms,
    retags,
    rolls,
    rules,
    shifts,
    store,
    store_attempts,
    store_hand_ins,
    store_rolls,
)
from dropoff.counter import reading as readings
from dropoff.counter.movement import find_container
from dropoff.counter.reading import Reading
from dropoff.counter.store import ContainerRow, ParcelRow
from dropoff.counter.till import Note, Till, keep
from dropoff.counter.views import ContainerView, ParcelView, container_view, parcel_views
from dropoff.db import Tx
from dropoff.kernel import foreign, tags
from dropoff.kernel.errors import Problem
from dropoff.kernel.foreign import Foreign
from dropoff.kernel.tags import tag_number
from dropoff.network import service as network
from dropoff.retailers import service as retailers
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys
from dropoff.returns.rules import unit_status
from dropoff.returns.service import OpenPass, UnitRow, Visit
from dropoff.web.schema import Code


class Scan(msgspec.Struct, frozen=True):
    text: Code
    """Whatever was read."""


class ScannedUnit(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sku: str
    title: str
    variant: str | None
    image_url: str | None
    weight_g: int | None
    status: str
    custody: str
    refused: str | None
    """Why a clerk sent it back before."""
    pictogram: pictograms.Kind = "thing"
    """What kind of thing it is, for a drawing beside its name."""


class PassScan(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="pass"):
    say: str
    refused: str | None
    """The reason that a hand-in would be refused with."""
    return_id: str = msgspec.field(name="return")
    retailer: str | None
    retailer_id: str | None = None
    portal_url: str | None = None
    """Where its customers begin another return, if the retailer told."""
    live: bool
    last_day_at: datetime
    expires_at: datetime
    units: list[ScannedUnit]
    """Those that can be handed in."""
    others: list[ScannedUnit]
    """Those that were handed in, or cannot be any more."""


class RollEnds(msgspec.Struct, frozen=True):
    first: str
    last: str


class TagScan(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="tag"):
    say: str
    refused: str | None
    tag: str
    free: bool
    """Never used: it may go on a parcel."""
    parcel: ParcelView | None
    roll: RollEnds | None = None
    """The head label of a roll was scanned: it can be registered here."""


class ContainerScan(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="container"):
    say: str
    refused: str | None
    container: ContainerView | None
    label: str | None = None
    """A fresh, pre-printed bag label: its SSCC, which no bag carries yet. A bag can be opened with it."""


class ForeignScan(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="foreign"):
    say: str
    network: foreign.Network
    maybe: bool
    """Digits that fit this network's check by chance one time in ten: say "maybe"."""
    others: list[foreign.Network]
    """Whose it may be as well."""
    where: str
    """Where a parcel of that network goes instead."""


class UnknownScan(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="unknown"):
    say: str


class VisitScan(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="visit"):
    say: str
    refused: str | None
    """The reason, when nothing of it can be handed in."""
    visit: str
    returns: list[PassScan]
    """Each as if its own pass was scanned; those with something to hand in first. A hand-in is of one of them: its
    `pass` may be the code of the visit, and its units say which return is meant."""


Scanned = PassScan | VisitScan | TagScan | ContainerScan | ForeignScan | UnknownScan


def too_many_misses(tx: Tx, device_id: str, at: datetime) -> Problem | None:
    """The brake on guessing short codes, counted per device in the database, so that several servers count together
    and a restart forgets nothing. The long code has 80 bits and needs none."""
    missed = store_attempts.count_attempts(tx, device_id, "short_code", at - rules.SHORT_CODE_WINDOW)
    if missed < rules.SHORT_CODE_MISSES:
        return None
    seconds = int(rules.SHORT_CODE_WINDOW.total_seconds())
    return Problem("too-many-requests", "Too many short codes that no pass has. Scan the pass.", retry_after_s=seconds)


def note_miss(tx: Tx, till: Till, text: str, at: datetime) -> None:
    if readings.read(text).short_code is not None:
        keep(tx, till, at, Note("short_code", "refused", "pass_unknown"))


def scan(tx: Tx, passes: PassKeys, till: Till, text: str, at: datetime) -> Scanned:
    till = shifts.attributed(tx, till, at)
    reading = readings.read(text)
    answer, object_id = _look_up(tx, passes, till, reading, text, at)
    refused = getattr(answer, "refused", None)
    kind = str(answer.__struct_config__.tag)
    note = Note("scan", "refused" if refused else "accepted", refused, object_id, {"kind": kind, "length": len(text)})
    keep(tx, till, at, note)
    if kind == "unknown":
        note_miss(tx, till, text, at)
    return answer


def _look_up(
    tx: Tx, passes: PassKeys, till: Till, reading: Reading, text: str, at: datetime
) -> tuple[Scanned, str | None]:
    if reading.network is not None:
        return _foreign(foreign.identify(text) or Foreign(reading.network)), None
    if reading.roll is not None:
        return _roll_head(tx, *reading.roll), None
    container = find_container(tx, text)
    if container is not None:
        return _container(tx, till, container), container.id
    if reading.sscc is not None:
        return _new_sscc(tx, reading.sscc), None
    parcel = store.parcel_by_tag(tx, reading.tag) if reading.tag else None
    if parcel is not None and reading.tag:
        return _known_tag(tx, till, parcel, reading.tag), parcel.id
    shown = _shown(tx, passes, till, text, at)
    if shown is not None:
        return shown
    if reading.tag is not None:
        return _free_tag(tx, till, reading, reading.tag), None
    if reading.short_code is not None or reading.may_be_pass:
        return UnknownScan(say=rules.REFUSALS["pass_unknown"]), None
    return UnknownScan(say="This is nothing we know. Scan the pass, the tag or the bag again."), None


def _shown(tx: Tx, passes: PassKeys, till: Till, text: str, at: datetime) -> tuple[Scanned, str] | None:
    """What a shopper shows: a pass, else a visit."""
    found = returns.find_pass(tx, passes, text)
    if found is not None:
        return _pass(tx, till, found, at), found.return_id
    gathered = returns.find_visit(tx, passes, text)
    return (_visit(tx, till, gathered, at), gathered.id) if gathered is not None else None


def _foreign(found: Foreign) -> ForeignScan:
    maybe = found.strength != "certain"
    return ForeignScan(
        say=elsewhere.say(found),
        network=found.network,
        maybe=maybe,
        others=list(found.others),
        where=str(elsewhere.WHERE[found.network]),  # programs are answered in English
    )


def _new_sscc(tx: Tx, sscc: str) -> ContainerScan | ForeignScan:
    """One that no container carries: a label of ours that waits for its bag, or another company's."""
    if not store_rolls.is_printed(tx, sscc):
        return _foreign(foreign.holder(sscc))
    say = "A fresh bag label. Stick it on an empty bag and open a bag with it."
    return ContainerScan(say=say, refused=None, container=None, label=sscc)


def _roll_head(tx: Tx, first: str, last: str) -> TagScan:
    number = tag_number(first)
    known = store_rolls.roll_holding(tx, number) if number is not None else None
    state = "registered already" if known is not None else "not registered yet"
    say = f"The head of a roll, {first} to {last}, {state}."
    return TagScan(say=say, refused=None, tag=first, free=False, parcel=None, roll=RollEnds(first, last))


def _free_tag(tx: Tx, till: Till, reading: Reading, tag: str) -> TagScan | ForeignScan:
    stock = rolls.look(tx, till.location_id, [tag])
    own = tag in stock.roll_of and not stock.strange
    if not own and reading.maybe is not None and reading.maybe.strength == "likely":
        return _foreign(reading.maybe)
    if stock.strange:
        say = rules.REFUSALS["tag_foreign_roll"]
        return TagScan(say=say, refused="tag_foreign_roll", tag=tag, free=True, parcel=None)
    return TagScan(say=_say_free(reading), refused=None, tag=tag, free=True, parcel=None)


def _say_free(reading: Reading) -> str:
    if reading.tag is not None and tags.has_written_shape(reading.tag) and not tags.is_written(reading.tag):
        return "A fresh tag. If it was written by hand, one sign of it is wrong: look again."
    fresh = "A fresh tag. Scan a pass first, then this tag for its parcel."
    return fresh if reading.maybe is None else f"{fresh} {elsewhere.unless(reading.maybe)}"


def _container(tx: Tx, till: Till, row: ContainerRow) -> ContainerScan:
    if row.live != till.live:
        return ContainerScan(say=rules.REFUSALS["test_mode"], refused="test_mode", container=None)
    what = "A parcel that travels by itself" if row.kind == "parcel" else f"A {row.kind}"
    held = "1 parcel" if row.parcel_count == 1 else f"{row.parcel_count} parcels"
    say = f"{what}, {row.status.replace('_', ' ')}, {held}."
    elsewhere = "wrong_location" if row.location_id not in (till.location_id, None) else None
    if elsewhere:
        say = f"{say} It is not at your place."
    # What lies in another place's container is its own; what travels, any till may have to take in.
    shown = elsewhere is None or till.location_id == row.origin_location_id
    return ContainerScan(say=say, refused=elsewhere, container=container_view(tx, row) if shown else None)


def _known_tag(tx: Tx, till: Till, row: ParcelRow, tag: str) -> TagScan:
    if row.live != till.live:
        say = rules.REFUSALS["test_mode"]
        return TagScan(say=say, refused="test_mode", tag=tag, free=False, parcel=None)
    if row.status == "void":
        return TagScan(say=rules.REFUSALS["tag_used"], refused="tag_used", tag=tag, free=False, parcel=None)
    if row.tag != tag:
        here = row.location_id in (till.location_id, None)
        say = retags.void_words(row) if here else rules.REFUSALS["tag_used"]
        shown = here and row.status != "received"
        return TagScan(
            say=say, refused="tag_used", tag=tag, free=False, parcel=parcel_views(tx, [row])[0] if shown else None
        )
    state = "in a container" if row.status == "in_container" else row.status.replace("_", " ")
    say = f"The tag of a parcel, {state}."
    elsewhere = "wrong_location" if row.location_id not in (till.location_id, None) else None
    if elsewhere:
        say = f"{say} It is not at your place."
    # Numbers of tags can be guessed, so only who has the parcel, or may have it in hand, sees what is in it.
    shown = elsewhere is None and row.status != "received"
    return TagScan(
        say=say, refused=elsewhere, tag=tag, free=False, parcel=parcel_views(tx, [row])[0] if shown else None
    )


def _pass(tx: Tx, till: Till, found: OpenPass, at: datetime) -> PassScan:
    units = returns.units_of(tx, found.return_id)
    facts = rules.PassFacts(found.live, found.last_day_at, found.expires_at, {u.id: u.custody for u in units})
    refused = rules.judge_pass(facts, till.live, at, at)
    owner = retailers.find(tx, found.retailer_id)
    place = network.location(tx, till.location_id)
    if refused is None and (place is None or place.state != "active"):
        refused = "location_paused"
    sent_back = refused_units(tx, found.return_id)
    # A till of the other mode learns that the pass is of the other mode, and no more.
    kinds = returns.categories_of(tx, found.return_id)
    shown = [_unit(unit, sent_back.get(unit.id), kinds) for unit in units] if refused != "test_mode" else []
    opened = [
        unit for unit in shown if unit.custody == "expected" and refused not in ("pass_expired", "pass_cancelled")
    ]
    others = [unit for unit in shown if unit not in opened]
    return PassScan(
        say=_say_pass(refused, len(opened), len(others)),
        refused=refused,
        return_id=found.return_id,
        retailer=owner.name if owner else None,
        retailer_id=owner.id if owner else None,
        portal_url=owner.portal_url if owner else None,
        live=found.live,
        last_day_at=found.last_day_at,
        expires_at=found.expires_at,
        units=opened,
        others=others,
    )


def visit_scan(tx: Tx, passes: PassKeys, till: Till, text: str, at: datetime) -> VisitScan | None:
    """As a scan answers, for a till that goes through the returns of a visit: no scan, so no attempt is kept."""
    found = returns.find_visit(tx, passes, text)
    return _visit(tx, till, found, at) if found is not None else None


def _visit(tx: Tx, till: Till, found: Visit, at: datetime) -> VisitScan:
    if found.live != till.live:
        say = rules.REFUSALS["test_mode"]
        return VisitScan(say=say, refused="test_mode", visit=found.id, returns=[])
    each = [_pass(tx, till, one, at) for one in returns.passes_of_visit(tx, found)]
    each.sort(key=lambda one: one.refused is not None or not one.units)
    waiting = [len(one.units) for one in each if one.refused is None and one.units]
    reasons = [one.refused for one in each if one.units or one.refused]
    refused = reasons[0] if reasons and not waiting else None
    return VisitScan(say=_say_visit(refused, waiting, len(each)), refused=refused, visit=found.id, returns=each)


def _say_visit(refused: str | None, waiting: list[int], held: int) -> str:
    if refused is not None:
        return rules.REFUSALS[refused]
    if not held:
        return "No return is under this code."
    if not waiting:
        return "Everything under this code was handed in."
    things = "1 thing" if sum(waiting) == 1 else f"{sum(waiting)} things"
    return f"{things} in {len(waiting)} {'return' if len(waiting) == 1 else 'returns'} to hand in."


def _say_pass(refused: str | None, opened: int, others: int) -> str:
    if refused is not None:
        return rules.REFUSALS[refused]
    if opened == 0:
        return "Everything on this pass was handed in."
    say = "1 thing to hand in." if opened == 1 else f"{opened} things to hand in."
    return say if others == 0 else f"{say} The rest was handed in or is closed."


def refused_units(tx: Tx, return_id: str) -> dict[str, str]:
    """The latest reason why a clerk sent a unit back, by unit; read it for units that are still expected."""
    found: dict[str, str] = {}
    for row in store_hand_ins.accepted_of(tx, return_id):
        found |= {one["unit"]: one["reason"] for one in row.request["refused"] if one["unit"]}
    return found


def _unit(unit: UnitRow, refused: str | None, categories: dict[str, str | None]) -> ScannedUnit:
    return ScannedUnit(
        id=unit.id,
        sku=unit.sku,
        title=unit.title,
        variant=unit.variant,
        image_url=unit.image_url,
        weight_g=unit.weight_g,
        status=unit_status(unit.custody, unit.resolution),
        custody=unit.custody,
        refused=refused if unit.custody == "expected" else None,
        pictogram=pictograms.kind_of_thing(categories.get(unit.id), unit.title),
    )
