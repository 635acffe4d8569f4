"""Scans, hand-ins, tags, parcels and containers at a location, and receipts."""
