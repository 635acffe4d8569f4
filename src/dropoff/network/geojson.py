"""A GeoJSON FeatureCollection on disk → rows, one by one, in bounded memory."""

from collections.abc import Iterator
from pathlib import Path

from dropoff.kernel.json_array import ArrayReader, Element
from dropoff.kernel.textfile import FileInvalid, text_chunks
from dropoff.network.cleaning import RawRow, Rejected


def read_geojson(path: Path) -> Iterator[RawRow | Rejected]:
    """Raises `FileInvalid` when the file is no FeatureCollection or ends before its end."""
    reader = ArrayReader(text_chunks(path), "features")
    try:
        for element in reader:
            yield _row(element)
    except FileInvalid as error:
        raise FileInvalid(f"The file is no whole GeoJSON FeatureCollection. {error}") from None
    if reader.frame.get("type") != "FeatureCollection":
        raise FileInvalid("The file's `type` is not FeatureCollection.")


def _row(element: Element) -> RawRow | Rejected:
    if element.reason is not None:
        return Rejected(element.index, None, element.reason, element.detail)
    feature = element.value
    if not isinstance(feature, dict):
        return Rejected(element.index, None, "not_an_object", "The feature is not an object.")
    repaired = ("encoding",) if element.repaired else ()
    return RawRow(element.index, feature.get("properties"), feature.get("geometry"), feature.get("id"), repaired)
