"""Shipped for adapter authors: the conformance kits for carriers, for sources of drop-off points and for lockers, a
party on loopback that misbehaves on demand, and a fake adapter."""

from dropoff.testing.conformance import CarrierConformance, HttpCarrierConformance, example_request
from dropoff.testing.fake_carrier import FakeCarrier, FakeCarrierSettings, fake_carrier_answers
from dropoff.testing.fake_source import ListedPoints
from dropoff.testing.locations import HttpLocationSourceConformance, LocationSourceConformance
from dropoff.testing.lockers import HttpLockerConformance, LockerConformance
from dropoff.testing.server import Answer, CarrierServer, Fault, Received

__all__ = [
    "Answer",
    "CarrierConformance",
    "CarrierServer",
    "FakeCarrier",
    "FakeCarrierSettings",
    "Fault",
    "HttpCarrierConformance",
    "HttpLocationSourceConformance",
    "HttpLockerConformance",
    "ListedPoints",
    "LocationSourceConformance",
    "LockerConformance",
    "Received",
    "example_request",
    "fake_carrier_answers",
]
