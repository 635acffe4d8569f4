"""Cells of CSV files that we write."""


def safe_cell(text: str) -> str:
    """A cell that a spreadsheet would run as a formula gets an apostrophe in front; NUL, which no CSV may hold,
    goes."""
    text = text.replace("\0", "")
    first = text[:1]
    return f"'{text}" if first and (first in "=+-@" or ord(first) < 32 or ord(first) == 127) else text
