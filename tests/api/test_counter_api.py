"""The counter over HTTP, as a till meets it."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.service import Client, Service

from dropoff.kernel.codes import SHORT_ALPHABET, short_check
from dropoff.network import service as network

NOW = datetime.now(UTC).isoformat()


class Shop:
    """A place with a till, a retailer, and returns to hand in."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.run = secrets.token_hex(4)
        self.location = self.place("one")
        self.till = self.pair(self.location)
        made = service.operator.post(
            "/v1/retailers",
            {
                "name": "Nordlys",
                "slug": f"nordlys-{self.run}",
                "country": "DK",
                "currency": "DKK",
                "locale": "da",
                "return_address": {"name": "L", "street": "Vej 1", "postcode": "2100", "city": "Kbh", "country": "DK"},
                "policy": {"window_days": 30, "refund_at": "receipt", "resolutions": ["refund"]},
            },
        )
        self.retailer = service.client(made["api_key"])

    def place(self, name: str) -> str:
        external = f"{self.run}-{name}"
        lat, lon = 55 + secrets.randbelow(10**6) / 10**6, 8 + secrets.randbelow(10**6) / 10**6
        feature = {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"id": external, "name": f"Kiosk {external}", "kind": "store", "country": "DK"},
        }
        answer = self.service.operator.call(
            "POST",
            f"/v1/location-imports?source=s{external}",
            headers={"Content-Type": "application/geo+json"},
            json={"type": "FeatureCollection", "features": [feature]},
        )
        assert answer.status_code == 200, answer.text
        found = self.service.context.db.read_sync(network.location_by_external_id, f"s{external}", external)
        assert found is not None
        return found.id

    def pair(self, location: str) -> Client:
        device = self.service.operator.post(f"/v1/locations/{location}/devices", {"name": "Till"})
        paired = self.service.public.post("/v1/devices/pair", {"pairing_code": device["pairing_code"]}, 200)
        return self.service.client(paired["token"])

    def give_back(self, quantity: int = 1) -> Any:
        reference = f"SO-{secrets.token_hex(4)}"
        line = {"sku": "J", "title": "Jakke", "variant": "38", "quantity": quantity, "unit_price": 100}
        line["image_url"] = "https://example.org/j.jpg"
        shopper = {"name": "Aase Hansen", "email": "aase@example.org"}
        order = {"reference": reference, "placed_at": NOW, "currency": "DKK", "shopper": shopper, "lines": [line]}
        self.retailer.post("/v1/orders", order)
        units = [{"sku": "J", "quantity": quantity, "resolution": "refund", "comment": "for Aase"}]
        return self.retailer.post("/v1/returns", {"order": reference, "units": units})

    def ask(self, made: Any, **more: Any) -> dict[str, Any]:
        units = [unit["id"] for unit in made["units"]]
        tag = f"T{secrets.token_hex(5).upper()}"
        parcels = [{"tag": tag, "units": units}]
        return {"pass": made["pass"]["url"], "parcels": parcels, "refused": [], "scanned_at": NOW} | more


@pytest.fixture(scope="module")
def shop(service: Service) -> Shop:
    return Shop(service)


def test_a_scanned_pass_shows_what_to_look_for_and_nobody(shop: Shop) -> None:
    made = shop.give_back(2)
    answer = shop.till.call("POST", "/v1/counter/scans", {"text": made["pass"]["url"].lower()})
    seen = answer.json()
    assert (seen["kind"], seen["return"], seen["refused"]) == ("pass", made["id"], None)
    assert [(unit["title"], unit["variant"], unit["custody"]) for unit in seen["units"]] == [
        ("Jakke", "38", "expected")
    ] * 2
    assert seen["units"][0]["image_url"] == "https://example.org/j.jpg"
    assert seen["last_day_at"] < seen["expires_at"]
    assert made["pass"]["code"] not in answer.text
    assert "Aase" not in answer.text


def test_what_each_text_is(shop: Shop) -> None:
    made = shop.give_back()
    bag = shop.till.post("/v1/counter/containers", {"kind": "bag"})
    asked = shop.ask(made, container=bag["sscc"])
    shop.till.post("/v1/counter/hand-ins", asked, 200)
    fresh = f"T{secrets.token_hex(5).upper()}"
    texts = {
        made["pass"]["short_code"]: "pass",
        f"(00){bag['sscc']}": "container",
        asked["parcels"][0]["tag"]: "tag",
        fresh: "tag",
        "1Z999AA10123456784": "foreign",
        "376130321109103420": "foreign",
        "0123456789ABCDEF": "unknown",
        "?": "unknown",
        "": "unknown",
    }
    seen = {text: shop.till.post("/v1/counter/scans", {"text": text}, 200) for text in texts}
    assert {text: one["kind"] for text, one in seen.items()} == texts
    assert all(one["say"] for one in seen.values())
    assert seen[asked["parcels"][0]["tag"]]["parcel"]["status"] == "in_container"
    assert (seen[fresh]["free"], seen[fresh]["parcel"]) == (True, None)
    assert seen["1Z999AA10123456784"]["network"] == "UPS"
    assert seen["376130321109103420"]["network"] == "SSCC"


