"""A statement as a file: CSV for a spreadsheet, PDF for paper. Pure."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from dropoff.counter.earnings import Statement
from dropoff.counter.paying import Line
from dropoff.drawing import printing
from dropoff.drawing.marks import Box, Mark, Sheet, Text, fitted
from dropoff.kernel import money
from dropoff.kernel.csv_cells import safe_cell

COLUMNS: Final = (
    "location",
    "name",
    "operator",
    "month",
    "zone",
    "kind",
    "first_day",
    "last_day",
    "parcels",
    "rate_minor",
    "amount_minor",
    "currency",
)
KINDS: Final = {
    "taken_in": "Parcels taken in",
    "taken_back": "Undone after the month before was over",
    "unpaid": "Parcels without a rate",
}
_LINES_A_PAGE: Final = 30
_LEFT, _RIGHT = 20.0, 190.0


def to_csv(of: Statement) -> bytes:
    """One row for each line, then one for each currency's total. Amounts are integers of minor units, a minus too."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    head = [safe_cell(text) for text in (of.location, of.name, of.operator, of.month, of.zone)]
    for line in of.lines:
        rate = "" if line.rate is None else line.rate
        writer.writerow(
            [*head, line.kind, line.first_day, line.last_day, line.parcels, rate, line.amount, line.currency or ""]
        )
    for total in of.totals:
        writer.writerow([*head, "total", "", "", "", "", total.amount, total.currency])
    return out.getvalue().encode()


def to_pdf(of: Statement) -> bytes:
    """A4. The same statement is the same bytes."""
    return printing.to_pdf(_sheets(of), f"Earnings {of.month}")


def _sheets(of: Statement) -> Iterator[Sheet]:
    pages = [of.lines[start : start + _LINES_A_PAGE] for start in range(0, len(of.lines), _LINES_A_PAGE)] or [[]]
    for number, lines in enumerate(pages, 1):
        marks: list[Mark] = [
            Text(_LEFT, 28, 8, f"Earnings {of.month}", bold=True),
            fitted(_LEFT, 38, 5, of.name, room=170, bold=True),
            fitted(_LEFT, 45, 4, of.operator or of.location, room=170),
            Text(_LEFT, 52, 3.5, _said(of)),
            *_row(64, ("Days", "What", "Parcels", "Each", "Amount"), bold=True),
            Box(_LEFT, 67, _RIGHT - _LEFT, 0.3),
        ]
        y = 73.0
        for line in lines:
            marks += _row(y, _cells(line))
            y += 6
        if number == len(pages):
            marks.append(Box(_LEFT, y - 3, _RIGHT - _LEFT, 0.3))
            for total in of.totals:
                marks += _row(y + 3, ("", "Total", "", "", money.display(total.amount, total.currency)), bold=True)
                y += 7
        marks.append(Text(_RIGHT, 285, 3, f"{number} / {len(pages)}", align="right"))
        yield Sheet(210, 297, marks)


def _said(of: Statement) -> str:
    state = "The month is over: this stays so." if of.final else "The month is not over: this may change."
    return f"{of.parcels} parcels taken in, by the clock in {of.zone}. {state}"


def _cells(line: Line) -> tuple[str, str, str, str, str]:
    days = f"{line.first_day}" if line.first_day == line.last_day else f"{line.first_day} – {line.last_day:%m-%d}"
    if line.rate is None or line.currency is None:
        return days, KINDS[line.kind], str(line.parcels), "–", "–"
    each, amount = (money.display(number, line.currency) for number in (line.rate, line.amount))
    return days, KINDS[line.kind], str(line.parcels), each, amount


def _row(y: float, cells: tuple[str, str, str, str, str], *, bold: bool = False) -> list[Mark]:
    days, what, parcels, each, amount = cells
    return [
        Text(_LEFT, y, 3.5, days, bold),
        fitted(58, y, 3.5, what, room=62, bold=bold),
        Text(132, y, 3.5, parcels, bold, align="right"),
        Text(160, y, 3.5, each, bold, align="right"),
        Text(_RIGHT, y, 3.5, amount, bold, align="right"),
    ]
