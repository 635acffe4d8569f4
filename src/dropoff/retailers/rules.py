"""What a retailer's policy may say, and where consumer law speaks beside it. Pure."""

from typing import Annotated, Literal

import msgspec

RefundAt = Literal["hand_in", "receipt", "inspection"]
Wish = Literal["refund", "exchange", "store_credit"]

EUROPEAN_UNION = frozenset({
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
})  # fmt: skip
WITHDRAWAL_COUNTRIES = EUROPEAN_UNION | {"IS", "LI", "NO"}
"""Where Directive 2011/83/EU holds: also in the European Economic Area (EEA Joint Committee decision 181/2012)."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    window_days: Annotated[int, msgspec.Meta(ge=0, le=3650)]
    """How many days after delivery a return may still be announced."""
    refund_at: RefundAt
    """What makes the money fall due."""
    refund_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 14
    """Days from then until it has to be paid."""
    resolutions: Annotated[tuple[Wish, ...], msgspec.Meta(min_length=1, max_length=3)]


def withdrawal_law(*countries: str | None) -> bool:
    """True when any of them (the shopper's, the retailer's) knows the 14 days of Directive 2011/83/EU."""
    return any(country in WITHDRAWAL_COUNTRIES for country in countries)
