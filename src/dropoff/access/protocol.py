"""Which version of our words a till speaks. It says so in a header; a plain page says nothing and is always new.

Raise `CURRENT` when a till's own program has to change with the service, and `OLDEST` when the former one would do
harm.
"""

from typing import Any, Final

from litestar.connection import ASGIConnection

from dropoff.kernel.errors import Problem

HEADER: Final = "x-till-protocol"
CURRENT: Final = 1
OLDEST: Final = 1


def too_old(spoken: int | None, oldest: int = OLDEST) -> Problem | None:
    if spoken is None or spoken >= oldest:
        return None
    return Problem(
        "till-too-old",
        f"This till speaks version {spoken}; the service needs {oldest}. Load the till's page again, or update its "
        "program. What it noted stays.",
        data={"oldest": oldest, "current": CURRENT},
    )


def why_not_spoken(connection: ASGIConnection[Any, Any, Any, Any]) -> Problem | None:
    text = connection.headers.get(HEADER, "")
    return too_old(int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else None
