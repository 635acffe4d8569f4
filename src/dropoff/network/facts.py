"""What a place is and takes beside its hours: who collects there, whether one gets in and may print, limits, refusals.

Nearly every network leaves most of it unsaid. What is not said is None, never "no": a place whose limit nobody knows is
not left out for a heavy parcel, and a place of which nobody says that it has no steps is not told to have none. Pure.
"""

import re
from typing import Final, NamedTuple

import msgspec

from dropoff.network.folding import fold

WORD_MAX: Final = 40
WORDS_MAX: Final = 32
WEIGHT_MAX_G: Final = 10**9
SIDE_MAX_MM: Final = 100_000
_BOX: Final = re.compile(r"\s*(\d{1,6})\s*[xX×*]\s*(\d{1,6})\s*[xX×*]\s*(\d{1,6})\s*", re.ASCII)

Box = tuple[int, int, int]
"""Three sides in millimetres, the longest first: a parcel may be turned."""


class Facts(msgspec.Struct, frozen=True, gc=False):
    """None is "nobody said". The field names are the columns' and the API's."""

    carriers: tuple[str, ...] | None = None
    """Who collects there, as words."""
    step_free: bool | None = None
    has_printer: bool | None = None
    max_weight_g: int | None = None
    max_size_mm: Box | None = None
    refuses: tuple[str, ...] | None = None
    """Categories that are not taken in, as words."""


UNTOLD: Final = Facts()


class Needs(NamedTuple):
    """What must hold of a place for somebody with this in the hands. Empty asks nothing."""

    carriers: frozenset[str] = frozenset()
    """Any of these collects there, surely."""
    step_free: bool = False
    """Surely."""
    printer: bool = False
    """Surely."""
    weight_g: int | None = None
    """Not known to be too heavy."""
    size_mm: Box | None = None
    """Not known to be too large."""
    categories: frozenset[str] = frozenset()
    """None of these is known to be refused."""


NO_NEEDS: Final = Needs()


def meets(facts: Facts, needs: Needs) -> bool:
    """Whoever needs a thing to be so is sent only where it surely is; a limit counts only where it is known."""
    if needs.carriers and needs.carriers.isdisjoint(facts.carriers or ()):
        return False
    if (needs.step_free and not facts.step_free) or (needs.printer and not facts.has_printer):
        return False
    if needs.weight_g is not None and facts.max_weight_g is not None and needs.weight_g > facts.max_weight_g:
        return False
    if needs.size_mm is not None and facts.max_size_mm is not None and not _goes_into(needs.size_mm, facts.max_size_mm):
        return False
    return needs.categories.isdisjoint(facts.refuses or ())


def _goes_into(box: Box, opening: Box) -> bool:
    return all(side <= room for side, room in zip(box, opening, strict=True))


def word(text: str) -> str:
    """A name as a word that two people write alike: `Post Nord` is `post_nord`. Empty when it holds no letter."""
    return fold(text).replace(" ", "_")[:WORD_MAX]


def box_of(text: str) -> Box | None:
    """`400x300x200`, in any order; None when it is something else."""
    found = _BOX.fullmatch(text)
    return None if found is None else box(int(found[1]), int(found[2]), int(found[3]))


def box(*sides: int) -> Box | None:
    longest, middle, shortest = sorted(sides, reverse=True)
    return (longest, middle, shortest) if shortest >= 1 and longest <= SIDE_MAX_MM else None
