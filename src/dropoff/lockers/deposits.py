"""What happens to a compartment and the parcel in it, one transaction each. Every step is guarded by the state that it
starts from, so that the shopper's page, a second tap and the job may all take it: one of them does.

The calls to the bank lie between these, in `driving`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from dropoff.cases import service as cases
from dropoff.counter import retags, waiting
from dropoff.counter import rules as counter_rules
from dropoff.counter import service as counter
from dropoff.counter.rules import PassFacts
from dropoff.counter.till import Till, say
from dropoff.db import Tx
from dropoff.events.jobs import enqueue
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, not_found
from dropoff.kernel.ids import new_id
from dropoff.lockers import rules, store
from dropoff.lockers.store import DepositRow
from dropoff.network import service as network
from dropoff.ports.locker import Reservation, Size
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys
from dropoff.returns.service import ReturnRow
from dropoff.web.schema import Id

SHOPPER: Final = "shopper"
SYSTEM: Final = "system"
FREE_JOB: Final = "lockers.free"
CASE: Final = "locker_problem"
UnitRef = Annotated[str, Meta(min_length=1, max_length=60)]
DETAILS: Final = {
    "occupied": "Something lay in compartment {} that is not ours. The compartment is held until somebody looked.",
    "jammed": "Door {} did not open. The compartment is held until somebody looked.",
    "taken": "The bank gave compartment {}, in which a parcel of ours should lie. Look into it.",
    "lost": "The bank knows no more of the reservation of compartment {}, whose door was opened. Look into it.",
    "stands_open": "Door {} stands open for more than five minutes. Nothing was accepted.",
    "unconfirmed": "Door {} is shut, but nobody said that something is in it. Look into it.",
    "not_empty": "Compartment {} should be empty and is not.",
}


class Begin(msgspec.Struct, frozen=True, kw_only=True):
    """A shopper at a locker asks for a compartment. Without units, all that the return still expects go in."""

    location: Id
    size: Size
    units: Annotated[tuple[UnitRef, ...], Meta(max_length=200)] = ()


def begin(tx: Tx, passes: PassKeys, code: str, asked: Begin, at: datetime) -> DepositRow | Problem:
    """The row is there before the bank is asked. A return has one at a time: asked again at the same place it is the
    same one; at another place an unopened one is given up first."""
    found = returns.find_by_code(tx, passes, code)
    head = returns.lock_return(tx, found.return_id) if found is not None else None
    if head is None:
        return not_found("pass")
    bank = store.bank_at(tx, asked.location)
    place = network.location(tx, asked.location)
    if bank is None or place is None:
        return not_found("bank of lockers at this place")
    custody = {unit.id: unit.custody for unit in returns.units_of(tx, head.id)}
    named = asked.units or (one for one, known in custody.items() if known == "expected")
    units = list(dict.fromkeys(named)) or list(custody)  # one that is named twice would be refused behind a shut door
    known = store.live_of(tx, head.id)
    if known is not None and (known.location_id == asked.location or known.state not in ("reserving", "reserved")):
        return known
    verdict, reason = _judge(head, custody, units, at)
    if verdict == "accepted" and place.live != head.live:
        verdict, reason = "refused", "test_mode"
    if verdict == "accepted" and place.state != "active":
        verdict, reason = "refused", "location_paused"
    if verdict != "accepted":
        return Problem("locker-refused", say(verdict, reason), data={"reason": reason or "already"})
    if store.count_since(tx, head.id, at - timedelta(days=1)) >= rules.TRIES_A_DAY:
        return Problem("locker-refused", "Too many compartments were asked for today.", data={"reason": "too_often"})
    if known is not None:
        _leave(tx, known, at)
    row = {
        "id": new_id("dep"),
        "bank_id": bank.id,
        "location_id": asked.location,
        "return_id": head.id,
        "retailer_id": head.retailer_id,
        "live": head.live,
        "size": asked.size,
        "units": units,
        "state": "reserving",
        "created_at": at,
        "changed_at": at,
    }
    made = store.insert_deposit(tx, row)
    assert made is not None, "the return is locked and has none that lives"
    return made


def _judge(
    head: ReturnRow, custody: Mapping[str, str], units: list[str], at: datetime
) -> tuple[counter_rules.Verdict, str | None]:
    """As at a counter."""
    facts = PassFacts(head.live, head.last_day_at, head.expires_at, dict(custody))
    return counter_rules.judge_units(facts, units, head.live, at, at)


def _leave(tx: Tx, row: DepositRow, at: datetime) -> None:
    event = "give_up" if row.state == "reserved" else "refuse"
    gone = store.move(tx, row.id, event, at, reason="elsewhere")
    if gone is not None:
        _tell(tx, gone, "locker.released", at, SHOPPER)
        enqueue(tx, FREE_JOB, {"deposit": row.id}, key=row.id)


def code_of(tx: Tx, passes: PassKeys, return_id: str) -> str:
    head = returns.find_return(tx, return_id)
    assert head is not None, "a return is never deleted"
    return passes.code(head.id, head.generation)


def hold(tx: Tx, deposit_id: str, told: Reservation, at: datetime) -> DepositRow | None:
    row = store.find_deposit(tx, deposit_id)
    number = rules.door_number(told.compartment.number)
    if row is None:
        return None
    holder = store.holds(tx, row.bank_id, number)
    if holder is not None and holder.id != row.id:
        return block(tx, deposit_id, "taken", at, number)
    held = store.move(
        tx, deposit_id, "hold", at, compartment=number, size=told.compartment.size, expires_at=at + rules.KEPT
    )
    if held is not None:
        store.answers(tx, held.bank_id)
        _tell(tx, held, "locker.reserved", at, SHOPPER)
    return held


def refuse(tx: Tx, deposit_id: str, reason: str, surely: bool, at: datetime) -> DepositRow | None:
    """`surely`: the bank holds nothing for it; else it is told to let go."""
    row = store.move(tx, deposit_id, "refuse", at, reason=reason, **({"freed_at": at} if surely else {}))
    if row is not None:
        _tell(tx, row, "locker.refused", at, SYSTEM, reason=reason)
    return row


def tell_open(tx: Tx, deposit_id: str, at: datetime) -> DepositRow | Problem | None:
    """The intent to open, before the bank is told. None: there is no door to open, or nothing to put behind it any
    more, since the return was cancelled or handed in elsewhere; then the reservation ends. So it does where nothing
    would be taken in."""
    row = store.find_deposit(tx, deposit_id)
    head = returns.lock_return(tx, row.return_id) if row is not None else None
    if row is None or head is None or (row.expires_at is not None and row.expires_at <= at):
        return None
    custody = {unit.id: unit.custody for unit in returns.units_of(tx, head.id)}
    if row.state == "reserved" and _judge(head, custody, row.units, at)[0] != "accepted":
        expire(tx, deposit_id, at)
        return None
    place = network.location(tx, row.location_id)
    if row.state == "reserved" and (place is None or place.state != "active"):
        expire(tx, deposit_id, at)
        return Problem("locker-refused", say("refused", "location_paused"), data={"reason": "location_paused"})
    return store.move(tx, deposit_id, "tell_open", at, told_at=at, reason=None, confirmed_at=None)


def opened(tx: Tx, deposit_id: str, at: datetime) -> DepositRow | None:
    row = store.move(tx, deposit_id, "opened", at, reason=None, expires_at=None)
    if row is not None:
        _tell(tx, row, "locker.opened", at, SHOPPER)
    return row


def stay_shut(tx: Tx, deposit_id: str, reason: str, at: datetime) -> DepositRow | None:
    return store.move(tx, deposit_id, "stay_shut", at, reason=reason)


def shut_empty(tx: Tx, deposit_id: str, at: datetime) -> DepositRow | None:
    """Opened, nothing put in, shut: the shopper may try again, for a while."""
    row = store.move(tx, deposit_id, "shut_empty", at, reason="empty", expires_at=at + rules.KEPT, confirmed_at=None)
    if row is not None:
        _tell(tx, row, "locker.shut_empty", at, SHOPPER)
        _settle(tx, row, at)
    return row


def heard(tx: Tx, deposit_id: str) -> DepositRow | None:
    """The bank, silent until now, answers again."""
    row = store.note(tx, deposit_id, reason=None)
    if row is not None:
        store.answers(tx, row.bank_id)
    return row


def remark(tx: Tx, deposit_id: str, reason: str | None) -> DepositRow | None:
    """What the shopper has to know while it stands as it stands."""
    return store.note(tx, deposit_id, reason=reason)


def confirm(tx: Tx, deposit_id: str, at: datetime) -> DepositRow | None:
    """The shopper says that it is in and the door is shut. It counts only where the bank cannot tell."""
    row = store.find_deposit(tx, deposit_id)
    return store.note(tx, deposit_id, confirmed_at=at) if row is not None and row.state == "open" else row


def deny(tx: Tx, deposit_id: str, at: datetime) -> DepositRow | None:
    """The shopper, asked by a bank that cannot tell, says that nothing is in it."""
    row = store.find_deposit(tx, deposit_id)
    asked = row is not None and (row.state, row.reason) == ("open", "ask")
    return shut_empty(tx, deposit_id, at) if asked else row


def expire(tx: Tx, deposit_id: str, at: datetime) -> DepositRow | None:
    row = store.move(tx, deposit_id, "expire", at)
    if row is not None:
        _tell(tx, row, "locker.expired", at, SYSTEM)
    return row


def give_up(tx: Tx, deposit_id: str, at: datetime) -> DepositRow | None:
    row = store.move(tx, deposit_id, "give_up", at, reason=None)
    if row is not None:
        _tell(tx, row, "locker.released", at, SHOPPER)
    return row


def block(tx: Tx, deposit_id: str, reason: str, at: datetime, compartment: str | None = None) -> DepositRow | None:
    """Nobody gets this compartment before a person has looked into it."""
    named = {"compartment": compartment} if compartment is not None else {}
    row = store.move(tx, deposit_id, "block", at, reason=reason, **named)
    if row is not None:
        _tell(tx, row, "locker.blocked", at, SYSTEM, reason=reason)
        _ask_somebody(tx, row, reason, DETAILS[reason].format(row.compartment), at)
    return row


def remind(tx: Tx, deposit_id: str, reason: Literal["stands_open", "unconfirmed"], at: datetime) -> None:
    """Once: somebody has to look, while the shopper may still end it."""
    row = store.find_deposit(tx, deposit_id)
    if row is None or row.state != "open" or row.reminded_at is not None:
        return
    store.note(tx, deposit_id, reminded_at=at)
    _ask_somebody(tx, row, "door", DETAILS[reason].format(row.compartment), at)


def deposit(
    tx: Tx, passes: PassKeys, base_url: str, deposit_id: str, numbers: tuple[int, ...], at: datetime
) -> DepositRow | None:
    """The door is shut and something is inside: taken in by the counter's own hand-in, with its receipt. `numbers` are
    random, for the tag that somebody will write on the parcel.

    If the hand-in is refused, since the pass was cancelled or the things were handed in elsewhere meanwhile, the
    compartment stays held and a person is asked.
    """
    row = store.find_deposit(tx, deposit_id)
    head = returns.lock_return(tx, row.return_id) if row is not None else None
    row = store.move(tx, deposit_id, "deposit", at, reason=None)
    bank = store.find_bank(tx, row.bank_id) if row is not None else None
    if row is None or head is None or bank is None:
        return None
    till = Till(row.location_id, bank.device_id, row.live)
    tag = retags.written_tag(tx, till, numbers, at).tag
    asked = counter.HandIn(
        pass_text=passes.code(head.id, head.generation),
        parcels=(counter.ParcelIn(tag, tuple(row.units)),),
        scanned_at=at,
    )
    answer = counter.confirm_hand_in(tx, passes, base_url, till, asked, at)
    if answer.verdict != "accepted":
        reason = answer.reason or answer.verdict
        stranded = store.move(tx, deposit_id, "strand", at, reason=reason)
        assert stranded is not None, "it was moved in this transaction"
        _tell(tx, stranded, "locker.blocked", at, SYSTEM, reason=reason)
        detail = f"Compartment {row.compartment} holds things that were not taken in ({reason}). Give them back."
        _ask_somebody(tx, stranded, reason, detail, at)
        return stranded
    kept = store.note(tx, deposit_id, hand_in_id=answer.hand_in, parcel_id=answer.parcels[0].id)
    assert kept is not None, "it was moved in this transaction"
    _tell(tx, kept, "locker.deposited", at, SHOPPER)
    _settle(tx, kept, at)
    return kept


# --- emptying


def follow_parcels(tx: Tx, rows: list[DepositRow], at: datetime) -> None:
    """Which of these compartments were emptied: their parcels are in a bag, or gone."""
    lying = [row for row in rows if row.state == "deposited" and row.parcel_id is not None]
    places = waiting.whereabouts(tx, [str(row.parcel_id) for row in lying])
    for row in lying:
        stands = places.get(str(row.parcel_id))
        if stands is None or not rules.has_left(stands.status, stands.location_id == row.location_id, stands.kind):
            continue
        gone = store.move(tx, row.id, "collect", at)
        if gone is not None:
            _tell(tx, gone, "locker.collected", at, SYSTEM)
            enqueue(tx, FREE_JOB, {"deposit": row.id}, key=row.id)


def freed(tx: Tx, deposit_id: str, at: datetime) -> None:
    row = store.note(tx, deposit_id, freed_at=at)
    if row is not None:
        cases.settle(tx, CASE, f"{row.id} not_empty", "explained", "The compartment is empty.", at, SYSTEM)


def not_empty(tx: Tx, deposit_id: str, at: datetime) -> None:
    """The bank does not take the compartment back: something lies in it."""
    row = store.find_deposit(tx, deposit_id)
    if row is not None:
        _ask_somebody(tx, row, "not_empty", DETAILS["not_empty"].format(row.compartment), at)


def clear(tx: Tx, deposit_id: str, at: datetime, actor: str) -> None:
    """A person has looked into a compartment that was held back."""
    row = store.move(tx, deposit_id, "clear", at)
    if row is not None:
        _tell(tx, row, "locker.cleared", at, actor)
        enqueue(tx, FREE_JOB, {"deposit": row.id}, key=row.id)


def _settle(tx: Tx, row: DepositRow, at: datetime) -> None:
    cases.settle(tx, CASE, f"{row.id} door", "explained", "The door is shut.", at, SYSTEM)


def _ask_somebody(tx: Tx, row: DepositRow, why: str, detail: str, at: datetime) -> None:
    cases.open_case(
        tx,
        CASE,
        subject=f"{row.id} {why}",
        objects={"deposit": row.id, "compartment": row.compartment, "return": row.return_id, "why": why},
        detail=detail,
        retailer_id=None,
        location_id=row.location_id,
        live=row.live,
        at=at,
        actor=SYSTEM,
    )


def _tell(tx: Tx, row: DepositRow, kind: str, at: datetime, actor: str, **more: str) -> None:
    """The operator's alone: the retailer hears of the hand-in."""
    about = {"return": row.return_id, "deposit": row.id, "compartment": row.compartment}
    about |= {"parcel": row.parcel_id} if row.parcel_id else {}
    event = Event(
        type=kind,
        actor=actor,
        at=at,
        live=row.live,
        location_id=row.location_id,
        return_id=row.return_id,
        objects=about,
        data=about | {"size": row.size} | more,
    )
    append(tx, event)
