"""A manifest opens in every spreadsheet and runs nothing there."""

import csv
import io
import json

import pytest

from dropoff.freight.manifest import COLUMNS, Manifest, ManifestContainer, ManifestParcel, to_csv, to_json
from dropoff.kernel.csv_cells import safe_cell

MANIFEST = Manifest(
    shipment="shp_1",
    tracking_number=None,
    carrier="courier",
    service="standard",
    departs_at="2026-11-20T16:00:00.000Z",
    origin='Kiosk "Nord", København',
    destination="=HYPERLINK(A1)",
    live=True,
    containers=(
        ManifestContainer(
            "957123450000000421",
            "bag",
            "SEAL-1",
            900,
            (
                ManifestParcel("T12345671", "ret_1", 2, ("JACKET-38", "JACKET-38"), 900),
                ManifestParcel("T12345689", "ret_2", 1, ("SOCKS\r\nEVIL",), None),
            ),
        ),
    ),
)


def test_csv_is_rfc_4180_with_one_row_per_parcel() -> None:
    text = to_csv(MANIFEST).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert text.split("\r\n")[0] == ",".join(COLUMNS)
    assert text.endswith("\r\n")
    assert [row["parcel_tag"] for row in rows] == ["T12345671", "T12345689"]
    assert rows[0]["origin"] == 'Kiosk "Nord", København'
    assert rows[0]["skus"] == "JACKET-38 JACKET-38"
    assert rows[1]["skus"] == "SOCKS\r\nEVIL"
    assert rows[1]["weight_g"] == ""
    assert all(row["destination"] == "'=HYPERLINK(A1)" for row in rows)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\x0b", "\x7f=1"])
def test_what_a_spreadsheet_would_run_is_disarmed(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize(("cell", "kept"), [("", ""), ("T123", "T123"), ("a=b", "a=b"), ("\0=1", "'=1")])
def test_other_cells_stay(cell: str, kept: str) -> None:
    assert safe_cell(cell) == kept


def test_json_nests_parcels_in_containers() -> None:
    manifest = json.loads(to_json(MANIFEST))
    assert manifest["containers"][0]["parcels"][1]["tag"] == "T12345689"
    assert manifest["destination"] == "=HYPERLINK(A1)"
