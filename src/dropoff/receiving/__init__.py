"""Intake at hub and retailer, inspection and disposition; the front page and state of a till."""
