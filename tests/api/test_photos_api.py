"""Photos over HTTP: in as the phone takes them, out drawn anew, and for the retailer of the return alone."""

import io
from typing import Any

import httpx
import pytest
from PIL import Image
from tests.api.chain import Chain, hand_in, issue, retailer
from tests.service import Client, Service


@pytest.fixture(scope="module")
def chain(service: Service) -> Chain:
    return Chain(service)


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (900, 600), "green").save(out, "JPEG", comment=b"Aase was here")
    return out.getvalue()


def send(
    client: Client, taken: dict[str, Any], unit: str, body: bytes, kind: str = "image/jpeg", key: str = "fresh"
) -> httpx.Response:
    path = f"/v1/counter/photos?hand_in={taken['hand_in']}&unit={unit}&note=torn"
    return client.call("POST", path, key=key, content=body, headers={"Content-Type": kind})


def test_a_till_sends_and_the_retailer_of_the_return_reads(service: Service, chain: Chain) -> None:
    made = issue(chain.shop)
    taken = hand_in(chain.till, made)
    unit = made["units"][0]["id"]
    sent = send(chain.till, taken, unit, jpeg(), key="photo-1")
    assert sent.status_code == 201, sent.text
    assert sent.json()["unit"] == unit
    again = send(chain.till, taken, unit, jpeg(), key="photo-1")
    assert again.json() == sent.json(), "sent twice, kept once"
    assert send(chain.till, taken, unit, jpeg()[:-9] + b"x", key="photo-1").status_code == 422
    (held,) = chain.shop.get(f"/v1/returns/{made['id']}/photos")["items"]
    picture = chain.shop.call("GET", f"/v1/photos/{held['id']}")
    assert picture.headers["content-type"] == "image/jpeg"
    assert b"Aase" not in picture.content
    _, stranger = retailer(service)
    assert stranger.call("GET", f"/v1/photos/{held['id']}").status_code == 404
    assert stranger.call("GET", f"/v1/returns/{made['id']}/photos").status_code == 404
    assert chain.till.call("GET", f"/v1/photos/{held['id']}").status_code == 403


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        pytest.param(b"no photo", "image/jpeg", 422, "photo-unreadable", id="no photo"),
        pytest.param(jpeg(), "image/gif", 415, "unsupported-media-type", id="another kind"),
        pytest.param(b"{}", "application/json", 415, "unsupported-media-type", id="json"),
        pytest.param(b"x" * 10_000_001, "image/jpeg", 413, "body-too-large", id="too large"),
    ],
)
def test_what_is_no_photo_is_told_so(chain: Chain, body: bytes, kind: str, status: int, code: str) -> None:
    answer = send(chain.till, {"hand_in": "hin_x"}, "unt_x", body, kind)
    assert answer.status_code == status
    assert answer.json()["type"].endswith(f"/{code}")
