"""Tenants: who they are, their policies, currencies, return address, and whether they are live or a test."""
