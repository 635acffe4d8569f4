"""What other rooms and the routes call; each name is told where it stands."""

from collections.abc import Sequence
from datetime import datetime

from dropoff.db import Tx
from dropoff.returns import store
from dropoff.returns.finding import OpenPass, find_by_code, find_pass
from dropoff.returns.issuing import (
    NewReturn,
    Renewed,
    cancel_by_pass,
    cancel_return,
    expire,
    expired_returns,
    issue_return,
    keep_safe,
    last_day_if_renewed,
    renew,
)
from dropoff.returns.moves import Move, Next, move_units, reject_units, set_next
from dropoff.returns.orders import NewOrder, OrderView, add_order, show_order
from dropoff.returns.settling import (
    NewCredit,
    NewExchange,
    NewRefund,
    PaymentView,
    record_credit,
    record_exchange,
    record_refund,
)
from dropoff.returns.store import ReturnRow, ThingRow, UnitRow, categories_of, things_to_hand_in
from dropoff.returns.store_visits import Visit
from dropoff.returns.views import (
    Links,
    Money,
    PassView,
    ReturnPage,
    ReturnView,
    UnitView,
    money_view,
    pass_view,
    return_view,
    return_views,
    shopper_locale,
    shopper_postcode,
    unit_view,
)
from dropoff.returns.visits import (
    PASSES_MAX,
    add_to_visit,
    find_visit,
    find_visit_by_code,
    forget_visits,
    pass_within_visit,
    passes_of_visit,
    remove_from_visit,
    start_visit,
)

__all__ = [
    "PASSES_MAX",
    "Links",
    "Money",
    "Move",
    "NewCredit",
    "NewExchange",
    "NewOrder",
    "NewRefund",
    "NewReturn",
    "Next",
    "OpenPass",
    "OrderView",
    "PassView",
    "PaymentView",
    "Renewed",
    "ReturnPage",
    "ReturnRow",
    "ReturnView",
    "ThingRow",
    "UnitRow",
    "UnitView",
    "Visit",
    "add_order",
    "add_to_visit",
    "cancel_by_pass",
    "cancel_return",
    "categories_of",
    "expire",
    "expired_returns",
    "find_by_code",
    "find_pass",
    "find_return",
    "find_visit",
    "find_visit_by_code",
    "forget_visits",
    "issue_return",
    "keep_safe",
    "last_day_if_renewed",
    "list_returns",
    "lock_return",
    "money_view",
    "move_units",
    "open_passes",
    "order_reference",
    "pass_view",
    "pass_within_visit",
    "passes_of_visit",
    "record_credit",
    "record_exchange",
    "record_refund",
    "reject_units",
    "remove_from_visit",
    "renew",
    "return_view",
    "set_next",
    "shopper_locale",
    "shopper_postcode",
    "show_order",
    "start_visit",
    "things_to_hand_in",
    "unit_view",
    "units_by_id",
    "units_of",
]


def lock_return(tx: Tx, return_id: str) -> ReturnRow | None:
    """Until the transaction ends nobody else moves its units or its money. Always before deciding on either."""
    return store.find_return(tx, return_id, lock=True)


def find_return(tx: Tx, return_id: str, retailer_id: str | None = None) -> ReturnRow | None:
    return store.find_return(tx, return_id, retailer_id)


def order_reference(tx: Tx, order_id: str) -> str | None:
    """As the retailer calls the order."""
    found = store.order_by_id(tx, order_id)
    return found.reference if found else None


def open_passes(tx: Tx, live: bool, at: datetime, limit: int) -> list[tuple[str, int, int]]:
    """Id, generation and number of things still expected, of the newest returns whose pass is good."""
    return store.open_passes(tx, live, at, limit)


def units_of(tx: Tx, return_id: str) -> list[UnitRow]:
    return store.units_of(tx, [return_id])


def units_by_id(tx: Tx, unit_ids: Sequence[str], retailer_id: str | None = None) -> list[UnitRow]:
    """Without those of another retailer, when one is named."""
    return store.units_by_id(tx, unit_ids, retailer_id)


def list_returns(
    tx: Tx, links: Links, retailer_id: str, status: str | None, reference: str | None, after: str | None, limit: int
) -> ReturnPage:
    """Newest first."""
    heads = store.list_returns(tx, retailer_id, status, reference, after, limit + 1)
    page = heads[:limit]
    return ReturnPage(return_views(tx, links, page), page[-1].id if len(heads) > limit else None)
