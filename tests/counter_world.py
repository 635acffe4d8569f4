"""A small world for the counter: places, tills, retailers and returns, all made through the public services."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dropoff.counter import service as counter
from dropoff.counter.service import ContainerAnswer, ContainerView, HandIn, HandInAnswer, Till
from dropoff.counter.undo import UndoAnswer
from dropoff.db import Database
from dropoff.db.vault import Vault
from dropoff.events.tables import event
from dropoff.kernel import tags
from dropoff.kernel.errors import Problem
from dropoff.network import importing
from dropoff.network import service as network
from dropoff.network.service import Destination, NewLane, Origin
from dropoff.retailers import service as retailers
from dropoff.retailers.rules import Policy
from dropoff.retailers.service import NewRetailer, ReturnAddress
from dropoff.returns import service as returns
from dropoff.returns.issuing import WantedUnits
from dropoff.returns.orders import NewLine, NewOrder, Shopper
from dropoff.returns.passes import PassKeys
from dropoff.returns.service import Links, NewReturn, ReturnView

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
PREFIX = "9521321"
BASE_URL = "http://127.0.0.1:8000"


class World:
    def __init__(self, db: Database, folder: Path) -> None:
        self.db = db
        self.folder = folder
        self.passes = PassKeys(Vault("a-secret-for-tests-only-0123456789"))
        self.links = Links(self.passes, BASE_URL)
        self.numbers = itertools.count(1)

    def place(self, *, kind: str = "store", live: bool = True) -> str:
        number = next(self.numbers)
        feature = {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [12.5 + number / 1000, 55.6]},
            "properties": {"id": f"p{number}", "name": f"Place {number}", "kind": kind, "country": "DK", "live": live},
        }
        path = self.folder / f"place{number}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        report = importing.import_file(self.db, path, "geojson", f"s{number}", replace=False, at=NOW)
        assert not isinstance(report, Problem)
        assert report.created == 1, report
        found = self.db.read_sync(network.location_by_external_id, f"s{number}", f"p{number}")
        assert found is not None
        return found.id

    def till(self, location_id: str | None = None, *, live: bool = True) -> Till:
        location_id = location_id or self.place(live=live)
        device = self.db.write_sync(network.add_device, location_id, "Till", BASE_URL, NOW)
        assert not isinstance(device, Problem)
        return Till(location_id, device.id, device.live)

    def retailer(self, refund_at: str = "receipt", *, live: bool = True, country: str = "DK") -> str:
        number = next(self.numbers)
        new = NewRetailer(
            name=f"Retailer {number}",
            slug=f"retailer-{number}",
            country="DK",
            currency="DKK",
            locale="da",
            return_address=ReturnAddress(name="Lager", street="Vej 1", postcode="2100", city="By", country=country),
            policy=Policy(window_days=30, refund_at=refund_at, resolutions=("refund",)),  # type: ignore[arg-type]
            live=live,
        )
        made = self.db.write_sync(retailers.add_retailer, new, NOW)
        assert not isinstance(made, Problem)
        return made.id

    def lane(self, origin: str | None, *, retailer: str | None = None, hub: str | None = None, **more: Any) -> str:
        new = NewLane(
            origin=Origin(location=origin, any=origin is None),
            destination=Destination(retailer=retailer, hub=hub),
            carrier="courier",
            service="standard",
            days="Mo-Su",
            cutoff="17:00",
            **more,
        )
        made = self.db.write_sync(network.add_lane, new, NOW)
        assert not isinstance(made, Problem)
        return made.id

    def give_back(self, retailer_id: str | None = None, *, units: int = 1, at: datetime = NOW) -> ReturnView:
        """A return of so many jackets of 620 g."""
        retailer_id = retailer_id or self.retailer()
        reference = f"SO-{next(self.numbers)}"
        line = NewLine(sku="JACKET", title="Jacket", variant="38", quantity=units, unit_price=100, weight_g=620)
        order = NewOrder(
            reference=reference,
            placed_at=at,
            currency="DKK",
            shopper=Shopper(name="Aase Hansen", email="aase@example.org"),
            lines=(line,),
        )
        assert not isinstance(self.db.write_sync(returns.add_order, retailer_id, order, at), Problem)
        wish = WantedUnits(sku="JACKET", quantity=units, resolution="refund")
        new = NewReturn(order=reference, units=(wish,))
        made = self.db.write_sync(returns.issue_return, self.links, retailer_id, new, at, "retailer:test")
        assert not isinstance(made, Problem)
        return made

    def tag(self) -> str:
        return tags.make_tag(next(self.numbers))

    def ask(self, made: ReturnView, **more: Any) -> HandIn:
        """All units in one parcel with a fresh tag, unless told otherwise."""
        units = tuple(unit.id for unit in made.units)
        known: dict[str, Any] = {
            "pass_text": made.pass_.url,
            "parcels": (counter.ParcelIn(self.tag(), units),),
            "scanned_at": NOW,
        }
        return HandIn(**(known | more))

    def hand_in(self, till: Till, data: HandIn, at: datetime = NOW) -> HandInAnswer:
        assert counter.shape_problem(data) is None
        return self.db.write_sync(counter.confirm_hand_in, self.passes, BASE_URL, till, data, at)

    def undo(self, till: Till, hand_in: str, at: datetime = NOW) -> UndoAnswer | Problem:
        return self.db.write_sync(counter.undo_hand_in, till, hand_in, at)

    def bag(self, till: Till, at: datetime = NOW, **more: Any) -> ContainerView:
        made = self.db.write_sync(counter.open_container, PREFIX, till, counter.NewContainer("bag", **more), at)
        assert not isinstance(made, Problem), made
        return made

    def seal(self, till: Till, container: str, seal: str | None = None, at: datetime = NOW) -> ContainerAnswer:
        return self.db.write_sync(counter.seal, till, container, counter.SealIn(seal), at)

    def unseal(self, till: Till, container: str, at: datetime = NOW) -> ContainerAnswer:
        return self.db.write_sync(counter.unseal, till, container, counter.UnsealIn("a parcel was forgotten"), at)

    def pack(self, till: Till, container: str, tag: str, at: datetime = NOW) -> ContainerAnswer:
        return self.db.write_sync(counter.pack_parcel, till, container, counter.PackIn(tag), at)

    def scan(self, till: Till, text: str, at: datetime = NOW) -> Any:
        return self.db.write_sync(counter.scan, self.passes, till, text, at)

    def custody(self, made: ReturnView) -> list[str]:
        return [unit.custody for unit in self.db.read_sync(returns.units_of, made.id)]

    def return_row(self, made: ReturnView) -> returns.ReturnRow:
        row = self.db.read_sync(returns.find_return, made.id)
        assert row is not None
        return row

    def rows(self, table: Any, **where: Any) -> list[dict[str, Any]]:
        query = table.select()
        for name, value in where.items():
            query = query.where(table.c[name] == value)
        return [dict(row._mapping) for row in self.db.read_sync(lambda tx: tx.read(query))]

    def events(self, type_: str) -> list[dict[str, Any]]:
        return self.rows(event, type=type_)


def days(number: float) -> timedelta:
    return timedelta(days=number)
