"""Field types that every request shares, with the bounds that keep the database and the pages safe."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from dropoff.kernel.ids import ID_PATTERN
from dropoff.kernel.money import AMOUNT_MAX, CURRENCIES

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Text = Annotated[str, Meta(max_length=1000)]
Reference = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$(?!\n)")]
Code = Annotated[str, Meta(max_length=2000)]
"""Whatever a scanner read or a person typed."""
Id = Annotated[str, Meta(pattern=ID_PATTERN)]
Url = Annotated[str, Meta(max_length=2000, pattern=r"^https?://[^\s]+$(?!\n)")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", description="ISO 4217; one of " + ", ".join(sorted(CURRENCIES)))]
Minor = Annotated[int, Meta(ge=0, le=AMOUNT_MAX, description="minor units of the currency")]
WeightG = Annotated[int, Meta(ge=0, le=2_000_000, description="grams")]
Time = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset")]
Limit = Annotated[int, Meta(ge=1, le=200)]


class Page(msgspec.Struct, frozen=True):
    """A page of a list; `next` goes into `?after=` and is null at the end."""

    items: list[Any]
    next: str | None = None


KeyUse = Literal["none", "optional", "required"]