def test_a_repeated_key_answers_the_stored_hand_in(shop: Shop) -> None:
    asked = shop.ask(shop.give_back())
    first = shop.till.call("POST", "/v1/counter/hand-ins", asked, key="k-1" + shop.run)
    again = shop.till.call("POST", "/v1/counter/hand-ins", asked, key="k-1" + shop.run)
    assert first.json()["verdict"] == "accepted"
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    fresh = shop.till.post("/v1/counter/hand-ins", asked, 200)
    assert (fresh["verdict"], fresh["reason"], fresh["receipt"]) == ("already", None, None)


def test_a_refusal_replays_too(shop: Shop) -> None:
    asked = shop.ask(shop.give_back(), container="nothing")
    answers = [shop.till.call("POST", "/v1/counter/hand-ins", asked, key="k-2" + shop.run) for _ in range(2)]
    assert [answer.json()["reason"] for answer in answers] == ["container_unknown"] * 2
    assert answers[1].headers["idempotency-replayed"] == "true"


def test_a_hand_in_needs_a_key(shop: Shop) -> None:
    answer = shop.till.call("POST", "/v1/counter/hand-ins", shop.ask(shop.give_back()), key=None)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/problems/idempotency-key-missing")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"scanned_at": "2026-03-02T10:00:00"}, "/scanned_at"),
        ({"parcels": []}, "/parcels"),
        ({"parcels": [{"tag": "T1234567890", "units": []}]}, "/parcels/0/units"),
        ({"parcels": [{"tag": "T1234567890", "units": ["u", "u"]}]}, "/parcels/0/units/1"),
        ({"parcels": [{"tag": "T1234567890", "units": ["u"], "weight_g": -1}]}, "/parcels/0/weight_g"),
        ({"refused": [{"unit": "u", "reason": "ugly"}]}, "/refused/0/reason"),
        ({"pass": "a\x00b"}, "/pass"),
        ({"pass": 7}, "/pass"),
    ],
)
def test_a_shape_error_points_to_its_field(shop: Shop, change: dict[str, Any], pointer: str) -> None:
    answer = shop.till.call("POST", "/v1/counter/hand-ins", shop.ask(shop.give_back()) | change)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_the_counter_is_for_tills(shop: Shop) -> None:
    for path, body in (("scans", {"text": "x"}), ("hand-ins", {}), ("containers", {"kind": "bag"})):
        assert shop.service.public.call("POST", f"/v1/counter/{path}", body).status_code == 401
        assert shop.retailer.call("POST", f"/v1/counter/{path}", body).status_code == 403


def test_a_bag_from_open_to_sealed(shop: Shop) -> None:
    bag = shop.till.post("/v1/counter/containers", {"kind": "bag"})
    assert shop.till.post(f"/v1/counter/containers/{bag['id']}/seal", {}, 200)["reason"] == "wrong_container"
    loose = shop.ask(shop.give_back())
    taken = shop.till.post("/v1/counter/hand-ins", loose, 200)
    tag = loose["parcels"][0]["tag"]
    packed = shop.till.post(f"/v1/counter/containers/{bag['id']}/parcels", {"tag": tag}, 200)
    assert (packed["verdict"], packed["container"]["parcel_count"]) == ("accepted", 1)
    sealed = shop.till.post(f"/v1/counter/containers/{bag['id']}/seal", {"seal": "S-1"}, 200)
    assert sealed["verdict"] == "accepted"
    shown = shop.till.get(f"/v1/counter/containers/{bag['id']}")
    assert (shown["status"], shown["seal"], shown["parcels"][0]["tag"]) == ("sealed", "S-1", tag)
    late = shop.till.post(f"/v1/counter/hand-ins/{taken['hand_in']}/undo", {}, 200)
    assert (late["verdict"], late["reason"]) == ("refused", "undo_too_late")
    opened = shop.till.post(f"/v1/counter/containers/{bag['id']}/unseal", {"reason": "wrong parcel"}, 200)
    assert opened["verdict"] == "accepted"
    undone = shop.till.post(f"/v1/counter/hand-ins/{taken['hand_in']}/undo", {}, 200)
    assert undone["verdict"] == "accepted"
    assert shop.till.get(f"/v1/counter/containers/{bag['id']}")["parcel_count"] == 0


def test_another_places_till_reads_nothing_and_is_told_so(shop: Shop) -> None:
    other = shop.pair(shop.place("two"))
    bag = shop.till.post("/v1/counter/containers", {"kind": "bag"})
    assert other.call("GET", f"/v1/counter/containers/{bag['id']}").status_code == 404
    refused = other.post(f"/v1/counter/containers/{bag['id']}/seal", {}, 200)
    assert (refused["verdict"], refused["reason"]) == ("refused", "wrong_location")


def test_a_used_sscc_is_a_problem(shop: Shop) -> None:
    bag = shop.till.post("/v1/counter/containers", {"kind": "bag"})
    other = shop.pair(shop.place("three"))
    answer = other.call("POST", "/v1/counter/containers", {"kind": "bag", "sscc": bag["sscc"]})
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/problems/sscc-used")


