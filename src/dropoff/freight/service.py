"""What the rooms above may ask of freight. The functions live in `runs`, `booking`, `shipments` and `handovers`."""

from datetime import datetime
from typing import Any

from dropoff.freight.handovers import HandOver, HandoverAnswer, LeftBehind, Named, hand_over
from dropoff.freight.runs import Planner, RunView, begin_run, carry_out, run_at_cutoffs, show_run
from dropoff.freight.shipments import (
    ShipmentView,
    cancel_shipment,
    container_received,
    list_shipments,
    show,
)
from dropoff.kernel.clock import now
from dropoff.kernel.ids import new_id

__all__ = [
    "HandOver",
    "HandoverAnswer",
    "LeftBehind",
    "Named",
    "Planner",
    "RunView",
    "ShipmentView",
    "begin_run",
    "cancel_shipment",
    "carry_out",
    "container_received",
    "hand_over",
    "list_shipments",
    "planner",
    "run_at_cutoffs",
    "run_now",
    "show",
    "show_run",
]


def planner(context: Any) -> Planner:
    """From the process's context."""
    return Planner(context.db, context.plugins, context.settings.gs1_prefix)


def run_now(context: Any, as_of: datetime, actor: str) -> RunView:
    """A whole run in the calling thread, for the command line."""
    run_id, moment = new_id("run"), now()
    context.db.write_sync(begin_run, run_id, as_of, moment, actor)
    carry_out(planner(context), run_id, moment)
    view = context.db.read_sync(show_run, context.settings.base_url, run_id)
    assert isinstance(view, RunView)
    return view
