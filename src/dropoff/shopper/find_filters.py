"""The finder's filters: what stands in an address, and the links that turn each of them on and off.

A link is offered where it chooses something among the places around; what is on stays, so that it can be turned off.
Those that few need stand apart, in groups. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from dropoff.network.facts import NO_NEEDS, Box, Facts, Needs
from dropoff.shopper import find_facts
from dropoff.shopper.find_words import ACCEPT_WORDS, KIND_WORDS
from dropoff.web.languages import N_, _

WEIGHTS_G: Final = (2_000, 5_000, 10_000, 20_000, 30_000)
BOXES: Final[tuple[tuple[Box, str], ...]] = (
    ((350, 250, 150), N_("Shoe box")),
    ((600, 400, 400), N_("Moving box")),
    ((750, 500, 300), N_("Suitcase")),
)
WORDS_SHOWN: Final = 8
"""Of carriers and of categories, the most frequent around."""


class Filters(msgspec.Struct, frozen=True):
    """What the address asks for beside where."""

    kinds: frozenset[str] = frozenset()
    accepts: frozenset[str] = frozenset()
    open_now: bool = False
    on_arrival: bool = False
    """Instead of `open_now`: open when one gets there on foot."""
    has_room: bool = False
    prefer_proven: bool = False
    """Ranks, and leaves nothing out."""
    needs: Needs = NO_NEEDS

    @property
    def any(self) -> bool:
        return bool(
            self.kinds or self.accepts or self.open_now or self.on_arrival or self.has_room or self.needs != NO_NEEDS
        )

    def fields(self) -> list[tuple[str, str]]:
        """As they stand in an address or in a form, always in the same order, named as in `/v1/locations`."""
        needs = self.needs
        found = [
            ("kind", ",".join(sorted(self.kinds))),
            ("accepts", ",".join(sorted(self.accepts))),
            ("open", "arrival" if self.on_arrival else "now" if self.open_now else ""),
            ("room", "1" if self.has_room else ""),
            ("prefer", "proven" if self.prefer_proven else ""),
            ("step_free", "true" if needs.step_free else ""),
            ("printer", "true" if needs.printer else ""),
            ("weight_g", "" if needs.weight_g is None else str(needs.weight_g)),
            ("size_mm", "" if needs.size_mm is None else "x".join(map(str, needs.size_mm))),
            ("category", ",".join(sorted(needs.categories))),
            ("carrier", ",".join(sorted(needs.carriers))),
        ]
        return [(name, value) for name, value in found if value]


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What the places near know, by which a filter would choose."""

    kinds: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    step_free: bool = False
    printer: bool = False
    facts: tuple[Facts, ...] = ()
    """Of the nearest ones."""


class Choice(msgspec.Struct, frozen=True):
    """A filter as a link that turns it on or off."""

    text: str
    url: str
    on: bool


class Group(msgspec.Struct, frozen=True):
    title: str
    choices: tuple[Choice, ...]


def address(where: Mapping[str, str], filters: Filters, page: int = 1) -> str:
    fields = [(name, value) for name, value in where.items() if value] + filters.fields()
    fields += [("page", str(page))] if page > 1 else []
    return f"/find?{urlencode(fields)}" if fields else "/find"


class _Links:
    def __init__(self, where: Mapping[str, str], filters: Filters) -> None:
        self._where, self._filters = where, filters

    def to(self, text: str, on: bool, **turned: object) -> Choice:
        return Choice(text, address(self._where, msgspec.structs.replace(self._filters, **turned)), on)

    def need(self, text: str, on: bool, **turned: object) -> Choice:
        return self.to(text, on, needs=self._filters.needs._replace(**turned))  # type: ignore[arg-type]


