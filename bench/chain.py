"""Issuing a return and confirming a hand-in over HTTP, durable, beside one raw-driver transaction per request."""

import asyncio
import contextlib
import gzip
import pickle
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import sqlalchemy as sa

from bench import load
from bench.floor import Plan
from bench.recording import Known, Statement, recorded
from bench.servers import Server, serving
from dropoff import settings as settings_room
from dropoff.app import create_app, create_context
from dropoff.db import Database
from dropoff.plugins import load_plugins
from dropoff.settings import Settings

SECRET = "a-secret-for-benchmarks-only-0123456789"
OPERATOR_KEY = "an-operator-key-for-benchmarks"
CITIES = ((55.6761, 12.5683), (59.3293, 18.0686), (59.9139, 10.7522), (52.52, 13.405), (53.5511, 9.9937))


class World(msgspec.Struct, kw_only=True):
    """A prepared database: who is who, and what the floor needs to know of it."""

    url: str
    floor_url: str
    folder: Path
    shop_key: str
    till_token: str
    orders: list[dict[str, Any]] = []
    plan: Plan | None = None


def environment(url: str, folder: Path) -> dict[str, str]:
    return {
        "DROPOFF_DATABASE_URL": url,
        "DROPOFF_DATA": str(folder),
        "DROPOFF_SECRET": SECRET,
        "DROPOFF_OPERATOR_KEY": OPERATOR_KEY,
    }


