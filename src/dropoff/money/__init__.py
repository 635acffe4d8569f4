"""The ledger of what is expected, due and paid, per unit. Decides amounts; never speaks to a payment provider."""
