"""The public plug-in API, whole. Adapters import this package and `dropoff.kernel`, nothing else of the
service."""
