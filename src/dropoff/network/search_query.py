"""What can be asked of the public search, in a URL's words, and what is meant by them."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from dropoff.kernel.errors import invalid
from dropoff.network import countries
from dropoff.network.facts import NO_NEEDS, WEIGHT_MAX_G, WORDS_MAX, Box, Needs, box_of, word
from dropoff.network.nearby_columns import operator_key
from dropoff.network.nearby_filters import ANYTHING, Attributes
from dropoff.network.nearby_geometry import origin
from dropoff.network.nearby_hours import minute_of
from dropoff.network.nearby_ranking import Question
from dropoff.network.positions import number
from dropoff.web.problems import Refused

LIMIT_MAX: Final = 100
RADIUS_MAX_M: Final = 21_000_000
SILENT_DAYS_MAX: Final = 366
PUBLIC_KINDS: Final = ("store", "locker", "post_office")
_ANY: Final[frozenset[str]] = frozenset()
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One of `near` and `q`; `near` goes first. Neither, for an operator, lists everything page by page."""

    near: Annotated[str, Meta(max_length=80, description="LAT,LON in degrees")] | None = None
    q: Annotated[str, Meta(max_length=200, description="a postcode or a town, however it is spelt")] | None = None
    country: Annotated[str, Meta(max_length=2, description="ISO 3166 alpha-2")] | None = None
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = 20
    kind: Annotated[str, Meta(max_length=100, description="any of these, between commas")] | None = None
    open_at: Annotated[str, Meta(max_length=40, description="RFC 3339 with an offset, or `now`")] | None = None
    accepts: Annotated[str, Meta(max_length=400, description="all of these, between commas")] | None = None
    operator: Annotated[str, Meta(max_length=400, description="any of these names, between commas")] | None = None
    carrier: Annotated[str, Meta(max_length=400, description="any of these collects, between commas")] | None = None
    step_free: Annotated[Literal["true"], Meta(description="only where it surely is")] | None = None
    printer: Annotated[Literal["true"], Meta(description="only where there surely is one")] | None = None
    weight_g: Annotated[int, Meta(ge=1, le=WEIGHT_MAX_G, description="not where it surely is too much")] | None = None
    size_mm: Annotated[str, Meta(max_length=40, description="400x300x200; not where surely too large")] | None = None
    category: Annotated[str, Meta(max_length=400, description="not where one of these is refused")] | None = None
    radius_m: Annotated[float, Meta(gt=0, le=RADIUS_MAX_M)] | None = None
    open_on_arrival: Annotated[
        bool, Meta(description="only what is surely open when one gets there on foot, within an hour")
    ] = False
    has_room: Annotated[bool, Meta(description="leave out what is known to be full")] = False
    prefer: (
        Annotated[Literal["proven"], Meta(description="an unproven place ranks as if it were 300 m farther away")]
        | None
    ) = None
    after: Annotated[str, Meta(max_length=40)] = ""
    source: Annotated[str, Meta(max_length=60)] | None = None
    state: Annotated[str, Meta(max_length=10)] | None = None
    full: Annotated[Literal["true"], Meta(description="of the operator's list: only what is full")] | None = None
    silent_days: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=SILENT_DAYS_MAX,
                description="of the operator's list: only where nothing was handed in or fetched for so many days",
            ),
        ]
        | None
    ) = None


class Filters(NamedTuple):
    """All of a question but where it is asked from."""

    limit: int
    wanted: Attributes
    radius_m: float | None
    open_at: int | None
    """A minute."""
    open_now: bool
    on_arrival: bool
    has_room: bool
    prefer_proven: bool

    def question(self, here: tuple[float, float], minute: int, *, patient: bool) -> Question:
        """`minute`: now."""
        open_at = minute if self.open_now else self.open_at
        return Question(
            origin(*here),
            self.limit,
            self.radius_m,
            self.wanted,
            open_at,
            patient,
            minute,
            self.on_arrival,
            self.has_room,
            self.prefer_proven,
        )


def filters_of(asked: SearchQuery) -> Filters:
    """Raises `Refused`."""
    wanted = Attributes(
        kinds=_kinds(asked.kind),
        accepts=_words(asked.accepts),
        operators=_operators(asked.operator),
        country=country_of(asked.country),
        needs=_needs(asked),
    )
    moment = _moment(asked.open_at)
    open_at = None if moment is None else minute_of(moment)
    wanted = ANYTHING if wanted == ANYTHING else wanted
    return Filters(
        limit=asked.limit,
        wanted=wanted,
        radius_m=asked.radius_m,
        open_at=open_at,
        open_now=asked.open_at == "now",
        on_arrival=asked.open_on_arrival,
        has_room=asked.has_room,
        prefer_proven=asked.prefer is not None,
    )


def position_of(text: str) -> tuple[float, float]:
    parts = [number(part) for part in text.split(",")]
    if len(parts) == 2 and parts[0] is not None and parts[1] is not None:
        lat, lon = parts[0][0], parts[1][0]
        if -90 <= lat <= 90 and -180 <= lon <= 180:
            return lat, lon
    raise Refused(invalid("?near", "`near` is LAT,LON in degrees: -90 to 90 and -180 to 180."))


def country_of(text: str | None) -> str | None:
    if not text:
        return None
    if text.upper() not in countries.country_codes():
        raise Refused(invalid("?country", "`country` is an ISO 3166 alpha-2 code such as DK."))
    return text.upper()


def _kinds(text: str | None) -> frozenset[str]:
    if not text:
        return _ANY
    found = frozenset(part.strip() for part in text.split(",") if part.strip())
    if not found <= set(PUBLIC_KINDS):
        raise Refused(invalid("?kind", f"`kind` holds {', '.join(PUBLIC_KINDS)}, between commas."))
    return found


def _words(text: str | None) -> frozenset[str]:
    if not text:
        return _ANY
    found = frozenset(part.strip().casefold() for part in text.split(",") if part.strip())
    if not all(map(_WORD.fullmatch, found)):
        raise Refused(invalid("?accepts", "`accepts` holds words such as box_free, between commas."))
    return found


def _needs(asked: SearchQuery) -> Needs:
    needs = Needs(
        carriers=_named("carrier", asked.carrier),
        step_free=asked.step_free is not None,
        printer=asked.printer is not None,
        weight_g=asked.weight_g,
        size_mm=_box(asked.size_mm),
        categories=_named("category", asked.category),
    )
    return NO_NEEDS if needs == NO_NEEDS else needs


def _named(field: str, text: str | None) -> frozenset[str]:
    """As places hold them: case, accents and blanks do not count."""
    if not text:
        return _ANY
    found = frozenset(word(part) for part in text.split(",") if part.strip())
    if "" in found or len(found) > WORDS_MAX:
        raise Refused(invalid(f"?{field}", f"`{field}` holds at most {WORDS_MAX} words, between commas."))
    return found


def _box(text: str | None) -> Box | None:
    found = box_of(text) if text else None
    if text and found is None:
        raise Refused(invalid("?size_mm", "`size_mm` is three whole numbers such as 400x300x200."))
    return found


def _operators(text: str | None) -> frozenset[str]:
    """Case, accents and punctuation do not count. A name without a letter is no operator's."""
    if not text:
        return _ANY
    names = (part.strip() for part in text.split(","))
    return frozenset(operator_key(name) or name for name in names if name)


def _moment(text: str | None) -> datetime | None:
    if not text or text == "now":
        return None
    try:
        # A plus sign that was not encoded arrives as a blank.
        found = datetime.fromisoformat(text.replace(" ", "+"))
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refused(invalid("?open_at", "`open_at` is `now` or an RFC 3339 time with its offset."))
