"""What a scanned or typed text can be, by its look alone. Any text may come in: from a foreign label, a keyboard with
another layout, a hand that slipped. Whether a number is ours is the database's answer."""

import re

import msgspec

from dropoff.kernel import codes, foreign, gs1, tags

_CONTAINER_ID = re.compile(r"\Actr_[0-9A-HJKMNP-TV-Z]{26}\Z")


class Reading(msgspec.Struct, frozen=True):
    """All that the text may mean, to be looked up in this order; what is None it cannot be."""

    container_id: str | None = None
    sscc: str | None = None
    grai: str | None = None
    network: foreign.Network | None = None
    """A parcel number that is certainly this other network's."""
    maybe: foreign.Foreign | None = None
    """Whose number it may be, if it is no tag of ours."""
    tag: str | None = None
    short_code: str | None = None
    """Of a pass or of a visit."""
    roll: tuple[str, str] | None = None
    """First and last tag of a roll, by its head label."""
    may_be_pass: bool = False


def read(text: str) -> Reading:
    sscc = gs1.parse_sscc(text)
    if sscc is not None:
        return Reading(sscc=sscc)
    other = foreign.identify(text)
    if other is not None and other.strength == "certain":
        return Reading(network=other.network)
    roll = tags.read_roll_head(text)
    if roll is not None:
        return Reading(roll=roll)
    bare = text.strip(" \t\r\n")
    tag = tags.fold_tag(text)
    return Reading(
        # Not the last word on it: a 14-digit article number looks like a GRAI, and may be somebody's tag.
        grai=gs1.parse_grai(text),
        container_id=bare if _CONTAINER_ID.match(bare) else None,
        tag=tag if tags.is_wellformed_tag(tag) else None,
        short_code=codes.spoken_code(text),
        may_be_pass=bool(codes.code_candidates(text)),
        maybe=None if tags.is_written(tag) else other,
    )


def is_likely_foreign(tag: str) -> bool:
    """Digits that fit another network's check: no tag, unless a roll of this place holds it."""
    found = foreign.identify(tag)
    return found is not None and found.strength == "likely"
