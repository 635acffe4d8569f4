"""A clearly fictional network to try everything with: points around real cities, one retailer, orders, a till, lanes.

Filling it in again changes nothing but the pairing link, which is fresh at every start. Keys derive from
`DROPOFF_SECRET`, so every start prints the same ones.
"""

import base64
import json
import random
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from dropoff.access import service as access
from dropoff.app import Context
from dropoff.db import Tx
from dropoff.db.vault import token_hash
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.kernel.tags import make_tag
from dropoff.network import importing
from dropoff.network import service as network
from dropoff.retailers import service as retailers
from dropoff.retailers.rules import Policy
from dropoff.returns import service as returns

SOURCE = "demo"
CITIES = (
    ("DK", "København", "1050", 55.6761, 12.5683),
    ("DK", "Aarhus", "8000", 56.1629, 10.2039),
    ("DK", "Odense", "5000", 55.4038, 10.4024),
    ("DK", "Aalborg", "9000", 57.0488, 9.9217),
    ("NO", "Oslo", "0150", 59.9139, 10.7522),
    ("NO", "Bergen", "5003", 60.3913, 5.3221),
    ("NO", "Trondheim", "7011", 63.4305, 10.3951),
    ("NO", "Stavanger", "4006", 58.9700, 5.7331),
    ("SE", "Stockholm", "11120", 59.3293, 18.0686),
    ("SE", "Göteborg", "41103", 57.7089, 11.9746),
    ("SE", "Malmö", "21119", 55.6050, 13.0038),
    ("SE", "Uppsala", "75310", 59.8586, 17.6389),
)
POINTS_PER_CITY = 10
SHOPS = ("Kiosk", "Bokhandel", "Blomster", "Sykkel", "Bageri")
FIGURES = ("Havfruen", "Nordlys", "Trollet", "Elgen", "Bølgen", "Granen", "Fyret", "Ravnen", "Lunden", "Stjernen")
HOURS = ("Mo-Fr 07:00-22:00; Sa-Su 09:00-21:00", "Mo-Fr 10:00-18:00; Sa 10:00-16:00", "Mo-Sa 08:00-20:00; PH off")
OTHER_CARRIERS = ((), ("nordpost_demo",), ("nordpost_demo", "swift_demo"))
NOTES = (
    "Inside the station, by track 1",
    "Through the courtyard, second door on the left",
    "At the till of the bakery",
)
TILL_AT = "dk-københavn-00"
ORDERS = (
    (("JACKET-38", "Rain jacket", "38", 2, 89900, 620), ("SOCKS", "Wool socks", None, 1, 12900, 90)),
    (("BOOTS-42", "Winter boots", "42", 1, 129900, 1800),),
    (("SHIRT-M", "Linen shirt", "M", 3, 39900, 250),),
)
LINE_FIELDS = ("sku", "title", "variant", "quantity", "unit_price", "weight_g")
SHOPPER = {
    "name": "Demo Shopper",
    "email": "shopper@example.org",
    "locale": "da",
    "postcode": "1050",
    "country": "DK",
}
FIRST_RETURN = [
    {"sku": "JACKET-38", "quantity": 2, "reason": "too_small", "resolution": "refund"},
    {"sku": "SOCKS", "reason": "changed_mind", "resolution": "refund"},
]


def fill(context: Context, say: Callable[[str], None]) -> None:
    """Prints its progress, then what to open and the keys to use."""
    moment = now()
    say(f"Filling in the demo network: {len(CITIES) * POINTS_PER_CITY} fictional points ...")
    _import_points(context, moment)
    say("Adding a retailer, its orders, and lanes ...")
    retailer_key = _key(context, "live")
    retailer_id = context.db.write_sync(_retailer, retailer_key, moment)
    till_location = context.db.read_sync(network.location_by_external_id, SOURCE, TILL_AT)
    assert till_location is not None, "the demo file holds the till's location"
    context.db.write_sync(_lanes, retailer_id, moment)
    links = returns.Links(context.passes, context.settings.base_url)
    references = [context.db.write_sync(_order, retailer_id, number, moment) for number in range(len(ORDERS))]
    pass_url = context.db.write_sync(_first_return, links, retailer_id, references[0], moment)
    device = context.db.write_sync(network.add_device, till_location.id, "Demo till", context.settings.base_url, moment)
    assert not isinstance(device, Problem)
    base = context.settings.base_url
    say(
        f"""
The demo network is ready. Everything in it is fictional, and its
labels carry GS1's example prefix.

  Shopper's pass       {pass_url}
  Clerk's till         {device.pairing_url}
                       (pairs this browser with {till_location.name}, {till_location.city}; good for one use)
  Operator or retailer {base}/login
  API description      {base}/schema

  Operator key         {context.settings.operator_key}
  Retailer key         {retailer_key}
  Orders to return     {", ".join(references[1:])}
  Tags for the till    {" ".join(_fresh_tags(moment))}

Stop with Ctrl+C. `dropoff serve` starts without the demo.
"""
    )


def _fresh_tags(moment: datetime) -> list[str]:
    """A tag is used once for good, so each start names others."""
    first = int(moment.timestamp()) % 10**9
    return [make_tag((first + number) % 10**9) for number in range(3)]


def _key(context: Context, prefix: str) -> str:
    digest = context.vault.derive("demo key", prefix)[:20]
    return f"{prefix}_{base64.b32encode(digest).decode().lower()}"


