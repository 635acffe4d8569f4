"""What is wrong is refused with a pointer to it and writes nothing; at the counter it is answered with a verdict, and
the attempt is kept."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.api.chain import Chain, issue, order, stamp, tag, till, wish
from tests.api.chain import hand_in as take_in
from tests.api.ours import roles
from tests.service import Client, Service, running

from dropoff.counter.tables import counter_attempt, hand_in
from dropoff.db import Tx
from dropoff.db.schema import metadata
from dropoff.returns.tables import returns

LIMIT = 1_000_000


class Hostile(Chain):
    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.faults_before = self.faults()  # the counter is the process's, and other tests break things on purpose

    def faults(self) -> str:
        lines = self.service.public.call("GET", "/metrics").text.splitlines()
        return next(line for line in lines if line.startswith("dropoff_errors_total"))

    def counts(self) -> dict[str, int]:
        return self.service.context.db.read_sync(_counts)

    def clients(self) -> dict[str, Client]:
        return {"operator": self.service.operator, "retailer": self.shop, "device": self.till}


def _counts(tx: Tx) -> dict[str, int]:
    found = {}
    for table in metadata.sorted_tables:
        row = tx.first(sa.select(sa.func.count()).select_from(table))
        found[table.name] = int(row[0]) if row else 0
    return found


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    path = folder / "dropoff.sqlite3"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    with running(f"sqlite:///{path}", folder, worker=False) as service:
        yield Hostile(service)


def problem(response: httpx.Response, status: int, code: str, pointer: str | None = None) -> None:
    assert response.status_code == status, response.text
    document = response.json()
    assert document["type"].endswith(f"/problems/{code}"), document
    if pointer is not None:
        assert [error["pointer"] for error in document["errors"]] == [pointer], document


def send(client: Client, path: str, raw: bytes, content_type: str = "application/json") -> httpx.Response:
    headers = {"Content-Type": content_type, "Idempotency-Key": tag()}
    return client.http.post(path, content=raw, headers=headers)


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The body with one field set, by its pointer."""
    *parents, last = path.strip("/").split("/")
    inner: Any = body
    for step in parents:
        inner = inner[int(step)] if step.isdigit() else inner[step]
    inner[int(last) if last.isdigit() else last] = value
    return body


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        pytest.param("/placed_at", "2026-11-01T10:00:00", id="naive time"),
        pytest.param("/placed_at", "yesterday", id="no time"),
        pytest.param("/currency", "kroner", id="no currency"),
        pytest.param("/lines/0/quantity", 0, id="nothing ordered"),
        pytest.param("/lines/0/quantity", -1, id="less than nothing"),
        pytest.param("/lines/0/quantity", 1.5, id="half a thing"),
        pytest.param("/lines/0/quantity", 10**30, id="huge quantity"),
        pytest.param("/lines/1/unit_price", 10**18, id="huge price"),
        pytest.param("/lines/1/unit_price", "99", id="price as text"),
        pytest.param("/lines/0/title", "a\0b", id="NUL"),
        pytest.param("/lines/0/title", "", id="no title"),
        pytest.param("/lines/0/sku", None, id="null"),
        pytest.param("/shopper/name", "x" * 100_000, id="endless name"),
        pytest.param("/lines", [], id="no lines"),
        pytest.param("/lines", {}, id="object for a list"),
        pytest.param("/reference", "", id="no reference"),
        pytest.param("/reference", "SO-1\n", id="reference with a line's end"),
        pytest.param("/shopper/email", "a@example.org\n", id="e-mail with a line's end"),
    ],
)
def test_an_order_is_refused_with_a_pointer_and_not_written(world: Hostile, pointer: str, value: Any) -> None:
    before = world.counts()
    problem(world.shop.call("POST", "/v1/orders", changed(order(), pointer, value)), 422, "invalid-request", pointer)
    assert world.counts() == before


def test_a_foreign_currency_is_refused(world: Hostile) -> None:
    before = world.counts()
    problem(world.shop.call("POST", "/v1/orders", order(currency="EUR"), key=None), 422, "currency-mismatch")
    assert world.counts() == before


