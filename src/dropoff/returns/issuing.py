"""A return is made, renewed, cancelled, or expires."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dropoff.access import service as access
from dropoff.db import Tx
from dropoff.events import jobs
from dropoff.events.log import Event, append
from dropoff.kernel.clock import rfc3339
from dropoff.kernel.errors import Problem, invalid, not_found
from dropoff.kernel.ids import new_id
from dropoff.money import service as money
from dropoff.retailers import service as retailers
from dropoff.retailers.rules import Wish
from dropoff.retailers.service import Retailer
from dropoff.returns import rules, store
from dropoff.returns.finding import OpenPass
from dropoff.returns.moves import retailer_of, save_progress
from dropoff.returns.orders import Sku
from dropoff.returns.store import LineRow, OrderRow, ReturnRow, UnitRow
from dropoff.returns.views import (
    Links,
    PassLinks,
    PassView,
    ReturnView,
    pass_links,
    pass_view,
    return_view,
    unit_view,
    view_of,
)
from dropoff.web.schema import Reference, Text

EXPIRE = "returns.expire"
CANCEL = "cancel"
SHOPPER = "shopper"
_NOT_YET: dict[str, Any] = dict.fromkeys(("parcel_id", "condition", "disposition", "handed_in_at", "received_at"))


class WantedUnits(msgspec.Struct, frozen=True, kw_only=True):
    sku: Sku
    quantity: Annotated[int, Meta(ge=1, le=rules.UNITS_MAX)] = 1
    reason: rules.Reason = "not_stated"
    comment: Text | None = None
    resolution: Wish
    exchange_for: Sku | None = None


class NewReturn(msgspec.Struct, frozen=True, kw_only=True):
    order: Reference
    units: Annotated[tuple[WantedUnits, ...], Meta(min_length=1, max_length=rules.UNITS_MAX)]


class Renewed(msgspec.Struct, frozen=True, kw_only=True):
    status: str
    last_day_at: datetime
    expires_at: datetime
    pass_: PassLinks = msgspec.field(name="pass")


def issue_return(
    tx: Tx, links: Links, retailer_id: str, new: NewReturn, at: datetime, actor: str
) -> ReturnView | Problem:
    retailer = retailers.find(tx, retailer_id)
    assert retailer is not None, "a key belongs to a retailer"
    order = store.find_order(tx, retailer_id, new.order, lock=True)
    if order is None:
        return Problem("order-not-found", data={"order": new.order})
    lines = store.lines_of(tx, order.id)
    refusal = _more_than_ordered(lines, new.units) or _not_offered(retailer, new.units)
    if refusal is not None:
        return refusal
    window_end = rules.window_end(order.placed_at, order.delivered_at, retailer.policy.window_days, retailer.zone)
    if at > window_end:
        return Problem("return-window-closed", data={"closed_at": rfc3339(window_end)})
    last_day = rules.last_day(window_end, at, retailer.zone)
    head = _return_row(links, order, at, last_day)
    with tx.savepoint() as attempt:
        units = _choose(tx, head["id"], retailer_id, lines, new.units)
        if units is not None:
            store.add_return(tx, head)
            # The order's lock lets nobody else choose meanwhile; whoever came past it loses at the unique index.
            if store.take_units(tx, units) < len(units):
                units = None
        if units is None:
            attempt.rollback()
    if units is None:
        return _already_returned(tx, lines, new.units)
    prices = [money.Announced(unit["id"], unit["price"]) for unit in units]
    amounts = money.expect(tx, head["id"], retailer_id, order.currency, prices, at)
    row = msgspec.convert(head, ReturnRow)
    _tell_issued(tx, row, order, units, actor)
    _schedule_expiry(tx, row.id, row.expires_at)
    # What was written is known, so it is not read again.
    return view_of(links, row, order.reference, [unit_view(UnitRow(**unit, **_NOT_YET)) for unit in units], amounts)


def renew(tx: Tx, links: Links, found: OpenPass, at: datetime) -> Renewed | Problem:
    """The same code, longer: 14 days from now, within 14 days beyond the pass's first last day."""
    head = store.find_return(tx, found.return_id, lock=True)
    if head is None:
        return not_found("pass")
    if all(custody != "expected" for custody, _ in store.states_of(tx, [head.id])[head.id]):
        return Problem("return-not-open", data={"status": head.status})
    if at >= head.expires_at:
        return Problem("window-passed", data={"expired_at": rfc3339(head.expires_at)})
    last_day = _renewed_last_day(tx, head, at)
    if last_day > head.last_day_at:
        head = _lengthen(tx, head, last_day, at, SHOPPER)
    return Renewed(
        status=head.status,
        last_day_at=head.last_day_at,
        expires_at=head.expires_at,
        pass_=pass_links(links, head),
    )


