"""Sixty-four tills, one unit, over HTTP against the program itself: one takes it in."""

import asyncio
import secrets
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from tests.api.chain import import_points, issue, point, retailer, stamp, tag
from tests.api.test_process import started
from tests.service import OPERATOR_KEY, Client

TILLS = 64
PLACES = 4


class Calls:
    """What the world of these tests is built with, against a process."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.operator = Client(base_url, OPERATOR_KEY)
        self.public = Client(base_url)

    def client(self, token: str) -> Client:
        return Client(self.base_url, token)


def test_of_64_devices_that_hand_in_one_unit_one_is_accepted(database_url: str, tmp_path: Path) -> None:
    with started(tmp_path, database_url) as process:
        calls: Any = Calls(process.base_url)
        places = import_points(calls, "race", *(point(f"race-{n}", 55.6 + n / 100, 12.5) for n in range(PLACES)))
        _, shop = retailer(calls)
        made = issue(shop)
        answers = asyncio.run(_race(process.base_url, places, made))
        assert Counter(one["verdict"] for one in answers) == {"accepted": 1, "already": TILLS - 1}
        (unit,) = shop.get(f"/v1/returns/{made['id']}")["units"]
        assert unit["status"] == "handed_in"
        told = [one["type"] for one in shop.get("/v1/events", limit=200)["items"]]
        assert told.count("parcel.handed_in") == 1
        # Those at other places hold a parcel that is not theirs: each of these has a case, and the first place too.
        (first,) = [one for one in answers if one["verdict"] == "accepted"]
        assert [parcel["units"] for parcel in first["parcels"]] == [[unit["id"]]]
        cases = calls.operator.get("/v1/cases", kind="double_hand_in", limit=50)["items"]
        assert len({one["location"] for one in cases}) == PLACES


async def _race(base_url: str, places: list[str], made: dict[str, Any]) -> list[dict[str, Any]]:
    limits = httpx.Limits(max_connections=TILLS, max_keepalive_connections=TILLS)
    async with httpx.AsyncClient(base_url=base_url, limits=limits, timeout=60, trust_env=False) as client:

        async def post(path: str, body: dict[str, Any], token: str = "") -> Any:
            headers = {"Idempotency-Key": secrets.token_hex(8)}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            answer = await client.post(path, json=body, headers=headers)
            assert answer.is_success, answer.text
            return answer.json()

        async def pair(number: int) -> str:
            path = f"/v1/locations/{places[number % PLACES]}/devices"
            device = await post(path, {"name": f"Till {number}"}, OPERATOR_KEY)
            paired = await post("/v1/devices/pair", {"pairing_code": device["pairing_code"]})
            return str(paired["token"])

        async def take(token: str) -> Any:
            parcel = {"tag": tag(), "units": [unit["id"] for unit in made["units"]]}
            body = {"pass": made["pass"]["url"], "parcels": [parcel], "scanned_at": stamp()}
            return await post("/v1/counter/hand-ins", body, token)

        tokens = await asyncio.gather(*map(pair, range(TILLS)))
        return list(await asyncio.gather(*map(take, tokens)))
