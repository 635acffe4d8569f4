"""Measures the hot paths beside floors in the same run: `python -m bench`; docs/performance.md tells how to read it."""
