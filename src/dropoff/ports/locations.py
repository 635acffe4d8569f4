"""What a source of drop-off points gives. This file is the whole contract; `dropoff.testing` holds the proof of it.

A source is a distribution with one entry point in the group `dropoff.locations`; its object is a factory that gets the
source's name and the process environment:

    [project.entry-points."dropoff.locations"]
    acme = "dropoff_locations_acme:connect"

    def connect(name: str, environment: Mapping[str, str]) -> AcmePoints:
        return AcmePoints(read_settings(name, environment, AcmeSettings))

One plug-in may serve several sources: `DROPOFF_LOCATIONS_<NAME>_PLUGIN` says which plug-in stands behind a name, and
without it the name is the plug-in's own. Places are kept under the source's name.

A source gives rows as they are, page by page. What is every source's dirt is the service's to clean: spellings of 24/7,
swapped axes, HTML entities, numbers written as text, the same id twice. What only this source does is the plug-in's:
its words for weekdays, its way of writing hours, its field names, its records that are tests or out of service. For
hours there is `dropoff.kernel.osm_hours`, for HTTP `dropoff.ports.fetching`.

A pull that breaks off must raise: a source that ends early in silence would take places out of the network.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeVar

import msgspec

ENTRY_POINT_GROUP = "dropoff.locations"

PAGE_ROWS_MAX = 2_000
"""Rows of one page: each page is staged in one short transaction, together with its cursor."""
ROWS_MAX = 2_000_000
"""Rows of one pull. More is a source gone wild, not a network."""
EMPTY_PAGES_MAX = 1_000
"""Pages without a row, one after the other."""

KINDS = ("store", "locker", "post_office", "hub")

SERVICE_SETTINGS = ("plugin", "every")
"""Settings under a source's prefix that the service reads itself."""

Settings = TypeVar("Settings", bound=msgspec.Struct)


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One place as the source tells it, in the fields of location files. `id`, `name`, `kind`, `country` and a position
    are needed in the end; a row without them is rejected and told, so never invent them.

    A locker and a counter at one address are two places with two ids.
    """

    id: Any
    name: Any = None
    kind: Any = None
    """One of `KINDS`."""
    operator: Any = None
    street: Any = None
    postcode: Any = None
    city: Any = None
    country: Any = None
    """ISO 3166 alpha-2."""
    opening_hours: Any = None
    """OSM syntax, or whatever the source says: that is kept as text and its hours are unknown."""
    accepts: Any = None
    """Words such as `parcel`, `label_free`, `box_free`."""
    phone: Any = None
    url: Any = None
    carriers: Any = None
    """Who collects there, as a list of words or names."""
    step_free: Any = None
    """True or False where the source surely says so. None is "nobody said": never write False for it."""
    has_printer: Any = None
    """Whether it prints labels for those who bring none; as above."""
    max_weight_g: Any = None
    max_size_mm: Any = None
    """Three sides, in any order."""
    refuses: Any = None
    """Categories that are not taken, such as `batteries`, `liquids`, `furniture`."""
    photo_url: Any = None
    """https only; others may follow it, no page of ours loads it."""
    access_note: Any = None
    """How to reach it from the street, in at most 200 characters."""
    lat: Any = None
    lon: Any = None
    live: Any = None
    geometry: Any = None
    """GeoJSON, instead of `lat` and `lon`."""
    repaired: tuple[str, ...] = ()
    """Fields that the plug-in had to mend; they are told in the report."""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is no place to hand anything in, told in the report.

    `gone`: the source itself says so (disabled, a test record), and a place of the network with that id is removed. Not
    gone is a record that cannot be read: what the network has under its id stays as it is.
    """

    id: str | None
    reason: str
    """Few lower-case words with underscores, the same for the same cause: they are counted."""
    detail: str
    gone: bool = True


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """At most `PAGE_ROWS_MAX` rows, in the order of the source."""

    rows: tuple[Point | LeftOut, ...]
    cursor: str | None = None
    """Where a pull that broke off after this page goes on; None where the source can only be read from its start, and
    on the last page."""
    complete: bool = True
    """False: places may be missing here although the source was read to its end (a search that gives at most fifty).
    Such a pull adds and changes, and removes nothing."""


class SourceError(Exception):
    """Base of the three kinds. Raise one of them, never this. Nothing of a pull that raised comes into force."""


class Unavailable(SourceError):
    """Not now: a time-out, a refused connection, 429, 5xx. The pull goes on later, where it stopped.

    `retry_after_s` is the source's own wish, if it told one.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Malformed(SourceError):
    """It answered, but not with what it should: HTML, half a document, another shape. The message says what."""


class Misconfigured(SourceError):
    """Nothing will come until a setting changes: an address, a key, a column."""


class LocationSource(Protocol):
    @property
    def host(self) -> str:
        """Where the places come from, for their provenance: the host of the address, or `file`."""
        ...

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Everything after the page with that cursor; from the start with None.

        It runs in a worker thread. Give a page as soon as it is there: between pages the service keeps what it has and
        may stop.
        """
        ...


def read_pages(source: LocationSource, cursor: str | None = None, *, rows_max: int = ROWS_MAX) -> Iterator[Page]:
    """The source's pages, within bounds: one that never ends or goes in circles is `Malformed`."""
    rows, empty = 0, 0
    seen = {hash(cursor)}
    for page in source.pages(cursor):
        if len(page.rows) > PAGE_ROWS_MAX:
            raise Malformed(f"the plug-in gave a page of {len(page.rows)} rows; {PAGE_ROWS_MAX} is the most")
        rows += len(page.rows)
        empty = 0 if page.rows else empty + 1
        if rows > rows_max:
            raise Malformed(f"the source gives more than {rows_max} rows")
        if empty > EMPTY_PAGES_MAX:
            raise Malformed(f"the source gave {empty} empty pages in a row")
        if page.cursor is not None and hash(page.cursor) in seen:
            raise Malformed("the source goes in circles: a page was given twice")
        seen.add(hash(page.cursor))
        yield page


def setting_prefix(name: str) -> str:
    return f"DROPOFF_LOCATIONS_{name.upper().replace('-', '_')}_"


def read_settings(name: str, environment: Mapping[str, str], shape: type[Settings]) -> Settings:
    """A source's settings from `DROPOFF_LOCATIONS_<NAME>_<FIELD>`, checked against the plug-in's struct."""
    prefix = setting_prefix(name)
    given = {key.removeprefix(prefix).lower(): value for key, value in environment.items() if key.startswith(prefix)}
    given = {field: value for field, value in given.items() if field not in SERVICE_SETTINGS}
    unknown = sorted(set(given) - set(shape.__struct_fields__))
    if unknown:
        raise Misconfigured(f"no such setting: {', '.join(prefix + field.upper() for field in unknown)}")
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{prefix}…: {error}") from error
