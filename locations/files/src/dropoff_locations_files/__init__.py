"""A file of places as somebody else writes it: GeoJSON or CSV, on disk or behind an address, plain, gzip or zip.

Columns are mapped to the fields of location files by a setting, values that the file leaves out are given by another.
Axes named X and Y, hours in local words and hours as JSON in a string are understood. What every file has wrong is the
importer's to mend.
"""

import codecs
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from dropoff.kernel.csv_table import Row, read_table
from dropoff.kernel.json_array import ArrayReader, Element
from dropoff.kernel.osm_hours import compose, read_structure, read_words
from dropoff.kernel.packed import unpacked
from dropoff.kernel.textfile import FileInvalid, text_chunks
from dropoff.ports.fetching import Request, check_url, fetched, host_of
from dropoff.ports.locations import (
    LeftOut,
    Malformed,
    Misconfigured,
    Page,
    Point,
    Unavailable,
    read_settings,
    setting_prefix,
)

ROWS = 1_000
FILE_MAX = 1 << 30
"""Bytes, unpacked."""
FIELDS = tuple(field for field in Point.__struct_fields__ if field not in ("geometry", "repaired"))
LAT_NAMES = ("lat", "latitude", "y", "breitengrad", "breddegrad", "latitud", "szerokosc")
LON_NAMES = ("lon", "lng", "long", "longitude", "x", "laengengrad", "længdegrad", "lengdegrad", "longitud", "dlugosc")


class FilesSettings(msgspec.Struct, frozen=True):
    path: str = ""
    url: str = ""
    """Instead of `path`."""
    format: Literal["", "geojson", "csv"] = ""
    """Empty: by the ending of the name."""
    columns: str = ""
    """`id=Nummer, name=Bezeichnung`: our field, their column."""
    defaults: str = ""
    """`kind=store, country=DE`: for rows that leave it out."""
    kinds: str = ""
    """`Paketshop=store, Automat=locker`: their word, our kind."""
    encoding: str = ""
    """`cp1250`: when it is neither Unicode nor Windows-1252, which are told apart without it."""
    authorization: str = ""
    """The header of that name."""
    patience_s: float = 60


class Files:
    def __init__(self, settings: FilesSettings, prefix: str) -> None:
        self._settings = settings
        named = _pairs(f"{prefix}COLUMNS", settings.columns)
        self._columns = {theirs.casefold(): ours for ours, theirs in named.items()}
        self._defaults = _pairs(f"{prefix}DEFAULTS", settings.defaults)
        self._kinds = {theirs.casefold(): ours for theirs, ours in _pairs(f"{prefix}KINDS", settings.kinds).items()}
        if settings.encoding and not _is_encoding(settings.encoding):
            raise Misconfigured(f"{prefix}ENCODING: no such encoding of text: {settings.encoding}")
        for setting, fields in (("COLUMNS", named), ("DEFAULTS", self._defaults)):
            if unknown := sorted(set(fields) - set(FIELDS)):
                raise Misconfigured(f"{prefix}{setting}: no such field: {', '.join(unknown)}")

    @property
    def host(self) -> str:
        return host_of(self._settings.url) if self._settings.url else "file"

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """A file is read from its start, always."""
        rows: list[Point | LeftOut] = []
        with self._unpacked() as path:
            try:
                for row in self._rows(path):
                    rows.append(row)
                    if len(rows) == ROWS:
                        yield Page(rows=tuple(rows))
                        rows.clear()
            except FileInvalid as error:
                raise Malformed(f"the file cannot be read to its end: {_told(error)}") from None
        yield Page(rows=tuple(rows))

    @contextlib.contextmanager
    def _unpacked(self) -> Iterator[Path]:
        with contextlib.ExitStack() as stack:
            path = stack.enter_context(self._fetched()) if self._settings.url else Path(self._settings.path)
            try:
                path = stack.enter_context(unpacked(path, FILE_MAX))
            except OSError as error:
                raise Unavailable(f"the file cannot be read: {error.strerror}") from error
            except FileInvalid as error:
                raise Malformed(f"the file cannot be read to its end: {_told(error)}") from None
            yield path

    def _fetched(self) -> contextlib.AbstractContextManager[Path]:
        headers = {"Authorization": self._settings.authorization} if self._settings.authorization else {}
        return fetched(
            Request(url=self._settings.url, headers=headers, patience_s=self._settings.patience_s, body_max=FILE_MAX)
        )

    def _rows(self, path: Path) -> Iterator[Point | LeftOut]:
        if _format(self._settings) == "csv":
            for row in read_table(path, ("id",), self._columns, self._settings.encoding):
                yield self._csv_row(row)
            return
        reader = ArrayReader(text_chunks(path, self._settings.encoding), "features")
        for element in reader:
            yield self._feature(element)
        if reader.frame.get("type") != "FeatureCollection":
            raise FileInvalid("Its `type` is not FeatureCollection.")

    def _csv_row(self, row: Row) -> Point | LeftOut:
        if row.cells is None:
            return LeftOut(id=None, reason="row_malformed", detail=row.detail, gone=False)
        cells = {name: cell for name, cell in row.cells.items() if cell != ""}
        return self._point(cells, None, row.repaired)

    def _feature(self, element: Element) -> Point | LeftOut:
        if element.reason is not None:
            return LeftOut(id=None, reason=element.reason, detail=element.detail, gone=False)
        feature = element.value if isinstance(element.value, dict) else {}
        properties = feature.get("properties")
        if not isinstance(properties, dict):
            return LeftOut(id=None, reason="not_an_object", detail="The feature has no properties.", gone=False)
        theirs = {str(name).casefold(): value for name, value in properties.items()}
        named = {self._columns.get(name, name): value for name, value in theirs.items()}
        if named.get("id") is None:
            named["id"] = feature.get("id")
        return self._point(named, feature.get("geometry"), element.repaired)

    def _point(self, fields: Mapping[str, Any], geometry: Any, mended: bool) -> Point:
        values = {field: fields[field] for field in FIELDS if fields.get(field) is not None}
        values = self._defaults | values
        if geometry is None:
            values |= _axes(fields)
        kind = values.get("kind")
        values["kind"] = self._kinds.get(kind.strip().casefold(), kind) if isinstance(kind, str) else kind
        values["opening_hours"], read = _hours(values.get("opening_hours"), str(values.get("country", "")))
        repaired = [name for name, told in (("encoding", mended), ("opening_hours", read)) if told]
        return Point(**{"id": None} | values, geometry=geometry, repaired=tuple(repaired))


