"""The fields of a place that a source tells and an operator may set by hand, and where each of them is stored. Pure."""

from typing import Any, Final

import msgspec

from dropoff.network.facts import Facts

TEXTS: Final = ("operator", "street", "postcode", "city", "phone", "url", "opening_hours", "photo_url", "access_note")
"""Empty text means "none"."""
FACTS: Final = Facts.__struct_fields__
FIELDS: Final = ("name", "kind", "country", "position", *TEXTS, "accepts", "live", *FACTS)
_MORE: Final = {
    "position": ("lat", "lon", "zone"),
    "opening_hours": ("opening_hours", "hours_known"),
    "city": ("city", "place_key"),
    "postcode": ("postcode", "postcode_key"),
}
COLUMNS: Final[dict[str, tuple[str, ...]]] = {field: _MORE.get(field, (field,)) for field in FIELDS}
"""A field → its columns, the derived ones with it."""
ALL_COLUMNS: Final = tuple(column for columns in COLUMNS.values() for column in columns)
POINTERS: Final = {field: f"/address/{field}" for field in ("street", "postcode", "city", "country")}
"""Of fields that do not stand at the top of a body."""


def pointer(field: str) -> str:
    return POINTERS.get(field, f"/{field}")


def stored(field: str, row: dict[str, Any]) -> dict[str, Any]:
    """What a row holds for the field, by column."""
    return {column: row[column] for column in COLUMNS[field]}


def shown(field: str, values: dict[str, Any]) -> Any:
    """The same as an answer shows it: None for "none"."""
    if field == "position":
        return {"lat": values["lat"], "lon": values["lon"]}
    value = values[field]
    return None if field in TEXTS and value == "" else value


def properties(row: dict[str, Any]) -> dict[str, Any]:
    """A stored place as a location file would have it, but for its position."""
    found = {field: shown(field, row) for field in FIELDS if field != "position"}
    return {name: value for name, value in found.items() if value is not None}


class Override(msgspec.Struct, frozen=True):
    """A field that an operator set; `source_value` holds what its source says, by column."""

    location_id: str
    field: str
    source_value: dict[str, Any]
    made_at: Any
    made_by: str
