"""What every carrier adapter must keep. Subclass the kit in the adapter's tests; each promise is one test.

class TestAcme(HttpCarrierConformance):
    @pytest.fixture
    def server(self): ...           # a CarrierServer that answers as Acme does
    @pytest.fixture
    def carrier(self, server): ...  # the adapter, pointed at it
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from dropoff.kernel.gs1 import EXAMPLE_PREFIX, nth_sscc
from dropoff.kernel.ids import new_id
from dropoff.ports.carrier import (
    Address,
    Booking,
    BookingRequest,
    Carrier,
    CarrierError,
    ContainerToBook,
    FindsByReference,
    Label,
    Misconfigured,
    Rejected,
    Unavailable,
    Unknown,
    repeats_are_safe,
)
from dropoff.testing.server import CarrierServer, Fault

_MAGIC = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n", "zpl": b"^XA"}


def example_request(**changes: Any) -> BookingRequest:
    """A request with a fresh reference: two bags from Copenhagen to Malmö, one of them not weighed."""
    request = BookingRequest(
        reference=new_id("shp").removeprefix("shp_"),
        service="standard",
        origin=Address(
            name="Kiosk Nørrebro", street="Nørrebrogade 1", postcode="2200", city="København N", country="DK"
        ),
        destination=Address(name="Łódź & Sønner", street="Lagergatan 2", postcode="211 20", city="Malmö", country="SE"),
        containers=(
            ContainerToBook(sscc=nth_sscc(EXAMPLE_PREFIX, 1), kind="bag", parcel_count=3, weight_g=4210),
            ContainerToBook(sscc=nth_sscc(EXAMPLE_PREFIX, 2), kind="tote", parcel_count=1),
        ),
        pickup_at=datetime(2026, 11, 20, 16, tzinfo=UTC),
    )
    return msgspec.structs.replace(request, **changes)


class CarrierConformance:
    """For every adapter. Override the fixture `carrier`; set `service` when there is no `standard`."""

    service = "standard"

    @pytest.fixture
    def carrier(self) -> Iterator[Carrier]:
        raise NotImplementedError("the adapter's tests give the carrier")

    def request_for(self, **changes: Any) -> BookingRequest:
        return example_request(**({"service": self.service} | changes))

    def test_names_its_services(self, carrier: Carrier) -> None:
        assert carrier.services
        assert all(isinstance(name, str) and name for name in carrier.services)
        assert self.service in carrier.services

    def test_books_a_shipment(self, carrier: Carrier) -> None:
        check_booking(carrier.book(self.request_for()))

    def test_books_a_test_shipment_or_says_why_not(self, carrier: Carrier) -> None:
        try:
            booking = carrier.book(self.request_for(live=False))
        except Misconfigured:
            return  # a carrier without a sandbox says so, and books nothing
        check_booking(booking)

    def test_two_shipments_have_two_numbers(self, carrier: Carrier) -> None:
        first, second = carrier.book(self.request_for()), carrier.book(self.request_for())
        assert first.tracking_number != second.tracking_number

    def test_an_unknown_service_is_surely_not_booked(self, carrier: Carrier) -> None:
        with pytest.raises((Rejected, Misconfigured)):
            carrier.book(self.request_for(service="no-such-service"))

    def test_a_repeated_reference_gives_the_same_booking(self, carrier: Carrier) -> None:
        if not repeats_are_safe(carrier):
            pytest.skip("this carrier does not promise it")
        request = self.request_for()
        assert carrier.book(request).tracking_number == carrier.book(request).tracking_number

    def test_what_was_booked_is_found_by_reference(self, carrier: Carrier) -> None:
        if not isinstance(carrier, FindsByReference):
            pytest.skip("this carrier cannot look up")
        request = self.request_for()
        booking = carrier.book(request)
        found = carrier.find_by_reference(request.reference, live=True)
        assert found is not None
        assert found.tracking_number == booking.tracking_number
        check_booking(found)

    def test_what_was_never_booked_is_not_found(self, carrier: Carrier) -> None:
        if not isinstance(carrier, FindsByReference):
            pytest.skip("this carrier cannot look up")
        assert carrier.find_by_reference(self.request_for().reference, live=True) is None


class HttpCarrierConformance(CarrierConformance):
    """For adapters that speak HTTP. Override `server` and `carrier`; the adapter's time-out must be below 5 s
    here."""

    @pytest.fixture
    def server(self) -> Iterator[CarrierServer]:
        raise NotImplementedError("the adapter's tests give a server that answers as its carrier does")

    def refused(self, carrier: Carrier, server: CarrierServer, fault: Fault) -> CarrierError:
        """Book with one fault in front, and check that the adapter did not try again by itself."""
        server.faults.append(fault)
        with pytest.raises(CarrierError) as caught:
            carrier.book(self.request_for())
        server.release()
        assert len(server.received) == 1, "the adapter repeated a call that may cost money"
        return caught.value

    @pytest.mark.parametrize("kind", ["silence", "reset", "malformed", "cut"])
    def test_a_lost_answer_is_unknown(self, carrier: Carrier, server: CarrierServer, kind: Any) -> None:
        assert isinstance(self.refused(carrier, server, Fault(kind)), Unknown)

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_a_server_error_is_unknown(self, carrier: Carrier, server: CarrierServer, status: int) -> None:
        assert isinstance(self.refused(carrier, server, Fault("status", status)), Unknown)

    def test_too_many_requests_may_be_tried_again(self, carrier: Carrier, server: CarrierServer) -> None:
        fault = Fault("status", 429, {"Retry-After": "17"}, after_effect=False)
        error = self.refused(carrier, server, fault)
        assert isinstance(error, Unavailable)
        assert error.retry_after_s == 17

    @pytest.mark.parametrize("status", [401, 403])
    def test_wrong_credentials_are_a_matter_of_settings(
        self, carrier: Carrier, server: CarrierServer, status: int
    ) -> None:
        fault = Fault("status", status, after_effect=False)
        assert isinstance(self.refused(carrier, server, fault), Misconfigured)

    @pytest.mark.parametrize("status", [400, 422])
    def test_a_refusal_is_final(self, carrier: Carrier, server: CarrierServer, status: int) -> None:
        error = self.refused(carrier, server, Fault("status", status, after_effect=False))
        assert isinstance(error, Rejected)
        assert str(error)

    def test_a_slow_answer_is_an_answer(self, carrier: Carrier, server: CarrierServer) -> None:
        server.faults.append(Fault("slow", seconds=0.1))
        check_booking(carrier.book(self.request_for()))

    def test_a_booking_whose_answer_was_lost_is_found(self, carrier: Carrier, server: CarrierServer) -> None:
        if not isinstance(carrier, FindsByReference):
            pytest.skip("this carrier cannot look up")
        server.faults.append(Fault("reset"))
        request = self.request_for()
        with pytest.raises(Unknown):
            carrier.book(request)
        found = carrier.find_by_reference(request.reference, live=True)
        assert found is not None
        check_booking(found)

    @pytest.mark.parametrize("fault", [Fault("reset"), Fault("status", 503), Fault("malformed")])
    def test_a_look_up_that_fails_says_nothing(self, carrier: Carrier, server: CarrierServer, fault: Fault) -> None:
        if not isinstance(carrier, FindsByReference):
            pytest.skip("this carrier cannot look up")
        server.faults.append(fault)
        with pytest.raises(Unavailable):
            carrier.find_by_reference(self.request_for().reference, live=True)


def check_booking(booking: Booking) -> None:
    """The number is text, and every label is what its format says."""
    assert isinstance(booking.tracking_number, str)
    assert booking.tracking_number.strip() == booking.tracking_number != ""
    assert all(isinstance(warning, str) for warning in booking.warnings)
    for label in booking.labels:
        assert isinstance(label, Label)
        assert label.data.lstrip().startswith(_MAGIC[label.format]), f"this is no {label.format}"
