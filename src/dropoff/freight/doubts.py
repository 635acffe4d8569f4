"""What a human found out about a booking in doubt. Cases lie below and cannot call up, so this room follows the log."""

from dropoff.db import Tx
from dropoff.events.cursors import Consumer, LoggedEvent
from dropoff.freight import store
from dropoff.freight.booking import confirm
from dropoff.freight.shipments import free_goods
from dropoff.ports.carrier import Booking


def settle(tx: Tx, told: list[LoggedEvent]) -> None:
    """Found: the shipment is booked under its number, and has labels. Not found: its goods are free for the next run.

    Only a shipment that is still in doubt changes; one that was cancelled or has arrived meanwhile settled its case
    itself.
    """
    for item in told:
        if item.type != "case.resolved" or item.data.get("kind") != "booking_unknown":
            continue
        shipment_id, number = item.objects["shipment"], item.objects.get("tracking_number")
        if item.data["outcome"] == "explained":
            row = store.move_shipment(tx, shipment_id, "disprove")
            if row is not None:
                free_goods(tx, row, item.at, item.actor)
        elif number is not None:
            confirm(tx, shipment_id, Booking(tracking_number=number), item.at, item.actor)


CONSUMER = Consumer("freight.doubts", settle)
