"""Tags and labels over HTTP: rolls, retags, and labels that a scanner reads."""

import io

import pypdfium2
import zxingcpp
from PIL import Image
from tests.api.chain import Chain, hand_in, issue, tag
from tests.service import Service

from dropoff.kernel import tags


def read_pdf(data: bytes) -> tuple[list[str], tuple[int, int]]:
    """What its page says to a scanner, and its size in millimetres."""
    document = pypdfium2.PdfDocument(data)
    try:
        (page,) = list(document)
        size = (round(page.get_width() / 72 * 25.4), round(page.get_height() / 72 * 25.4))
        return [found.text for found in zxingcpp.read_barcodes(page.render(scale=300 / 72).to_pil())], size
    finally:
        document.close()


def test_rolls_tags_and_labels_of_a_place(service: Service) -> None:
    chain = Chain(service)
    till, operator = chain.till, service.operator
    handed = hand_in(till, issue(chain.shop))
    ref = handed["parcels"][0]["id"]

    # Labels, in their own size, for whoever stands there.
    label = till.call("GET", f"/v1/counter/parcels/{ref}/label.pdf")
    assert (label.headers["content-type"], read_pdf(label.content)) == ("application/pdf", ([handed["tag"]], (60, 25)))
    wide = till.call("GET", f"/v1/counter/parcels/{handed['tag']}/label.pdf?size=100x50")
    assert read_pdf(wide.content) == ([handed["tag"]], (100, 50))
    picture = till.call("GET", f"/v1/counter/parcels/{ref}/label.png")
    assert zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.content)))[0].text == handed["tag"]
    zpl = till.call("GET", f"/v1/counter/parcels/{ref}/label.zpl").text
    assert f"^FD{handed['tag']}^FS" in zpl
    bag = till.post("/v1/counter/containers", {"kind": "bag"})
    bag_label = till.call("GET", f"/v1/counter/containers/{bag['id']}/label.pdf")
    assert read_pdf(bag_label.content) == ([f"(00){bag['sscc']}"], (100, 60))
    for size in ("1x1", "wide", "60", "12x12", "nanxnan"):
        assert till.call("GET", f"/v1/counter/parcels/{ref}/label.pdf?size={size}").status_code == 422
    assert chain.places[1] != chain.places[0]
    assert till.call("GET", "/v1/counter/parcels/T9999999999/label.pdf").status_code == 404

    # A torn tag.
    new = tag()
    answer = till.post(f"/v1/counter/parcels/{handed['tag']}/retag", {"tag": new, "reason": "torn"}, 200)
    assert (answer["verdict"], answer["was"], answer["parcel"]["tag"]) == ("accepted", handed["tag"], new)
    seen = till.post("/v1/counter/scans", {"text": handed["tag"]}, 200)
    assert (seen["kind"], seen["refused"], seen["parcel"]["tag"]) == ("tag", "tag_used", new)
    assert till.post(f"/v1/counter/parcels/{new}/labels", {"form": "zpl"}, 200)["tag"] == new
    found = till.get("/v1/counter/parcels", like=f"{new[:-1]}Z")
    assert [one["tag"] for one in found["items"]] == [new]

    # A code by hand, a tag from the printer, a roll.
    written = till.post("/v1/counter/tags/written")
    assert tags.is_written(written["tag"])
    assert written["shown"] == tags.format_written(written["tag"])
    assert tags.is_our_tag(till.post("/v1/counter/tags/printed")["tag"])
    made = operator.post("/v1/tag-rolls", {"location": chain.places[0], "first": "AB0100", "last": "AB0119"})
    assert (made["count"], made["left"]) == (20, 20)
    assert till.get("/v1/counter/state")["tags"] == {"rolls": 1, "left": 20, "low": True}
    clash = till.post("/v1/counter/tag-rolls", {"first": "AB0110", "count": 3}, 200)
    assert clash["verdict"] == "already", "this place has them"
    foreign = hand_in(till, issue(chain.shop))
    assert foreign["reason"] == "tag_foreign_roll"
    listed = operator.get("/v1/tag-rolls", location=chain.places[0])
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    moved = operator.post(f"/v1/tag-rolls/{made['id']}/move", {"location": chain.places[1]}, 200)
    assert moved["location"] == chain.places[1]
    assert operator.post(f"/v1/tag-rolls/{made['id']}/retire", status=200)["retired_at"]
    assert hand_in(till, issue(chain.shop))["verdict"] == "accepted"