def _points(count: int) -> bytes:
    """Fictional places around real cities, as GeoJSON. The same in every run."""
    features = []
    for number in range(count):
        lat, lon = CITIES[number % len(CITIES)]
        ring, turn = divmod(number // len(CITIES), 97)
        lat += 0.004 * (ring + 1) * ((turn * 37 % 97) / 48.5 - 1)
        lon += 0.007 * (ring + 1) * ((turn * 61 % 97) / 48.5 - 1)
        country = ("DK", "SE", "NO", "DE", "DE")[number % len(CITIES)]
        place = {
            "id": f"p{number}",
            "name": f"Place {number}",
            "kind": "store",
            "country": country,
            "postcode": f"{1000 + number % 9000}",
            "city": "Somewhere",
            "street": f"Street {number}",
            "opening_hours": f"Mo-Sa {6 + number % 4:02}:00-{18 + number % 5}:00",
        }
        point = {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]}
        features.append({"type": "Feature", "geometry": point, "properties": place})
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _call(client: httpx.Client, method: str, path: str, token: str, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = client.request(method, path, headers=headers | more.pop("headers", {}), **more)
    response.raise_for_status()
    return response.json()


def prepare(kind: str, url: str, floor_url: str, folder: Path, *, orders: int, points: int) -> World:
    """Fills the database through the API: places, a shop, a till, and one order for each return to come."""
    folder.mkdir(parents=True, exist_ok=True)
    with serving(
        ["dropoff.cli", "serve", "--no-worker"], environment(url, folder), "/health/ready", _log(folder)
    ) as our:
        with httpx.Client(base_url=f"http://127.0.0.1:{our.port}", trust_env=False, timeout=120) as client:
            geo = {"Content-Type": "application/geo+json"}
            path = "/v1/location-imports?source=bench"
            report = _call(client, "POST", path, OPERATOR_KEY, content=_points(points), headers=geo)
            assert report["created"] == points, report["rejected"][:3]
            shop = _call(client, "POST", "/v1/retailers", OPERATOR_KEY, json=_shop())
            place = _first_place(client)
            device = _call(client, "POST", f"/v1/locations/{place}/devices", OPERATOR_KEY, json={"name": "Till"})
            pairing = {"pairing_code": device["pairing_code"]}
            till = _call(client, "POST", "/v1/devices/pair", "", json=pairing)
        world = World(url=url, floor_url=floor_url, folder=folder, shop_key=shop["api_key"], till_token=till["token"])
        placed = (datetime.now(UTC) - timedelta(days=3)).isoformat()
        sent = [load.request("POST", "/v1/orders", world.shop_key, _order(n, placed)) for n in range(orders)]
        world.orders = [msgspec.json.decode(body) for body in load.run(our.port, sent, 32).bodies]
    return world


def _first_place(client: httpx.Client) -> str:
    for _ in range(200):
        items = _call(client, "GET", "/v1/locations?near=55.6761,12.5683&limit=1", "")["items"]
        if items:
            return str(items[0]["id"])
    raise RuntimeError("the imported places do not come up in the search")


def _shop() -> dict[str, Any]:
    address = {"name": "Warehouse", "street": "Street 1", "postcode": "2650", "city": "Hvidovre", "country": "DK"}
    policy = {"window_days": 30, "refund_at": "hand_in", "resolutions": ["refund"]}
    return {
        "name": "Bench",
        "slug": "bench",
        "country": "DK",
        "currency": "DKK",
        "locale": "da",
        "return_address": address,
        "policy": policy,
    }


def _order(number: int, placed_at: str) -> bytes:
    lines = [{"sku": sku, "title": f"Thing {sku}", "quantity": 1, "unit_price": 19900} for sku in ("A", "B")]
    shopper = {"name": "Someone", "email": "someone@example.org"}
    return msgspec.json.encode(
        {"reference": f"SO-{number:07}", "placed_at": placed_at, "currency": "DKK", "shopper": shopper, "lines": lines}
    )


def issue_body(number: int) -> bytes:
    wish = [{"sku": sku, "reason": "too_small", "resolution": "refund"} for sku in ("A", "B")]
    return msgspec.json.encode({"order": f"SO-{number:07}", "units": wish})


def confirm_body(number: int, made: dict[str, Any], at: str) -> bytes:
    parcel = {"tag": tag(number), "units": [unit["id"] for unit in made["units"]]}
    return msgspec.json.encode({"pass": made["pass"]["url"], "parcels": [parcel], "refused": [], "scanned_at": at})


def tag(number: int) -> str:
    return f"BENCH{number:09}"


def record(world: World) -> Plan:
    """Makes return 0 and its hand-in inside this process and notes what was sent to the database."""
    settings = settings_room.load(environment(world.url, world.folder))
    issue, confirm, answers = asyncio.run(_record(settings, world))
    known: list[Known] = [_known(world.orders[0], order, number) for number, order in enumerate(world.orders)]
    return Plan(
        database_url=world.floor_url,
        nearby=b"",
        qr=b"",
        issue=issue,
        confirm=confirm,
        issue_answer=answers[0],
        confirm_answer=answers[1],
        texts=(world.orders[0]["reference"], tag(0)),
        known=known,
    )


async def _record(settings: Settings, world: World) -> tuple[list[Statement], list[Statement], list[bytes]]:
    context = create_context(settings, load_plugins({}))
    try:
        transport = httpx.ASGITransport(create_app(context, worker=False))
        async with httpx.AsyncClient(transport=transport, base_url=settings.base_url) as client:
            shop, till = ({"Authorization": f"Bearer {key}"} for key in (world.shop_key, world.till_token))
            json = {"Content-Type": "application/json", "Idempotency-Key": "recorded"}
            # Asked once before, so that looking up who calls is not among what is recorded: the service remembers it.
            await client.get("/v1/returns", headers=shop)
            await client.post("/v1/counter/scans", headers=till | json, content=b'{"text": "1Z999AA10123456784"}')
            with recorded(context.db) as issue:
                made = await client.post("/v1/returns", headers=shop | json, content=issue_body(0))
            body = confirm_body(0, made.raise_for_status().json(), datetime.now(UTC).isoformat())
            with recorded(context.db) as confirm:
                taken = await client.post("/v1/counter/hand-ins", headers=till | json, content=body)
            assert taken.raise_for_status().json()["verdict"] == "accepted", taken.text
        return issue, confirm, [made.content, taken.content]
    finally:
        context.db.close()


def _known(first: dict[str, Any], order: dict[str, Any], number: int) -> Known:
    """The world's own ids stay as they are; the order's are known; all else the floor makes afresh."""
    pairs = {first["reference"]: order["reference"], first["id"]: order["id"], tag(0): tag(number)}
    return pairs | {a["id"]: b["id"] for a, b in zip(first["lines"], order["lines"], strict=True)}


def keep(plan: Plan, world: World) -> None:
    """Ids that every request shares (shop, place, till, keys) are known as themselves."""
    with contextlib.closing(Database(world.url, listen=False)) as db:
        tables = ("retailer", "location", "device", "credential")
        same = [row[0] for name in tables for row in db.read_sync(_ids, name)]
    shared = {value for statements in (plan.issue, plan.confirm) for value in _texts(statements)}
    kept = {value: value for value in same if any(value in text for text in shared)}
    for known in plan.known:
        known.update(kept)


def _texts(statements: list[Statement]) -> set[str]:
    return {value for _, values in statements for value in values if isinstance(value, str)}


def _ids(tx: Any, table: str) -> list[Any]:
    return list(tx.read(sa.text(f'SELECT id FROM "{table}" LIMIT 20000')))


def handed_in(url: str) -> int:
    """How many units are in somebody's hands: what both sides must have written."""
    with contextlib.closing(Database(url, listen=False)) as db:
        row = db.read_sync(lambda tx: tx.first(sa.text("SELECT count(*) FROM unit WHERE custody = 'handed_in'")))
    assert row is not None
    return int(row[0])


@contextlib.contextmanager
def both(world: World, plan: Plan) -> Iterator[tuple[Server, Server]]:
    path = world.folder / "plan.gz"
    path.write_bytes(gzip.compress(pickle.dumps(plan), 1))
    env = environment(world.url, world.folder)
    with (
        serving(["dropoff.cli", "serve", "--no-worker"], env, "/health/ready", _log(world.folder)) as ours,
        serving(["bench.floor", "--plan", str(path)], {}, "/ready", world.folder / "floor.log") as floor,
    ):
        yield ours, floor


def _log(folder: Path) -> Path:
    return folder / "servers.log"


def copy_sqlite(source: Path, target: Path) -> None:
    """After its server has ended: the write-ahead log is folded in by then."""
    for ending in ("", "-wal", "-shm"):
        if (part := source.with_name(source.name + ending)).exists():
            shutil.copy(part, target.with_name(target.name + ending))
