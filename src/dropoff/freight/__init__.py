"""The planner, shipments, booking, labels and handovers."""
