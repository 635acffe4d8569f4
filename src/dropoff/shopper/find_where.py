"""Where the shopper means to be: what was typed, read as a place, in the country that is most likely meant."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from dropoff.network.gazetteer import FoundPlace
from dropoff.network.places import NoPlace, Places, locate

Where = tuple[float, float]
NAMESAKES_LOOKED_AT = 12


class Namesake(msgspec.Struct, frozen=True):
    """Another place of that name in another country, or another that is spelt nearly so."""

    label: str
    country: str


class Meant(msgspec.Struct, frozen=True):
    """`here` None: nowhere that is known; `unavailable` then says that who could know does not answer."""

    here: Where | None = None
    label: str = ""
    others: tuple[Namesake, ...] = ()
    attribution: str = ""
    unavailable: bool = False
    guessed: bool = False
    """Nothing is called so: `here` is spelt nearly so, and so are `others`."""


async def meant(context: Any, text: str, country: str, preferred: Sequence[str]) -> Meant:
    """The country asked for goes first, then those that the browser speaks of, then the place that is the biggest."""
    places: Places = context.places
    known = places.suggest(text, None, NAMESAKES_LOOKED_AT)
    exact = {found.country: found for found in reversed(known.items) if found.match == "exact"}
    wanted = [code for code in (country, *preferred) if code in exact]
    chosen = wanted[0] if wanted else country or None
    found = await locate(context, text, chosen)
    if isinstance(found, NoPlace) and chosen is not None:
        found = await locate(context, text)
    if isinstance(found, NoPlace):
        return Meant(unavailable=found.why == "unavailable")
    here = (found.lat, found.lon)
    guessed = found.match == "typo"
    others: Iterator[FoundPlace]
    if guessed:
        others = iter({one.label: one for one in known.items if one.label != found.label}.values())
    else:
        others = (one for one in known.items if one.match == "exact" and exact.get(one.country) is one)
    namesakes = tuple(Namesake(one.label, one.country) for one in others if (one.lat, one.lon) != here)
    return Meant(here, found.label, namesakes, found.attribution, guessed=guessed)
