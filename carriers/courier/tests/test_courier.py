"""The courier keeps the carriers' promises, and books the same number for the same reference in every
process."""

import pytest
from dropoff_carrier_courier import connect, tracking_number

from dropoff.ports.carrier import Carrier, Misconfigured, repeats_are_safe
from dropoff.testing import CarrierConformance


class TestCourier(CarrierConformance):
    @pytest.fixture
    def carrier(self) -> Carrier:
        return connect({})

    def test_an_interrupted_booking_may_be_made_again(self, carrier: Carrier) -> None:
        assert repeats_are_safe(carrier)


def test_the_number_is_the_same_on_every_machine() -> None:
    assert tracking_number("06E5ZJ3YV8QZ3M0T9K1X7B2C4D") == "COIW6U6ABY5BXU"


def test_a_mistyped_setting_is_told() -> None:
    with pytest.raises(Misconfigured, match="DROPOFF_CARRIER_COURIER_VANS"):
        connect({"DROPOFF_CARRIER_COURIER_VANS": "3"})
