"""The fake adapter passes the kit it ships with, and the kit fails adapters that would cost money."""

from collections.abc import Iterator

import pytest

from dropoff.ports.carrier import Booking, BookingRequest, Carrier, Rejected, Unavailable
from dropoff.testing import (
    CarrierServer,
    FakeCarrier,
    FakeCarrierSettings,
    Fault,
    HttpCarrierConformance,
    example_request,
    fake_carrier_answers,
)
from dropoff.testing.fake_carrier import connect_fake


class TestFakeCarrier(HttpCarrierConformance):
    @pytest.fixture
    def server(self) -> Iterator[CarrierServer]:
        with CarrierServer(fake_carrier_answers()) as server:
            yield server

    @pytest.fixture
    def carrier(self, server: CarrierServer) -> Iterator[Carrier]:
        carrier = FakeCarrier(FakeCarrierSettings(url=server.url, timeout_s=1.5))
        yield carrier
        carrier.close()

    def test_the_carriers_own_words_reach_the_operator(self, carrier: Carrier) -> None:
        nowhere = example_request().destination.__class__(
            name="N", street="", postcode="", city="Nowhere", country="DK"
        )
        with pytest.raises(Rejected, match="We do not deliver to Nowhere"):
            carrier.book(self.request_for(destination=nowhere))

    def test_a_refused_connection_may_be_tried_again(self, carrier: Carrier, server: CarrierServer) -> None:
        server.close()
        with pytest.raises(Unavailable):
            carrier.book(self.request_for())

    def test_an_existing_booking_is_taken_as_the_answer(self, carrier: Carrier) -> None:
        request = self.request_for()
        assert carrier.book(request) == carrier.book(request)

    def test_a_test_booking_is_told_as_a_warning(self, carrier: Carrier) -> None:
        assert carrier.book(self.request_for(live=False)).warnings == ("This is a test booking.",)


class _Repeats(FakeCarrier):
    """What a naive adapter does: it tries again."""

    def book(self, request: BookingRequest) -> Booking:
        try:
            return super().book(request)
        except Exception:
            return super().book(request)


def test_the_kit_finds_an_adapter_that_repeats_charged_calls() -> None:
    with CarrierServer(fake_carrier_answers()) as server:
        carrier = _Repeats(FakeCarrierSettings(url=server.url, timeout_s=1.5))
        server.faults.append(Fault("reset"))
        carrier.book(example_request())
        assert len(server.received) == 2
        carrier.close()
    with CarrierServer(fake_carrier_answers()) as server:
        carrier = _Repeats(FakeCarrierSettings(url=server.url, timeout_s=1.5))
        with pytest.raises(pytest.fail.Exception):
            TestFakeCarrier().refused(carrier, server, Fault("reset"))
        carrier.close()


def test_the_factory_reads_its_settings_from_the_environment() -> None:
    connect_fake({"DROPOFF_CARRIER_FAKE_URL": "http://127.0.0.1:9", "DROPOFF_CARRIER_FAKE_TIMEOUT_S": "3"}).close()
