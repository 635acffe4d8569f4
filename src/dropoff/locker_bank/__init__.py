"""dropoff's own small HTTP protocol for a bank of lockers: the adapter `http` that speaks it, and a simulated bank that
answers it as a process of its own. It knows ports and kernel only, as every adapter does; docs/lockers.md tells the
protocol."""
