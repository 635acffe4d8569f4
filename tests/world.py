"""A small world for tests, built through the public services: places, a retailer, its orders and returns, tills, bags.

Every function takes the database and what differs; the rest is as in an ordinary week of November 2026.
"""

import itertools
import json
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from dropoff.counter import service as counter
from dropoff.counter.asking import HandIn, ParcelIn, RefusedIn
from dropoff.counter.containers import NewContainer, PackIn, SealIn, open_container, pack_parcel, seal
from dropoff.counter.hand_ins import HandInAnswer, confirm_hand_in
from dropoff.counter.till import Till
from dropoff.counter.views import ContainerView
from dropoff.db import Database
from dropoff.db.vault import Vault
from dropoff.kernel.errors import Problem
from dropoff.network import importing
from dropoff.network import service as network
from dropoff.network.service import NewLane
from dropoff.network.store import Location
from dropoff.retailers import service as retailers
from dropoff.retailers.service import NewRetailer, NewRetailerView
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys
from dropoff.returns.service import Links, NewOrder, NewReturn, Next, ReturnView, UnitView
from dropoff.web.body import decode

T = TypeVar("T")
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""A Monday morning."""
SECRET = "a-secret-for-tests-only-0123456789"
PREFIX = "9521321"
BASE_URL = "http://127.0.0.1:8000"
PASSES = PassKeys(Vault(SECRET))
LINKS = Links(PASSES, BASE_URL)
OPERATOR = "operator:crd_test"
_numbers = itertools.count(1)


def good(value: T | Problem) -> T:
    """The value; a refusal ends the test here, with its reason."""
    assert not isinstance(value, Problem), value
    return value


def make_tag() -> str:
    """Well-formed and never used before in this process."""
    return f"TAG{next(_numbers):05}"


def make_location(db: Database, kind: str = "store", *, live: bool = True, city: str = "Berlin") -> Location:
    name = f"{kind} {next(_numbers)}"
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [13.405, 52.52]},
        "properties": {"id": name, "name": name, "kind": kind, "city": city, "country": "DE", "live": live},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "place.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
        report = good(importing.import_file(db, path, "geojson", "world", replace=False, at=NOW))
    assert not report.rejected, report.rejected
    found = db.read_sync(network.location_by_external_id, "world", name)
    assert found is not None
    return found


def make_device(db: Database, location: Location, *, live: bool | None = None) -> Till:
    """A till or a hub's scanner, as paired."""
    device = good(db.write_sync(network.add_device, location.id, "Till 1", BASE_URL, NOW, OPERATOR, live))
    return Till(location.id, device.id, device.live)


def make_retailer(db: Database, refund_at: str = "inspection", *, live: bool = True) -> NewRetailerView:
    number = next(_numbers)
    new = {
        "name": f"Nordlys {number}",
        "slug": f"nordlys-{number}",
        "country": "DE",
        "currency": "EUR",
        "locale": "de",
        "live": live,
        "return_address": {
            "name": "Nordlys Retouren",
            "street": "Lagerstr. 1",
            "postcode": "10115",
            "city": "Berlin",
            "country": "DE",
        },
        "policy": {"window_days": 30, "refund_at": refund_at, "resolutions": ["refund", "exchange", "store_credit"]},
    }
    return good(db.write_sync(retailers.add_retailer, _read(new, NewRetailer), NOW))


def make_order(db: Database, retailer: NewRetailerView, quantity: int = 2, price: int = 8900) -> str:
    """Its reference. One line of `quantity` jackets."""
    reference = f"SO-{next(_numbers)}"
    new = {
        "reference": reference,
        "placed_at": "2026-11-16T09:30:00Z",
        "delivered_at": "2026-11-19T09:30:00Z",
        "currency": "EUR",
        "shopper": {"name": "Æsa Ødegård", "email": "aesa@example.org"},
        "lines": [{"sku": "JACKET", "title": "Regenjacke", "quantity": quantity, "unit_price": price, "weight_g": 620}],
    }
    good(db.write_sync(returns.add_order, retailer.id, _read(new, NewOrder), NOW))
    return reference


