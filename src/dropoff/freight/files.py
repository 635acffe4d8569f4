"""The files of a shipment by their suffix: how each is drawn and what it is called."""

from collections.abc import Callable, Sequence

import msgspec

from dropoff.drawing import printing
from dropoff.freight.labels import LabelContent, sheet
from dropoff.freight.manifest import Manifest as Manifest  # noqa: PLC0414 - the shape of the JSON file
from dropoff.freight.manifest import to_csv, to_json


class Kind(msgspec.Struct, frozen=True):
    suffix: str
    media_type: str
    draw: Callable[[Sequence[LabelContent]], bytes]


def to_pdf(labels: Sequence[LabelContent]) -> bytes:
    return printing.to_pdf(sheet(label) for label in labels)


def to_zpl(labels: Sequence[LabelContent]) -> bytes:
    return printing.to_zpl(sheet(label) for label in labels)


def to_png(label: LabelContent) -> bytes:
    return printing.to_png(sheet(label))


def _first_as_png(labels: Sequence[LabelContent]) -> bytes:
    """A picture has no pages."""
    return to_png(labels[0])


LABELS = (
    Kind("pdf", "application/pdf", to_pdf),
    Kind("zpl", "application/zpl", to_zpl),
    Kind("png", "image/png", _first_as_png),
)
manifest_csv = to_csv
manifest_json = to_json
