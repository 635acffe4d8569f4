"""The open network for e-commerce returns."""

__version__ = "0.1.0"