def choices(
    where: Mapping[str, str], filters: Filters, around: Around, *, hours: bool, room: bool = False, used: bool = False
) -> tuple[Choice, ...]:
    """Those that many need. `room`: some places told how much they can hold. `used`: of some it is known when a parcel
    or a driver came last."""
    links = _Links(where, filters)
    found = []
    if hours or filters.open_now or filters.on_arrival:
        now, then = not filters.open_now, not filters.on_arrival
        found.append(links.to(_("Open now"), filters.open_now, open_now=now, on_arrival=False))
        found.append(links.to(_("Open when you arrive"), filters.on_arrival, open_now=False, on_arrival=then))
    if room or filters.has_room:
        found.append(links.to(_("Not full"), filters.has_room, has_room=not filters.has_room))
    if used or filters.prefer_proven:
        turned = not filters.prefer_proven
        found.append(links.to(_("Lately used first"), filters.prefer_proven, prefer_proven=turned))
    known = set(around.kinds) | filters.kinds
    if len(known) > 1 or filters.kinds:
        for kind, (_one, many) in KIND_WORDS.items():
            if kind in known:
                found.append(links.to(many, kind in filters.kinds, kinds=filters.kinds ^ {kind}))
    return tuple(found)


def _packed(links: "_Links", filters: Filters, around: Around) -> tuple[Choice, ...]:
    words = (word for word in ACCEPT_WORDS if word in filters.accepts or word in around.accepts)
    return tuple(
        links.to(ACCEPT_WORDS[word][1], word in filters.accepts, accepts=filters.accepts ^ {word}) for word in words
    )


def _at_the_place(links: "_Links", needs: Needs, around: Around) -> tuple[Choice, ...]:
    found = []
    if around.step_free or needs.step_free:
        found.append(links.need(_("Step-free"), needs.step_free, step_free=not needs.step_free))
    if around.printer or needs.printer:
        found.append(links.need(_("Prints labels"), needs.printer, printer=not needs.printer))
    return tuple(found)


def groups(where: Mapping[str, str], filters: Filters, around: Around) -> tuple[Group, ...]:
    """The rest, each under its title; nothing for which the places around have no answer."""
    links, needs = _Links(where, filters), filters.needs
    weights: list[int] = []
    if _limits(around, "max_weight_g", needs.weight_g):
        weights = sorted({*WEIGHTS_G, needs.weight_g or WEIGHTS_G[0]})
    boxes = dict(BOXES)
    if needs.size_mm is not None:
        boxes.setdefault(needs.size_mm, find_facts.size(needs.size_mm))
    if not _limits(around, "max_size_mm", needs.size_mm):
        boxes = {}
    categories = _words((facts.refuses for facts in around.facts), needs.categories)
    carriers = _words((facts.carriers for facts in around.facts), needs.carriers)
    found = [
        Group(_("At the place"), _at_the_place(links, needs, around)),
        Group(_("How it is packed"), _packed(links, filters, around)),
        Group(
            _("How heavy it is"),
            tuple(
                links.need(
                    _("Up to %s") % find_facts.weight(grams),
                    grams == needs.weight_g,
                    weight_g=None if grams == needs.weight_g else grams,
                )
                for grams in weights
            ),
        ),
        Group(
            _("How large it is"),
            tuple(
                links.need(text, box == needs.size_mm, size_mm=None if box == needs.size_mm else box)
                for box, text in boxes.items()
            ),
        ),
        Group(
            _("What is in it"),
            tuple(
                links.need(find_facts.category(word), word in needs.categories, categories=needs.categories ^ {word})
                for word in categories
            ),
        ),
        Group(
            _("Who collects there"),
            tuple(
                links.need(find_facts.carrier(word), word in needs.carriers, carriers=needs.carriers ^ {word})
                for word in (carriers if len(carriers) > 1 or needs.carriers else ())
            ),
        ),
    ]
    return tuple(group for group in found if group.choices)


def _limits(around: Around, field: str, asked: object) -> bool:
    return asked is not None or any(getattr(facts, field) is not None for facts in around.facts)


def _words(told: Iterable[tuple[str, ...] | None], asked: frozenset[str]) -> list[str]:
    counts: dict[str, int] = {}
    for words in told:
        for word in words or ():
            counts[word] = counts.get(word, 0) + 1
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:WORDS_SHOWN]
    return sorted({*frequent, *asked})