@pytest.mark.parametrize(
    ("units", "status", "code"),
    [
        pytest.param([{"sku": "NEVER-ORDERED", "resolution": "refund"}], 422, "invalid-request", id="unknown SKU"),
        pytest.param(
            [{"sku": "JACKET", "quantity": 3, "resolution": "refund"}], 422, "invalid-request", id="more than ordered"
        ),
        pytest.param([{"sku": "JACKET", "quantity": 10**20, "resolution": "refund"}], 422, "invalid-request", id="x"),
        pytest.param([{"sku": "JACKET", "resolution": "a pony"}], 422, "invalid-request", id="unknown resolution"),
        pytest.param(
            [{"sku": "JACKET", "reason": "bored", "resolution": "refund"}], 422, "invalid-request", id="reason"
        ),
        pytest.param([], 422, "invalid-request", id="nothing"),
    ],
)
def test_a_return_is_refused_with_a_pointer_and_not_written(
    world: Hostile, units: list[Any], status: int, code: str
) -> None:
    made = world.shop.post("/v1/orders", order())
    before = world.counts()
    answer = world.shop.call("POST", "/v1/returns", {"order": made["reference"], "units": units}, key=None)
    problem(answer, status, code)
    assert answer.json()["errors"][0]["pointer"].startswith("/units")
    assert world.counts() == before


HOSTILE = {
    "deep nesting": (b'{"order": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 422),
    "deep nesting of objects": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 422),
    "a lone surrogate": (b'{"order": "\\ud800", "reference": "\\udfff", "text": "\\ud800", "name": "\\ud800"}', 422),
    # Fields that a route does not know are left out unread, so what is wrong stands in the optional ones as well.
    "bytes that are no UTF-8": (
        b'{"order": "\xff", "text": "\xff", "note": "\xff", "seal": "\xff",'
        b' "as_of": "\xff", "reason": "\xff", "form": "\xff"}',
        422,
    ),
    "a huge number": (
        b'{"seal": 1e999, "note": 1e999, "as_of": 1e999, "reason": 1e999, "form": 1e999, "quantity": '
        + b"9" * 5_000
        + b"}",
        422,
    ),
    "not a number": (b'{"amount": NaN}', 422),
    "half a document": (b'{"order": "SO', 422),
    "nothing": (b"", 422),
    "a list": (b"[]", 422),
    "null": (b"null", 422),
    "ten megabytes": (b'{"order": "' + b"x" * 10_000_000 + b'"}', 413),
    "one byte too many": (b" " * LIMIT + b"x", 413),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_bytes_are_refused_by_every_route_and_write_nothing(world: Hostile, name: str) -> None:
    raw, status = HOSTILE[name]
    before = world.counts()
    tried = 0
    for path, role in json_routes(world):
        answer = send(world.clients()[role] if role else world.service.public, path, raw)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:200]}"
        assert answer.headers["content-type"].startswith("application/problem+json")
        tried += 1
    assert tried > 15
    assert world.counts() == before


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_refused_by_every_route(world: Hostile, kind: str) -> None:
    before = world.counts()
    for path, role in json_routes(world):
        answer = send(world.clients()[role] if role else world.service.public, path, b"{}", kind)
        problem(answer, 415, "unsupported-media-type")
    assert world.counts() == before


def json_routes(world: Hostile) -> list[tuple[str, str]]:
    """Every POST that takes a JSON body, with the role it takes it from. Ids in the path are of nothing."""
    allowed = roles()
    found = []
    for path, methods in world.service.public.get("/schema")["paths"].items():
        body = methods.get("post", {}).get("requestBody", {})
        if "application/json" in body.get("content", {}) and body.get("required"):
            role = (allowed[("POST", path)] or [""])[0]
            found.append((path.replace("{", "").replace("}", ""), role))
    return found


@pytest.mark.parametrize(
    "query",
    [
        "near=200,13",
        "near=NaN,1",
        "near=1e400,1",
        "near=55.6",
        "near=55.6,12.5&limit=0",
        "near=55.6,12.5&limit=99999999999999999999",
        "near=55.6,12.5&radius_m=-1",
        "near=55.6,12.5&open_at=yesterday",
        "near=55.6,12.5&open_at=2026-11-01T10:00:00",
        "near=55.6,12.5&kind=palace",
        "q=%00",
        "q=%ff",
        "near=55.6,12.5&country=DENMARK",
    ],
)
def test_a_search_that_makes_no_sense_names_its_parameter(world: Hostile, query: str) -> None:
    answer = world.service.public.call("GET", f"/v1/locations?{query}")
    problem(answer, 422, "invalid-request")
    assert answer.json()["errors"][0]["pointer"].startswith("?")


def attempt(world: Hostile, body: dict[str, Any], client: Client | None = None) -> dict[str, Any]:
    """A hand-in that is refused: 200, a reason, one row that says so, and no other row but the stored answer's."""
    before = world.counts()
    verdict: dict[str, Any] = (client or world.till).post("/v1/counter/hand-ins", body, 200)
    assert verdict["verdict"] == "refused", verdict
    after = world.counts()
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert grown == {"hand_in": 1, "idempotency": 1}
    last = world.service.context.db.read_sync(
        lambda tx: tx.first(sa.select(hand_in.c.verdict, hand_in.c.reason).order_by(hand_in.c.id.desc()))
    )
    assert tuple(last or ()) == ("refused", verdict["reason"])
    return verdict