def _lengthen(tx: Tx, head: ReturnRow, last_day: datetime, at: datetime, actor: str) -> ReturnRow:
    expires_at = rules.expires_at(last_day)
    store.lengthen(tx, head.id, last_day, expires_at)
    if head.next_kind == "hand_in":
        store.save_returns(tx, [head.id], {"next_at": last_day})
    head = msgspec.structs.replace(head, last_day_at=last_day, expires_at=expires_at)
    _tell(tx, head, "return.renewed", at, actor, {"expires_at": rfc3339(expires_at)})
    _schedule_expiry(tx, head.id, expires_at)
    return head


def keep_safe(tx: Tx, return_id: str, at: datetime, actor: str) -> None:
    """A counter sent something back that was shown in time: the shopper has 14 days from then, whatever was left. The
    return is locked."""
    head = store.find_return(tx, return_id)
    if head is None:
        return
    last_day = rules.last_day(head.last_day_at, at, retailer_of(tx, head).zone)
    if last_day > head.last_day_at:
        _lengthen(tx, head, last_day, at, actor)


def last_day_if_renewed(tx: Tx, return_id: str, at: datetime) -> datetime | None:
    """None when a renewal would give no more time: nothing waits, it is too late, or all the time is given already."""
    head = store.find_return(tx, return_id)
    if head is None or at >= head.expires_at:
        return None
    if all(custody != "expected" for custody, _ in store.states_of(tx, [head.id])[head.id]):
        return None
    last_day = _renewed_last_day(tx, head, at)
    return last_day if last_day > head.last_day_at else None


def cancel_return(
    tx: Tx, links: Links, return_id: str, retailer_id: str, at: datetime, actor: str
) -> ReturnView | Problem:
    """What was not handed in yet is cancelled. Cancelling a cancelled return answers it again."""
    head = store.find_return(tx, return_id, retailer_id, lock=True)
    if head is None:
        return not_found("return")
    if head.status != "cancelled" and not _drop(tx, head, "cancel", at, actor):
        return Problem("return-not-open", data={"status": head.status})
    return return_view(tx, links, return_id) or not_found("return")


def cancel_by_pass(
    tx: Tx, links: Links, found: OpenPass, order_reference: str, email: str, at: datetime
) -> PassView | Problem:
    """By whoever bears the pass and knows order and e-mail; either wrong, nothing is said of which. Wrong ones are
    counted for each pass, from wherever they come."""
    refused = access.too_many_guesses(tx, CANCEL, found.return_id, at)
    if refused is not None:
        return refused
    order = store.order_by_id(tx, found.order_id)
    assert order is not None, "a return points to its order"
    known = f"{order.reference}\0{(order.shopper_email or '').casefold()}"
    if not order.shopper_email or not hmac.compare_digest(
        known.encode(), f"{order_reference}\0{email.casefold()}".encode()
    ):
        access.note_guess(tx, CANCEL, found.return_id, at)
        return Problem("order-not-found", "Order and e-mail do not belong to this pass.")
    cancelled = cancel_return(tx, links, found.return_id, found.retailer_id, at, SHOPPER)
    if isinstance(cancelled, Problem):
        return cancelled
    return pass_view(tx, found.return_id) or not_found("pass")


