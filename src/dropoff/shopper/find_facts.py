"""Facts of a place in words: limits, refusals, steps, printer, carriers; and what somebody needs of one. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from dropoff.network.facts import Box, Facts, Needs, word
from dropoff.web import words
from dropoff.web.languages import N_, _

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
_PATH: Final = re.compile(r"[>/|,;&]")


def weight(grams: int) -> str:
    """`800 g`, `1.8 kg`, `20 kg`; rounded up, as what it weighs must be taken."""
    if grams < 1_000:
        return f"{grams} g"
    tenths = -(-grams // 100)
    return f"{words.short(tenths / 10)} kg"


def limit(grams: int) -> str:
    """The same, rounded down: what is told must hold."""
    return weight(grams) if grams < 1_000 else weight(grams // 100 * 100)


def size(box: Box) -> str:
    """In centimetres, the longest side first."""
    return " × ".join(words.short(side / 10) for side in box) + " cm"


def carrier(name: str) -> str:
    """Words have lost their spelling: three letters are most likely initials."""
    return " ".join(part.upper() if len(part) <= 3 else part.capitalize() for part in name.split("_"))


def category(name: str) -> str:
    return _(CATEGORY_WORDS[name]) if name in CATEGORY_WORDS else name.replace("_", " ").capitalize()


def listed(parts: list[str], last: str = "") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return (last or _(" and ")).join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def takes(facts: Facts) -> tuple[str, ...]:
    """Limits and what is refused, as far as they are known."""
    found = []
    if facts.max_weight_g is not None:
        found.append(_("Up to %s") % limit(facts.max_weight_g))
    if facts.max_size_mm is not None:
        found.append(_("Up to %s large") % size(facts.max_size_mm))
    if facts.refuses:
        found.append(_("Not: %s") % listed([words.inside(category(one)) for one in facts.refuses]))
    if facts.has_printer is not None:
        found.append(_("Prints labels") if facts.has_printer else _("Has no printer for labels"))
    return tuple(found)


def unsaid(facts: Facts) -> str:
    """What nobody has told, in one sentence; empty when everything is known."""
    named = [
        (facts.max_weight_g is None and facts.max_size_mm is None, _("how heavy and large a thing may be")),
        (facts.has_printer is None, _("whether it prints labels")),
        (facts.step_free is None, _("whether there are steps")),
    ]
    missing = [text for is_missing, text in named if is_missing]
    return _("Nobody has told us %s.") % listed(missing, _(" or ")) if missing else ""


def steps(facts: Facts) -> str:
    if facts.step_free is None:
        return ""
    return _("No steps at the door") if facts.step_free else _("There are steps at the door")


def collected(facts: Facts) -> str:
    return listed([carrier(one) for one in facts.carriers or ()]) if facts.carriers else ""


def needs_of(things: Iterable[tuple[int | None, str | None]]) -> Needs:
    """What a place must take: the heaviest of these things, as each is tagged by itself, and every category.

    A retailer writes categories as it likes: of `Home > Furniture` both words count.
    """
    weights, named = [], set()
    for grams, category_path in things:
        weights += [] if grams is None else [grams]
        named |= {word(part) for part in _PATH.split(category_path or "")}
    return Needs(weight_g=max(weights, default=None) or None, categories=frozenset(named - {""}))


def needed(needs: Needs) -> str:
    """`1.8 kg or batteries`: what a return asks of a place; empty when it asks nothing."""
    parts = [] if needs.weight_g is None else [weight(needs.weight_g)]
    return listed(parts + [words.inside(category(one)) for one in sorted(needs.categories)], _(" or "))
