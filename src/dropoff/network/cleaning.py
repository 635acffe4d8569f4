"""One row of a location file → a `Cleaned` place or the reason why it is refused. What it tells of itself beside name,
place and hours is read by `cleaning_facts`.

The rules are the public contract's and no more: what is not in the list of repairs is either taken as it is or refused
with a reason from a closed list. It knows nothing of files, encodings or the database.
"""

import hashlib
import json
import re
from typing import Any, Final

import msgspec

from dropoff.network import cleaning_facts, countries, hours
from dropoff.network.cleaning_text import RAW_MAX, clean_text
from dropoff.network.facts import UNTOLD, Facts
from dropoff.network.positions import NoPosition, position_of

KINDS: Final = ("store", "locker", "post_office", "hub")
TEXT_MAX: Final = 200
HOURS_MAX: Final = hours.MAX_EXPRESSION
ACCEPTS_MAX: Final = 32
REJECTION_REASONS: Final = (
    "not_an_object",
    "row_malformed",
    "row_too_large",
    "id_missing",
    "id_malformed",
    "name_missing",
    "kind_unknown",
    "country_unknown",
    "position_missing",
    "position_malformed",
    "position_out_of_range",
    "position_null_island",
    "geometry_unsupported",
    "text_too_long",
    "text_malformed",
    "accepts_malformed",
    "live_malformed",
    "duplicate_id",
)

_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_OPTIONAL_TEXTS = ("operator", "street", "postcode", "city", "phone", "url")
_TRUE, _FALSE = frozenset(("true", "1", "yes")), frozenset(("false", "0", "no"))


class RawRow(msgspec.Struct, frozen=True):
    """A row as its file has it. `repaired` holds what reading the file already had to mend."""

    index: int
    properties: Any
    geometry: Any = None
    feature_id: Any = None
    repaired: tuple[str, ...] = ()


class Rejected(msgspec.Struct, frozen=True):
    index: int
    external_id: str | None
    reason: str
    detail: str


class Cleaned(msgspec.Struct, frozen=True):
    index: int
    external_id: str
    name: str
    kind: str
    operator: str | None
    street: str | None
    postcode: str | None
    city: str | None
    country: str
    lat: float
    lon: float
    zone: str
    opening_hours: str | None
    accepts: tuple[str, ...]
    phone: str | None
    url: str | None
    photo_url: str | None
    access_note: str | None
    facts: Facts
    live: bool
    repaired: tuple[str, ...]

    def content_hash(self) -> bytes:
        """Equal for rows that would be stored alike; the order of a file and its repairs do not count.

        What a row leaves unsaid does not count either, so that a place stays unchanged when there is more to say of
        places than there was when it came in."""
        content: list[Any] = [getattr(self, name) for name in _ALWAYS_HASHED]
        if self.photo_url or self.access_note or self.facts != UNTOLD:
            content += [self.photo_url, self.access_note, self.facts]
        return hashlib.blake2b(msgspec.json.encode(content), digest_size=16).digest()


_ALWAYS_HASHED: Final = tuple(
    name for name in Cleaned.__struct_fields__ if name not in ("index", "photo_url", "access_note", "facts", "repaired")
)


