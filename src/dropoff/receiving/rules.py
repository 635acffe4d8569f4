"""What a report from the unpacking table says: what came, what did not, and what nobody expected. Pure."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from dropoff.kernel.tags import fold_tag
from dropoff.returns.rules import Condition, Disposition

__all__ = ["Condition", "Contents", "Disposition", "Findings", "Seen", "fold_tags", "is_outstanding", "sort_out"]

PlaceKind = Literal["retailer", "hub"]


class Contents(msgspec.Struct, frozen=True):
    """A parcel that was packed into the container: whether it is still owed."""

    parcel_id: str
    tag: str
    outstanding: bool


class Seen(msgspec.Struct, frozen=True):
    """A tag on the table, and the parcel it was ever on; None when nobody knows it, or nobody may."""

    tag: str
    parcel_id: str | None


class Findings(msgspec.Struct, frozen=True):
    received: tuple[Seen, ...]
    """Packed into this container, in the order of the report; those of an earlier report too."""
    missing: tuple[Contents, ...]
    unexpected: tuple[Seen, ...]


def fold_tags(texts: Iterable[str]) -> tuple[str, ...]:
    """As tags are stored, each once, in the order they were scanned: a scanner reads twice, a person once more."""
    return tuple(dict.fromkeys(fold_tag(text) for text in texts))


def is_outstanding(status: str, container_id: str | None, this_container: str) -> bool:
    """Whether a parcel that was packed here still has to come out of here: it travels or was given up, and went into
    no other container since."""
    return status in ("in_container", "in_transit", "lost") and container_id in (None, this_container)


def sort_out(contents: Mapping[str, Contents], seen: Iterable[Seen]) -> Findings:
    """`contents` by parcel id. A parcel may be seen twice: it came once."""
    received, unexpected, came = [], [], set()
    for one in seen:
        if one.parcel_id is not None and one.parcel_id in contents:
            received.append(one)
            came.add(one.parcel_id)
        else:
            unexpected.append(one)
    missing = tuple(owed for owed in contents.values() if owed.outstanding and owed.parcel_id not in came)
    return Findings(tuple(received), missing, tuple(unexpected))