def asking(made: dict[str, Any], **more: Any) -> dict[str, Any]:
    parcels = [{"tag": tag(), "units": [unit["id"] for unit in made["units"]]}]
    return {"pass": made["pass"]["url"], "parcels": parcels, "refused": [], "scanned_at": stamp(), **more}


@pytest.mark.parametrize(
    "text", ["0000000000000000", "https://example.org/p/NOTHING", "hello", "", " ", "😀", "\\", "%00"]
)
def test_an_unknown_pass_is_a_verdict(world: Hostile, text: str) -> None:
    made = issue(world.shop, "SOCKS")
    assert attempt(world, asking(made) | {"pass": text})["reason"] == "pass_unknown"


def test_a_cancelled_pass_is_a_verdict(world: Hostile) -> None:
    made = issue(world.shop)
    world.shop.post(f"/v1/returns/{made['id']}/cancel", status=200)
    assert attempt(world, asking(made))["reason"] == "pass_cancelled"


def test_an_expired_pass_is_a_verdict(world: Hostile) -> None:
    made = issue(world.shop)
    past = datetime.now(UTC) - timedelta(days=5)
    world.service.context.db.write_sync(
        lambda tx: tx.change(
            sa.update(returns).where(returns.c.id == made["id"]).values(last_day_at=past, expires_at=past)
        )
    )
    assert attempt(world, asking(made))["reason"] == "pass_expired"


def test_a_used_tag_is_a_verdict(world: Hostile) -> None:
    used = take_in(world.till, issue(world.shop))["tag"]
    made = issue(world.shop)
    body = asking(made)
    body["parcels"][0]["tag"] = used.lower()
    assert attempt(world, body)["reason"] == "tag_used"


@pytest.mark.parametrize("text", ["", "AB", "X" * 21, "TAG WITH BLANKS", "ÆØÅÆØÅÆ", "1Z999AA10123456784"])
def test_what_is_no_tag_is_a_verdict(world: Hostile, text: str) -> None:
    body = asking(issue(world.shop, "SOCKS"))
    body["parcels"][0]["tag"] = text
    assert attempt(world, body)["reason"] in ("tag_malformed",)


def test_a_container_that_does_not_fit_is_a_verdict(world: Hostile) -> None:
    made = issue(world.shop)
    for container, reason in (
        ("ctr_01M80GSQTXFW8R10GCX0R2BAG6", "container_unknown"),
        ("not a bag", "container_unknown"),
        (world.bag["id"], "container_not_open"),
    ):
        assert attempt(world, asking(made, container=container))["reason"] == reason


def test_a_till_of_another_place_is_told_so(world: Hostile) -> None:
    _, elsewhere = till(world.service, world.places[1])
    open_bag = world.till.post("/v1/counter/containers", {"kind": "bag"})
    made = issue(world.shop)
    assert attempt(world, asking(made, container=open_bag["sscc"]), elsewhere)["reason"] == "wrong_location"
    before = world.counts()
    for path, body in (("seal", {}), ("unseal", {"reason": "x"}), ("parcels", {"tag": world.verdict["tag"]})):
        verdict = elsewhere.post(f"/v1/counter/containers/{open_bag['id']}/{path}", body, 200)
        assert (verdict["verdict"], verdict["reason"]) == ("refused", "wrong_location")
    grown = world.counts()["counter_attempt"] - before["counter_attempt"]
    assert grown == 3
    kept = world.service.context.db.read_sync(
        lambda tx: tx.read(sa.select(counter_attempt.c.reason).order_by(counter_attempt.c.id.desc()).limit(3))
    )
    assert {row[0] for row in kept} == {"wrong_location"}


def test_a_unit_of_another_return_is_a_verdict(world: Hostile) -> None:
    made, other = issue(world.shop), issue(world.shop)
    body = asking(made)
    body["parcels"][0]["units"] = [other["units"][0]["id"]]
    assert attempt(world, body)["reason"] == "unit_unknown"


def test_after_all_of_it_the_service_still_works(world: Hostile) -> None:
    made = world.shop.post("/v1/orders", order())
    assert world.shop.post("/v1/returns", wish(made["reference"], "SOCKS"))["status"] == "issued"
    assert world.faults() == world.faults_before, "something above was a fault of ours"