def expire(tx: Tx, return_ids: Sequence[str], at: datetime) -> list[str]:
    """What is still expected after the grace expires. Ids of the returns of which something did; again, none."""
    expired = []
    for return_id in sorted(return_ids):
        head = store.find_return(tx, return_id, lock=True)
        if head is not None and at >= head.expires_at and _drop(tx, head, "expire", at, "system"):
            expired.append(head.id)
    return expired


def expired_returns(tx: Tx, at: datetime, limit: int) -> list[str]:
    return store.expired_returns(tx, at, limit)


def _drop(tx: Tx, head: ReturnRow, event: str, at: datetime, actor: str) -> bool:
    """`cancel` or `expire` for every unit that is expected and for which no money moved."""
    candidates = [unit.id for unit in store.units_of(tx, [head.id])]
    gone = [unit.id for unit in store.move_custody(tx, event, candidates, {}, only_open=True)]
    if not gone:
        return False
    money.close(tx, gone, at)
    status = save_progress(tx, [head.id], {})[head.id]
    if status in rules.GONE:
        store.save_returns(tx, [head.id], {"holder": None, "next_kind": None, "next_at": None})
    order = store.references_of(tx, [head.order_id])[head.order_id]
    type_ = {"cancel": "return.cancelled", "expire": "return.expired"}[event]
    _tell(tx, head, type_, at, actor, {"order": order, "status": status, "units": gone}, units=gone)
    return True


def _more_than_ordered(lines: Sequence[LineRow], wanted: Sequence[WantedUnits]) -> Problem | None:
    left: dict[str, int] = {}
    for line in lines:
        left[line.sku] = left.get(line.sku, 0) + line.quantity
    if sum(wish.quantity for wish in wanted) > rules.UNITS_MAX:
        return invalid("/units", f"A return holds at most {rules.UNITS_MAX} units.")
    for place, wish in enumerate(wanted):
        if wish.sku not in left:
            return invalid(f"/units/{place}/sku", "The order has no line with this SKU.")
        left[wish.sku] -= wish.quantity
        if left[wish.sku] < 0:
            return invalid(f"/units/{place}/quantity", "That is more than was ordered.")
    return None


def _not_offered(retailer: Retailer, wanted: Sequence[WantedUnits]) -> Problem | None:
    for wish in wanted:
        if wish.resolution not in retailer.policy.resolutions:
            offered = list(retailer.policy.resolutions)
            return Problem("resolution-not-offered", data={"resolution": wish.resolution, "offered": offered})
    return None


def _return_row(links: Links, order: OrderRow, at: datetime, last_day: datetime) -> dict[str, Any]:
    return_id = new_id("ret")
    passes = links.passes
    return {
        "id": return_id,
        "retailer_id": order.retailer_id,
        "order_id": order.id,
        "live": order.live,
        "currency": order.currency,
        "status": "issued",
        "created_at": at,
        "last_day_at": last_day,
        "expires_at": rules.expires_at(last_day),
        "generation": 1,
        "code_hash": passes.code_hash(passes.code(return_id, 1)),
        "short_hash": passes.short_hash(passes.short_code(return_id, 1)),
        "holder": SHOPPER,
        "next_kind": "hand_in",
        "next_at": last_day,
    }


def _free(tx: Tx, lines: Sequence[LineRow]) -> dict[str, list[tuple[LineRow, int]]]:
    """By SKU: the things that are in no open return, as line and ordinal, in the order of the lines."""
    taken = store.taken_ordinals(tx, [line.id for line in lines])
    free: dict[str, list[tuple[LineRow, int]]] = {}
    for line in lines:
        ordinals = (n for n in range(1, line.quantity + 1) if n not in taken[line.id])
        free.setdefault(line.sku, []).extend((line, ordinal) for ordinal in ordinals)
    return free


