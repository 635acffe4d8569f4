"""A till of the test mode and a till of another place learn nothing of what lies here."""

from tests.api.chain import Chain, hand_in, issue, till
from tests.service import Service


def test_a_test_till_sees_no_live_shipment_of_its_place(service: Service) -> None:
    chain = Chain(service)
    path = f"/v1/locations/{chain.places[0]}/devices"
    device = service.operator.post(path, {"name": "Trial", "live": False})
    paired = service.public.post("/v1/devices/pair", {"pairing_code": device["pairing_code"]}, 200)
    trial = service.client(paired["token"])
    shipment, sscc = chain.shipment["id"], chain.bag["sscc"]
    assert chain.till.get(f"/v1/shipments/{shipment}")["id"] == shipment
    assert trial.get("/v1/shipments")["items"] == []
    for rest in ("", "/labels.zpl", f"/containers/{sscc}/label.zpl", "/manifest.csv", "/manifest.json"):
        assert trial.call("GET", f"/v1/shipments/{shipment}{rest}").status_code == 404, rest
    assert trial.call("GET", f"/v1/counter/containers/{sscc}").status_code == 404
    state = trial.get("/v1/counter/state")
    assert sscc not in str(state)
    for text in (sscc, chain.verdict["tag"], chain.travelling["pass"]["url"]):
        seen = trial.post("/v1/counter/scans", {"text": text}, 200)
        assert seen["refused"] == "test_mode"
        assert "Rain jacket" not in str(seen)


def test_a_tag_of_another_place_is_named_and_not_opened(service: Service) -> None:
    chain = Chain(service)
    _, elsewhere = till(service, chain.places[1])
    loose = hand_in(chain.till, issue(chain.shop))["tag"]
    seen = elsewhere.post("/v1/counter/scans", {"text": loose}, 200)
    assert (seen["kind"], seen["refused"], seen["parcel"]) == ("tag", "wrong_location", None)
    assert elsewhere.call("GET", f"/till/parcels/{loose}").status_code == 404
    assert "Rain jacket" in chain.till.call("GET", f"/till/parcels/{loose}").text
    here = chain.till.post("/v1/counter/scans", {"text": loose}, 200)
    assert here["parcel"]["units"][0]["title"] == "Rain jacket"