def test_guessing_short_codes_is_slowed_down(shop: Shop) -> None:
    guesser = shop.pair(shop.location)
    codes = []
    for _ in range(12):
        signs = "".join(secrets.choice(SHORT_ALPHABET) for _ in range(11))
        codes.append(signs + short_check(signs))
    answers = [guesser.call("POST", "/v1/counter/scans", {"text": code}) for code in codes]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0
    made = shop.give_back()
    typed = shop.ask(made, **{"pass": made["pass"]["short_code"]})
    assert guesser.call("POST", "/v1/counter/hand-ins", typed).status_code == 429
    assert guesser.post("/v1/counter/hand-ins", shop.ask(made), 200)["verdict"] == "accepted", "the pass itself works"
    assert shop.till.call("POST", "/v1/counter/scans", {"text": codes[0]}).status_code == 200, "others are not slowed"


def test_what_a_shop_tells_of_itself_is_known_and_the_public_is_told_less(shop: Shop) -> None:
    """Room, tags and printer, each with its own moment; the state of the till counts down what it can still hold."""
    location, operator, public = shop.place("stock"), shop.service.operator, shop.service.public
    till = shop.pair(location)
    told = till.post("/v1/counter/stock", {"capacity": 2, "printer": "ready"}, 200)
    assert (told["waiting"], told["left"], told["printer"], told["tags"]) == (0, 2, "ready", None)
    assert told["capacity_at"] == told["printer_at"]
    assert till.post("/v1/counter/hand-ins", shop.ask(shop.give_back()), 200)["verdict"] == "accepted"
    place = till.get("/v1/counter/state")["location"]
    assert (place["lying"], place["capacity"], place["left"], place["printer"]) == (1, 2, 1, "ready")
    operator.post(f"/v1/locations/{location}/stock", {"tags": 4}, 200)
    known = operator.get(f"/v1/locations/{location}/load")
    assert (known["waiting"], known["tags"], known["left"]) == (1, 4, 1)
    assert known["hand_in_at"] is not None
    assert till.post("/v1/counter/hand-ins", shop.ask(shop.give_back()), 200)["verdict"] == "accepted"
    seen = public.get(f"/v1/locations/{location}")["evidence"]
    assert (seen["free"], seen["tags"], seen["printer"]) == ("full", "few", "ready")
    told_at, as_of = (datetime.fromisoformat(seen[name]) for name in ("hand_in_at", "as_of"))
    assert as_of - told_at in (timedelta(), timedelta(minutes=10)), "rounded down, and the clock goes on meanwhile"
    assert set(seen) == {"hand_in_at", "driver_at", "free", "tags", "printer", "as_of"}
    rate = {"location": location, "amount": 25, "currency": "EUR", "valid_from": f"{datetime.now(UTC):%Y-%m-%d}"}
    assert operator.call("POST", "/v1/parcel-rates", {**rate, "valid_from": "2020-01-01"}).status_code == 422
    assert operator.call("POST", "/v1/parcel-rates", {**rate, "operator": "Kiosk"}).status_code == 422
    assert till.call("POST", "/v1/parcel-rates", rate).status_code == 403
    made = operator.post("/v1/parcel-rates", rate)
    assert operator.get("/v1/parcel-rates", location=location)["items"] == [made]
    earned = till.get("/v1/counter/earnings")
    assert earned == operator.get(f"/v1/locations/{location}/earnings")
    assert (earned["parcels"], earned["totals"], earned["final"]) == (2, [{"currency": "EUR", "amount": 50}], False)
    paper = operator.call("GET", f"/v1/locations/{location}/earnings.pdf")
    assert (paper.status_code, paper.content[:5]) == (200, b"%PDF-")
    assert till.call("GET", "/v1/counter/earnings.csv?month=2026-13").status_code == 422
    patched = operator.call("PATCH", f"/v1/locations/{location}", {"capacity": 3})
    assert (patched.status_code, patched.json()["capacity"]) == (200, 3)
    assert till.get("/v1/counter/state")["location"]["left"] == 1
    assert operator.call("PATCH", f"/v1/locations/{location}", {"capacity": None}).json()["capacity"] is None
    assert public.get(f"/v1/locations/{location}")["evidence"]["free"] is None
    assert operator.call("PATCH", f"/v1/locations/{location}", {"capacity": -1}).status_code == 422
    assert till.call("POST", "/v1/counter/stock", json={}).status_code == 422
    assert till.call("POST", "/v1/counter/stock", json={"capacity": -1}).status_code == 422
    assert public.call("POST", "/v1/counter/stock", json={"tags": 1}).status_code == 401
    assert till.call("POST", f"/v1/locations/{location}/stock", json={"tags": 1}).status_code == 403
    assert operator.call("GET", "/v1/locations/loc_nowhere/load").status_code == 404
    elsewhere = operator.get(f"/v1/locations/{shop.place('two')}/load")
    assert (elsewhere["waiting"], elsewhere["hand_in_at"]) == (0, None)
