"""The visit code over HTTP: gathered by passes alone, shown at a till, told to nobody else."""

import re
from typing import Any

import httpx
import pytest
from tests.api.chain import Chain, hand_in, issue, retailer
from tests.service import Service

from dropoff.access.tables import guess as guesses
from dropoff.kernel import codes


@pytest.fixture(scope="module")
def chain(service: Service) -> Chain:
    return Chain(service)


class Phone:
    """A browser of its own, with the cookies it was given."""

    def __init__(self, service: Service) -> None:
        self.http = httpx.Client(
            headers={"Accept-Language": "en"},
            base_url=service.base_url,
            trust_env=False,
            follow_redirects=True,
            timeout=30,
        )

    def post(self, path: str, **fields: str) -> httpx.Response:
        return self.http.post(path, data=fields)

    def gather(self, *made: dict[str, Any]) -> str:
        """Opens each pass and brings it along; the code of the visit."""
        for one in made:
            answer = self.post("/visit", **{"pass": one["pass"]["url"]})
            assert answer.status_code == 200, answer.text[:300]
        return str(answer.url).rpartition("/v/")[2].partition("?")[0]


def test_a_phone_gathers_what_it_opens_and_the_till_sees_it_all(service: Service, chain: Chain) -> None:
    _, other_shop = retailer(service)
    made = [issue(chain.shop, "JACKET", "SOCKS"), issue(other_shop, "SOCKS")]
    phone = Phone(service)
    code = phone.gather(*made)
    page = phone.http.get(f"/V/{code.lower()}").text
    assert "3 things, 2 returns" in page
    assert phone.http.get("/visit").url.path == f"/v/{code}", "the phone keeps it"
    found = chain.till.post("/v1/counter/scans", {"text": f"{service.base_url}/V/{code}"}, 200)
    assert (found["kind"], found["refused"]) == ("visit", None)
    assert {one["return"] for one in found["returns"]} == {one["id"] for one in made}
    assert {unit["title"] for one in found["returns"] for unit in one["units"]} == {"Rain jacket", "Wool socks"}
    for one in made:
        assert hand_in(chain.till, one, **{"pass": code})["verdict"] == "accepted"
    assert "Nothing left to hand in" in phone.http.get(f"/v/{code}").text
    for shop in (chain.shop, other_shop):
        told = shop.call("GET", "/v1/events?limit=200").text
        assert "vis_" not in told
        assert code not in told


def test_it_is_a_picture_and_a_short_code_of_its_own(service: Service, chain: Chain) -> None:
    phone = Phone(service)
    code = phone.gather(issue(chain.shop))
    page = phone.http.get(f"/v/{code}").text
    spoken = re.search(r"ticket__short[^>]*>(\w{4})<span>-</span>(\w{4})<span>-</span>(\w{4})<", page)
    assert spoken is not None
    short = "".join(spoken.groups())
    assert codes.is_visit_short_code(short)
    assert chain.till.post("/v1/counter/scans", {"text": short}, 200)["kind"] == "visit"
    picture = phone.http.get(f"/v/{code}/qr.svg")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert phone.http.get("/v/nothing/qr.svg").status_code == 404
    assert phone.http.get("/pass", params={"code": f"{service.base_url}/v/{code}"}).url.path == f"/v/{code}"
    assert "Say this code at the counter" in phone.http.get("/pass", params={"code": short}).text


def test_a_return_comes_in_and_goes_by_its_own_code(service: Service, chain: Chain) -> None:
    first, second = issue(chain.shop), issue(chain.shop, "SOCKS")
    phone = Phone(service)
    code = phone.gather(first)
    spoken = codes.format_short_code(second["pass"]["short_code"]).lower()
    assert "3 things" not in phone.http.get(f"/v/{code}").text
    assert "2 things, 2 returns" in phone.post(f"/v/{code}/add", **{"pass": spoken}).text
    assert "1 thing, 1 return" in phone.post(f"/v/{code}/remove", **{"return": first["id"]}).text
    assert "1 thing, 1 return" in phone.post(f"/v/{code}/remove", **{"return": "ret_NOTHING"}).text
    wrong = phone.post(f"/v/{code}/add", **{"pass": "nonsense"})
    assert wrong.status_code == 422
    assert "No return has this code" in wrong.text
    assert phone.post("/v/V000000000000000/add", **{"pass": spoken}).status_code == 404
    fresh = phone.post("/visit/leave")
    assert fresh.url.path == "/visit"
    assert phone.gather(first) != code


def test_another_site_cannot_change_it(service: Service, chain: Chain) -> None:
    phone = Phone(service)
    code = phone.gather(issue(chain.shop))
    elsewhere = {"sec-fetch-site": "cross-site"}
    for path in ("/visit", "/visit/leave", f"/v/{code}/add", f"/v/{code}/remove"):
        assert phone.http.post(path, data={"pass": "x"}, headers=elsewhere).status_code == 403


def test_guesses_are_braked_for_each_address(service: Service) -> None:
    """Twenty wrong codes in a quarter of an hour; a slip that the check character finds is none."""
    service.context.db.write_sync(lambda tx: tx.change(guesses.delete()))
    phone = Phone(service)
    try:
        for number in range(20):
            assert phone.post("/visit", **{"pass": f"{number:016d}"}).status_code == 422
        assert phone.post("/visit", **{"pass": "0" * 16}).status_code == 429
    finally:
        service.context.db.write_sync(lambda tx: tx.change(guesses.delete()))