def _choose(
    tx: Tx, return_id: str, retailer_id: str, lines: Sequence[LineRow], wanted: Sequence[WantedUnits]
) -> list[dict[str, Any]] | None:
    """Rows for as many free things as are wanted, or None when there are too few of one."""
    asked = {wish.sku for wish in wanted}
    free = _free(tx, [line for line in lines if line.sku in asked])
    rows = []
    for wish in wanted:
        chosen, free[wish.sku] = free[wish.sku][: wish.quantity], free[wish.sku][wish.quantity :]
        if len(chosen) < wish.quantity:
            return None
        rows += [_unit_row(return_id, retailer_id, line, ordinal, wish) for line, ordinal in chosen]
    return rows


def _unit_row(return_id: str, retailer_id: str, line: LineRow, ordinal: int, wish: WantedUnits) -> dict[str, Any]:
    return {
        "id": new_id("unt"),
        "return_id": return_id,
        "retailer_id": retailer_id,
        "order_line_id": line.id,
        "ordinal": ordinal,
        "sku": line.sku,
        "title": line.title,
        "variant": line.variant,
        "image_url": line.image_url,
        "price": line.unit_price,
        "weight_g": line.weight_g,
        "reason": wish.reason,
        "comment": wish.comment,
        "wanted": wish.resolution,
        "exchange_for": wish.exchange_for,
        "custody": "expected",
        "resolution": "open",
    }


def _already_returned(tx: Tx, lines: Sequence[LineRow], wanted: Sequence[WantedUnits]) -> Problem:
    asked: dict[str, int] = {}
    for wish in wanted:
        asked[wish.sku] = asked.get(wish.sku, 0) + wish.quantity
    free = _free(tx, [line for line in lines if line.sku in asked])
    short = [
        {"sku": sku, "wanted": count, "free": len(free[sku])} for sku, count in asked.items() if len(free[sku]) < count
    ]
    return Problem("units-already-returned", data={"units": short})


def _tell_issued(tx: Tx, head: ReturnRow, order: OrderRow, units: Sequence[dict[str, Any]], actor: str) -> None:
    told = ("id", "sku", "title", "price", "reason", "wanted", "exchange_for")
    data = {
        "return": head.id,
        "order": order.reference,
        "currency": order.currency,
        "expires_at": rfc3339(head.expires_at),
        "units": [{name: unit[name] for name in told} for unit in units],
    }
    _tell(tx, head, "return.issued", head.created_at, actor, data, units=[unit["id"] for unit in units])
    swaps = [unit for unit in units if unit["wanted"] == "exchange"]
    if swaps:
        # At once and not at the hand-in, so that the retailer can put a thing aside while there is one.
        data = {
            "return": head.id,
            "order": order.reference,
            "units": [{name: unit[name] for name in ("id", "sku", "exchange_for")} for unit in swaps],
        }
        swap_ids = [unit["id"] for unit in swaps]
        _tell(tx, head, "exchange.requested", head.created_at, actor, data, units=swap_ids)


def _tell(
    tx: Tx,
    head: ReturnRow,
    type_: str,
    at: datetime,
    actor: str,
    data: dict[str, Any],
    units: Sequence[str] = (),
) -> None:
    append(
        tx,
        Event(
            type=type_,
            actor=actor,
            at=at,
            live=head.live,
            retailer_id=head.retailer_id,
            return_id=head.id,
            objects={"return": head.id, **({"units": list(units)} if units else {})},
            data={"return": head.id, **data},
        ),
    )


def _renewed_last_day(tx: Tx, head: ReturnRow, at: datetime) -> datetime:
    order = store.order_by_id(tx, head.order_id)
    assert order is not None, "a return points to its order"
    retailer = retailer_of(tx, head)
    window_end = rules.window_end(order.placed_at, order.delivered_at, retailer.policy.window_days, retailer.zone)
    first = rules.last_day(window_end, head.created_at, retailer.zone)
    return rules.renewed_last_day(head.last_day_at, first, at, retailer.zone)


def _schedule_expiry(tx: Tx, return_id: str, expires_at: datetime) -> None:
    # The time is part of the key: a renewed pass gets a job of its own, and the old one finds nothing to do.
    jobs.enqueue(tx, EXPIRE, {"return": return_id}, key=f"{return_id} {rfc3339(expires_at)}", run_at=expires_at)