def points() -> list[dict[str, Any]]:
    """GeoJSON features; the same at every start."""
    chance = random.Random(20260101)  # noqa: S311 - a fixed scatter, no secret
    features = []
    for country, city, postcode, lat, lon in CITIES:
        for number in range(POINTS_PER_CITY):
            locker = number % 5 == 4
            hub = number == POINTS_PER_CITY - 1 and city in ("København", "Oslo", "Stockholm")
            name = f"{FIGURES[number]} {'Parcel lockers' if locker else chance.choice(SHOPS)} (demo)"
            kind = "hub" if hub else "locker" if locker else "store"
            external_id = f"{country}-{city}-{number:02}".lower()
            features.append(
                {
                    "type": "Feature",
                    "id": external_id,
                    "geometry": {
                        "type": "Point",
                        "coordinates": [
                            round(lon + chance.uniform(-0.05, 0.05), 5),
                            round(lat + chance.uniform(-0.025, 0.025), 5),
                        ],
                    },
                    "properties": {
                        "id": external_id,
                        "name": f"Demo hub {city}" if hub else name,
                        "kind": kind,
                        "operator": "Demo network (fictional)",
                        "street": f"Eksempelgade {number + 1}",
                        "postcode": postcode,
                        "city": city,
                        "country": country,
                        "opening_hours": "24/7" if locker else HOURS[number % len(HOURS)],
                        **({} if hub else _facts(number, locker)),
                    },
                }
            )
    return features


def _facts(number: int, locker: bool) -> dict[str, Any]:
    """As in real networks: the lockers say much, some shops little, and a few nothing."""
    if locker:
        limits = {"max_weight_g": 20_000, "max_size_mm": [600, 400, 400], "refuses": ["batteries", "liquids"]}
        return limits | {"accepts": ["sealed"], "carriers": ["courier"], "step_free": True, "has_printer": False}
    shop: dict[str, Any] = {"accepts": ["box_free", "sealed"], "carriers": ["courier", *OTHER_CARRIERS[number % 3]]}
    if number % 4 != 3:
        shop |= {
            "step_free": number % 2 == 0,
            "has_printer": number % 3 == 0,
            "max_weight_g": (10_000, 25_000)[number % 2],
        }
    if number % 3 == 1:
        shop["refuses"] = ["batteries", "furniture"]
    return shop | {"access_note": NOTES[number % len(NOTES)]} if number % 2 else shop


def _import_points(context: Context, moment: datetime) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": points()}), encoding="utf-8")
        report = importing.import_file(context.db, path, "geojson", SOURCE, replace=True, at=moment)
    assert not isinstance(report, Problem), report


def _retailer(tx: Tx, api_key: str, moment: datetime) -> str:
    known = access.find_by_token(tx, token_hash(api_key))
    if known is not None and known.retailer_id is not None:
        return known.retailer_id
    new = retailers.NewRetailer(
        name="Nordlys Outdoor (demo)",
        slug="nordlys-demo",
        country="DK",
        currency="DKK",
        locale="da",
        return_address=retailers.ReturnAddress(
            name="Nordlys Outdoor (demo)", street="Lagervej 1", postcode="2605", city="Brøndby", country="DK"
        ),
        policy=Policy(window_days=30, refund_at="receipt", resolutions=("refund", "exchange", "store_credit")),
    )
    made = retailers.add_retailer(tx, new, moment, api_key)
    assert not isinstance(made, Problem), made
    return made.id


def _lanes(tx: Tx, retailer_id: str, moment: datetime) -> None:
    if network.lanes_to(tx, retailer_id):
        return
    lane = network.NewLane(
        origin=network.Origin(any=True),
        destination=network.Destination(retailer=retailer_id),
        carrier="courier",
        service="standard",
        days="Mo-Fr",
        cutoff="17:00",
        max_weight_g=20_000,
        transit_days=1,
    )
    made = network.add_lane(tx, lane, moment)
    assert not isinstance(made, Problem), made


def _order(tx: Tx, retailer_id: str, number: int, moment: datetime) -> str:
    """A fresh set of orders each week, since a return window closes."""
    year, week, _ = moment.isocalendar()
    placed = datetime.fromisocalendar(year, week, 1).replace(tzinfo=moment.tzinfo) - timedelta(days=6)
    order = msgspec.convert(
        {
            "reference": f"DEMO-{year}{week:02}-{number + 1}",
            "placed_at": placed,
            "delivered_at": placed + timedelta(days=2),
            "currency": "DKK",
            "shopper": SHOPPER,
            "lines": [dict(zip(LINE_FIELDS, line, strict=True)) for line in ORDERS[number]],
        },
        returns.NewOrder,
    )
    made = returns.add_order(tx, retailer_id, order, moment)
    assert not isinstance(made, Problem), made
    return order.reference


def _first_return(tx: Tx, links: returns.Links, retailer_id: str, reference: str, moment: datetime) -> str:
    wish = msgspec.convert({"order": reference, "units": FIRST_RETURN}, returns.NewReturn)
    made = returns.issue_return(tx, links, retailer_id, wish, moment, f"retailer:{retailer_id}")
    if not isinstance(made, Problem):
        return f"{links.base_url}/p/{made.pass_.code}"
    kept = returns.list_returns(tx, links, retailer_id, None, reference, None, 1)
    return f"{links.base_url}/p/{kept.items[0].pass_.code}"
