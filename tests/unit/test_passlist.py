"""The list of open passes: what is in it, and what is not."""

import struct
from datetime import UTC, datetime

from dropoff.counter import passlist
from dropoff.db.vault import Vault
from dropoff.returns.passes import PassKeys

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEYS = PassKeys(Vault("a secret"))


def test_a_list_is_traces_and_counts_in_no_order_of_ours() -> None:
    rows = [(f"ret_{number}", 1, number) for number in range(1, 300)]
    body = passlist.pack(KEYS, rows, NOW, 1)
    magic, made_at, count, left_out = struct.unpack(">4sIII", body[:16])
    assert (magic, made_at, count, left_out) == (b"DOP1", int(NOW.timestamp()), 299, 1)
    lines = [body[16 + 11 * number : 27 + 11 * number] for number in range(count)]
    assert len(body) == 16 + 11 * count
    assert lines == sorted(lines)
    code, short = KEYS.code("ret_7", 1), KEYS.short_code("ret_7", 1)
    assert passlist.trace(code) + passlist.trace(short) + b"\x07" in lines
    assert lines[0][10] <= 255
    assert code.encode() not in body
    assert b"ret_" not in body