def make_return(db: Database, retailer: NewRetailerView, quantity: int = 2, price: int = 8900) -> ReturnView:
    order = make_order(db, retailer, quantity, price)
    wish = {"order": order, "units": [{"sku": "JACKET", "quantity": quantity, "resolution": "refund"}]}
    actor = f"retailer:{retailer.id}"
    return good(db.write_sync(returns.issue_return, LINKS, retailer.id, _read(wish, NewReturn), NOW, actor))


def make_lane(
    db: Database,
    *,
    origin: Location | None = None,
    retailer: NewRetailerView | None = None,
    hub: Location | None = None,
    at: datetime = NOW - timedelta(days=7),
) -> str:
    """Daily at 17:00 from the origin, else from anywhere; to the retailer or to the hub."""
    new = {
        "origin": {"location": origin.id} if origin else {"any": True},
        "destination": {"retailer": retailer.id} if retailer else {"hub": hub.id if hub else ""},
        "carrier": "courier",
        "service": "standard",
        "days": "Mo-Su",
        "cutoff": "17:00",
        "transit_days": 1,
    }
    return good(db.write_sync(network.add_lane, _read(new, NewLane), at, OPERATOR)).id


def open_bag(db: Database, till: Till, at: datetime = NOW) -> ContainerView:
    return good(db.write_sync(open_container, PREFIX, till, NewContainer(kind="bag"), at))


def hand_in(
    db: Database,
    till: Till,
    made: ReturnView,
    tag: str | None = None,
    *,
    units: Iterable[str] | None = None,
    bag: ContainerView | None = None,
    refused: Iterable[str] = (),
    at: datetime = NOW,
) -> HandInAnswer:
    """One parcel with all units of the return, or with these."""
    taken = tuple(units) if units is not None else tuple(unit.id for unit in made.units)
    data = HandIn(
        pass_text=made.pass_.code,
        parcels=(ParcelIn(tag or make_tag(), taken),),
        refused=tuple(RefusedIn(unit, "not_presented") for unit in refused),
        container=bag.id if bag else None,
        scanned_at=at,
    )
    return db.write_sync(confirm_hand_in, PASSES, BASE_URL, till, data, at)


def taken_in(db: Database, till: Till, made: ReturnView, bag: ContainerView | None = None) -> str:
    """Hands the whole return in and answers its tag."""
    answer = hand_in(db, till, made, bag=bag)
    assert answer.verdict == "accepted", answer
    return answer.parcels[0].tag


def pack(db: Database, till: Till, bag: ContainerView, tag: str, at: datetime = NOW) -> None:
    answer = db.write_sync(pack_parcel, till, bag.id, PackIn(tag), at)
    assert answer.verdict == "accepted", answer


def seal_bag(db: Database, till: Till, bag: ContainerView, at: datetime = NOW) -> None:
    answer = db.write_sync(seal, till, bag.id, SealIn("SEAL-1"), at)
    assert answer.verdict == "accepted", answer


def send_off(db: Database, bag: ContainerView, at: datetime = NOW) -> None:
    """The driver takes it: what a handover does to the container, without a shipment around it."""
    gone = db.write_sync(counter.depart_container, bag.id, at, OPERATOR, "courier", Next("receipt"))
    assert gone, "nothing was in it, or it was not sealed"


def bag_on_its_way(db: Database, till: Till, made: Iterable[ReturnView]) -> tuple[ContainerView, list[str]]:
    """Handed in, bagged, sealed and taken by the driver; the bag and its tags."""
    bag = open_bag(db, till)
    tags = [taken_in(db, till, one, bag) for one in made]
    seal_bag(db, till, bag)
    send_off(db, bag)
    return bag, tags


def return_of(db: Database, made: ReturnView) -> ReturnView:
    """As it stands now."""
    found = db.read_sync(returns.return_view, LINKS, made.id)
    assert found is not None
    return found


def units_of(db: Database, made: ReturnView) -> list[UnitView]:
    return return_of(db, made).units


def _read(new: dict[str, Any], kind: type[T]) -> T:
    """As the API reads it."""
    return decode(json.dumps(new).encode(), kind)
