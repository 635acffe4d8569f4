"""Exceptions of the trade, each with an owner, a deadline and an outcome."""
