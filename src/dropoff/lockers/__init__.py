"""Lockers: banks of compartments at places, what is put into them, and how it gets out. It takes things in by the
counter's hand-in, and must not know of shipments: what left a compartment it learns from the log."""