def _axes(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Latitude and longitude under the first of their usual names; X runs east, Y north."""
    lat = next((fields[name] for name in LAT_NAMES if fields.get(name) is not None), None)
    lon = next((fields[name] for name in LON_NAMES if fields.get(name) is not None), None)
    return {"lat": _decimal(lat), "lon": _decimal(lon)}


def _decimal(value: Any) -> Any:
    """`52,52` has a decimal comma; a point in it as well would be thousands."""
    return value.replace(",", ".") if isinstance(value, str) and value.count(",") == 1 and "." not in value else value


def _hours(value: Any, country: str) -> tuple[Any, bool]:
    """What was not understood, or was OSM already, stays as it is."""
    if isinstance(value, dict) or (isinstance(value, str) and value.lstrip()[:1] == "{"):
        week = read_structure(value)
    else:
        week = read_words(value, country) if isinstance(value, str) else None
    said = compose(week) if week else None
    return (said, True) if said is not None and said != value else (value, False)


def _format(settings: FilesSettings) -> str:
    if settings.format:
        return settings.format
    name = (settings.url.partition("?")[0] or settings.path).casefold()
    return "csv" if name.removesuffix(".gz").removesuffix(".zip").endswith((".csv", ".tsv", ".txt")) else "geojson"


def _pairs(setting: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (side.strip() for side in part.partition("="))
        if not (name and equals and value):
            raise Misconfigured(f"{setting}: {part!r} is not NAME=VALUE")
        found[name] = value
    return found


def connect(name: str, environment: Mapping[str, str]) -> Files:
    settings, prefix = read_settings(name, environment, FilesSettings), setting_prefix(name)
    if bool(settings.path) == bool(settings.url):
        raise Misconfigured(f"set one of {prefix}PATH and {prefix}URL")
    if settings.url:
        check_url(f"{prefix}URL", settings.url)
    return Files(settings, prefix)


def _is_encoding(name: str) -> bool:
    """Of text: some of Python's codecs pack or turn bytes into bytes."""
    try:
        return isinstance(codecs.decode(b"", name), str) and codecs.lookup(name).name != "idna"
    except (LookupError, ValueError):
        return False


def _told(error: FileInvalid) -> str:
    """Others go on after it."""
    return str(error).rstrip(".")
