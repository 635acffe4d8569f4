"""A worker process for test_booking.py: `python -m tests.faults.booking_worker DATABASE_URL CARRIER_URL`. It is killed
while it waits for the carrier's answer."""

import sys
import threading

from tests.world import NOW

from dropoff.db import Database
from dropoff.events.worker import Worker
from dropoff.freight.booking import book_shipment
from dropoff.plugins import PluginRegistry
from dropoff.testing import FakeCarrier, FakeCarrierSettings


def main() -> None:
    database_url, carrier_url = sys.argv[1:]
    db = Database(database_url)
    plugins = PluginRegistry(carriers={"courier": FakeCarrier(FakeCarrierSettings(url=carrier_url, timeout_s=60))})
    Worker(db, {"freight.book": lambda job: book_shipment(db, plugins, job, NOW)}, lease_s=2).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
