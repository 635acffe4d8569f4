"""Facts of a place in words: limits, refusals, steps, printer, carriers; and what somebody needs of one. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from dropoff.network.facts import Box, Facts, Needs, word
from dropoff.shopper.rules import N_

CATEGORY_WORDS: Final = {
    "batteries": N_("Batteries"),
    "liquids": N_("Liquids"),
    "furniture": N_("Furniture"),
    "food": N_("Food"),
    "glass": N_("Glass"),
    "electronics": N_("Electronics"),
    "sharp": N_("Sharp things"),
}
"""Others are shown by their own word."""
AND: Final = N_(" and ")
_PATH: Final = re.compile(r"[>/|,;&]")


def weight(grams: int) -> str:
    """`800 g`, `1.8 kg`, `20 kg`; rounded up, as what it weighs must be taken."""
    if grams < 1_000:
        return f"{grams} g"
    tenths = -(-grams // 100)
    return f"{tenths / 10:.1f}".removesuffix(".0") + " kg"


def limit(grams: int) -> str:
    """The same, rounded down: what is told must hold."""
    return weight(grams) if grams < 1_000 else weight(grams // 100 * 100)


def size(box: Box) -> str:
    """In centimetres, the longest side first."""
    return " × ".join(f"{side / 10:.1f}".removesuffix(".0") for side in box) + " cm"


def carrier(name: str) -> str:
    """Words have lost their spelling: three letters are most likely initials."""
    return " ".join(part.upper() if len(part) <= 3 else part.capitalize() for part in name.split("_"))


def category(name: str) -> str:
    return CATEGORY_WORDS.get(name) or name.replace("_", " ").capitalize()


def listed(words: list[str], last: str = AND) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return last.join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def takes(facts: Facts) -> tuple[str, ...]:
    """Limits and what is refused, as far as they are known."""
    found = []
    if facts.max_weight_g is not None:
        found.append(N_("Up to %s") % limit(facts.max_weight_g))
    if facts.max_size_mm is not None:
        found.append(N_("Up to %s large") % size(facts.max_size_mm))
    if facts.refuses:
        found.append(N_("Not: %s") % listed([category(one).lower() for one in facts.refuses]))
    if facts.has_printer is not None:
        found.append(N_("Prints labels") if facts.has_printer else N_("Has no printer for labels"))
    return tuple(found)


def unsaid(facts: Facts) -> str:
    """What nobody has told, in one sentence; empty when everything is known."""
    named = [
        (facts.max_weight_g is None and facts.max_size_mm is None, N_("how heavy and large a thing may be")),
        (facts.has_printer is None, N_("whether it prints labels")),
        (facts.step_free is None, N_("whether there are steps")),
    ]
    missing = [text for is_missing, text in named if is_missing]
    return N_("Nobody has told us %s.") % listed(missing, N_(" or ")) if missing else ""


def steps(facts: Facts) -> str:
    if facts.step_free is None:
        return ""
    return N_("No steps at the door") if facts.step_free else N_("There are steps at the door")


def collected(facts: Facts) -> str:
    return listed([carrier(one) for one in facts.carriers or ()]) if facts.carriers else ""


def needs_of(things: Iterable[tuple[int | None, str | None]]) -> Needs:
    """What a place must take: the heaviest of these things, as each is tagged by itself, and every category.

    A retailer writes categories as it likes: of `Home > Furniture` both words count.
    """
    weights, words = [], set()
    for grams, category_path in things:
        weights += [] if grams is None else [grams]
        words |= {word(part) for part in _PATH.split(category_path or "")}
    return Needs(weight_g=max(weights, default=None) or None, categories=frozenset(words - {""}))


def needed(needs: Needs) -> str:
    """`1.8 kg or batteries`: what a return asks of a place; empty when it asks nothing."""
    parts = [] if needs.weight_g is None else [weight(needs.weight_g)]
    return listed(parts + [category(one).lower() for one in sorted(needs.categories)], N_(" or "))