class _Refused(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail


def clean(row: RawRow) -> Cleaned | Rejected:
    if not isinstance(row.properties, dict):
        return Rejected(row.index, None, "not_an_object", "The row is not a feature with properties.")
    fields = _Fields(row.properties, row.repaired)
    external_id: str | None = None
    try:
        external_id = fields.identifier(row.feature_id)
        return _cleaned(row, external_id, fields)
    except _Refused as refused:
        return Rejected(row.index, external_id, refused.reason, refused.detail)


def _cleaned(row: RawRow, external_id: str, fields: "_Fields") -> Cleaned:
    name = fields.text("name")
    if name is None:
        raise _Refused("name_missing", "`name` is required and must not be blank.")
    kind = fields.text("kind")
    if kind not in KINDS:
        raise _Refused("kind_unknown", f"`kind` must be one of {', '.join(KINDS)}, not {_quoted(kind)}.")
    country = fields.text("country")
    if country is None or country not in countries.country_codes():
        raise _Refused("country_unknown", f"`country` must be an ISO 3166 alpha-2 code, not {_quoted(country)}.")
    position = position_of(row.geometry, country)
    if isinstance(position, NoPosition):
        raise _Refused(position.reason, position.detail)
    if position.repaired:
        fields.told("position")
    texts = {field: fields.text(field) for field in _OPTIONAL_TEXTS}
    opening_hours, accepts, live = fields.opening_hours(), fields.accepts(), fields.live()
    told = cleaning_facts.read(row.properties, accepts)
    for field in told.repaired:
        fields.told(field)
    return Cleaned(
        index=row.index,
        external_id=external_id,
        name=name,
        kind=kind,
        country=country,
        lat=position.lat,
        lon=position.lon,
        zone=countries.zone_at(position.lat, position.lon),
        opening_hours=opening_hours,
        accepts=accepts,
        photo_url=told.photo_url,
        access_note=told.access_note,
        facts=told.facts,
        live=live,
        repaired=fields.repaired(),
        **texts,
    )


def _quoted(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else type(value).__name__
    return "nothing" if value is None else shown[:60]


class _Fields:
    """Reads a row's properties one by one and remembers which of them it had to repair."""

    def __init__(self, properties: dict[str, Any], repaired: tuple[str, ...]) -> None:
        self._properties = properties
        self._repaired = dict.fromkeys(repaired)

    def told(self, field: str) -> None:
        self._repaired[field] = None

    def repaired(self) -> tuple[str, ...]:
        return tuple(self._repaired)

    def identifier(self, feature_id: Any) -> str:
        raw = self._properties.get("id")
        raw = feature_id if raw is None else raw
        text = self._read("id", raw, reason="id_malformed")
        if text is None:
            raise _Refused("id_missing", "`id` is required: it is how the next import finds the place again.")
        if len(text) > TEXT_MAX:
            raise _Refused("id_malformed", f"`id` is longer than {TEXT_MAX} characters.")
        return text

    def text(self, field: str) -> str | None:
        text = self._read(field, self._properties.get(field))
        if text is not None and len(text) > TEXT_MAX:
            raise _Refused("text_too_long", f"`{field}` has {len(text)} characters; {TEXT_MAX} is the most.")
        return text

    def _read(self, field: str, raw: Any, reason: str = "text_malformed") -> str | None:
        """The cleaned text, None when there is none. A whole number (an id, a postcode) is read as its digits."""
        if raw is None or raw == "":
            return None
        if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < 10**18:
            self.told(field)
            return str(raw)
        if not isinstance(raw, str):
            raise _Refused(reason, f"`{field}` is no text.")
        if len(raw) > RAW_MAX:
            raise _Refused("text_too_long", f"`{field}` has {len(raw)} characters; {TEXT_MAX} is the most.")
        text = clean_text(raw)
        if text != raw:
            self.told(field)
        return text or None

    def opening_hours(self) -> str | None:
        """OSM hours or a spelling of 24/7; anything else stays text, whose hours are unknown."""
        raw = self._properties.get("opening_hours")
        if raw is None or raw == "":
            return None
        if not isinstance(raw, str):
            raw = json.dumps(raw, ensure_ascii=False)
        text = clean_text(raw[:RAW_MAX])
        if len(text) > HOURS_MAX:
            # The ellipsis keeps the cut text from being taken for hours.
            return text[: HOURS_MAX - 1] + "…"
        if text != raw:
            self.told("opening_hours")
        if text != hours.AROUND_THE_CLOCK and not hours.is_hours(text) and hours.is_around_the_clock(text):
            self.told("opening_hours")
            return hours.AROUND_THE_CLOCK
        return text or None

    def accepts(self) -> tuple[str, ...]:
        """Words such as `box_free`, as a list or in one text between commas, semicolons or blanks."""
        raw = self._properties.get("accepts")
        if raw is None or raw == "":
            return ()
        words = re.split(r"[,;\s]+", clean_text(raw).casefold()) if isinstance(raw, str) else raw
        if not isinstance(words, list) or len(words) > ACCEPTS_MAX:
            raise _Refused("accepts_malformed", f"`accepts` must be a list of at most {ACCEPTS_MAX} words.")
        words = [word for word in words if word != ""]
        if not all(isinstance(word, str) and _WORD.fullmatch(word) for word in words):
            raise _Refused("accepts_malformed", "`accepts` holds words of a-z, 0-9, `_` and `-`.")
        return tuple(sorted(set(words)))

    def live(self) -> bool:
        raw = self._properties.get("live")
        if raw is None or raw == "":
            return True
        if isinstance(raw, bool):
            return raw
        word = raw.strip().casefold() if isinstance(raw, str) else str(raw) if raw in (0, 1) else ""
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise _Refused("live_malformed", "`live` must be true or false.")
