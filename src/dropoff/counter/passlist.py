"""What a till holds to know passes without a network: of each open pass a trace of its code, one of its short code, and
how many things it still has. A trace shows nothing to those without the code: the long code has 80 bits, and of a short
code forty bits are kept, which ten thousand others share.

    "DOP1"  made_at (seconds, 4 bytes)  count (4 bytes)  left out (4 bytes)
    then for each pass: trace (5 bytes)  trace of the short code (5 bytes)  things (1 byte; 255 = that many or more)
"""

import hashlib
import struct
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from dropoff.db import Tx
from dropoff.returns import service as returns
from dropoff.returns.passes import PassKeys

PASSES_MAX: Final = 100_000
MAGIC: Final = b"DOP1"
TRACE: Final = 5


def trace(code: str) -> bytes:
    """Of a pass's sixteen characters, or of the twelve of a short code."""
    return hashlib.sha256(b"dropoff pass\0" + code.encode()).digest()[:TRACE]


def pack(passes: PassKeys, rows: Iterable[tuple[str, int, int]], made_at: datetime, left_out: int) -> bytes:
    """`rows`: id, generation and open things of each return."""
    lines = [
        trace(passes.code(return_id, generation))
        + trace(passes.short_code(return_id, generation))
        + bytes((min(things, 255),))
        for return_id, generation, things in rows
    ]
    lines.sort()  # by trace, so that not even the order in which passes were made is told
    return struct.pack(">4sIII", MAGIC, int(made_at.timestamp()), len(lines), left_out) + b"".join(lines)


def open_pass_list(tx: Tx, passes: PassKeys, live: bool, at: datetime) -> bytes:
    """The newest 100,000: 1.1 MB. What is left out is counted, and a till calls what it does not find unsure."""
    rows = returns.open_passes(tx, live, at, PASSES_MAX + 1)
    return pack(passes, rows[:PASSES_MAX], at, int(len(rows) > PASSES_MAX))
