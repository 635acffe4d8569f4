"""From what was scanned or typed to a return."""

from datetime import datetime

import msgspec

from dropoff.db import Tx
from dropoff.kernel import codes
from dropoff.returns import store
from dropoff.returns.passes import PassKeys


class OpenPass(msgspec.Struct, frozen=True):
    return_id: str
    retailer_id: str
    order_id: str
    live: bool
    status: str
    last_day_at: datetime
    expires_at: datetime
    by_short_code: bool
    """Tries of short codes are counted and limited: they are shorter, to be spoken."""


def find_pass(tx: Tx, passes: PassKeys, text: str) -> OpenPass | None:
    """The return of whatever was scanned or typed at a till: a pass address, a code or a short code."""
    hashes = [passes.code_hash(code) for code in codes.code_candidates(text)]
    short = codes.normalise_short_code(text)
    shorts = [passes.short_hash(short)] if short else []
    rows = store.find_passes(tx, hashes, shorts) if hashes or shorts else []
    # The likeliest reading first; a short code last.
    rows.sort(key=lambda row: hashes.index(row.code_hash) if row.code_hash in hashes else len(hashes))
    return open_pass_of(rows[0], by_short_code=rows[0].code_hash not in hashes) if rows else None


def find_by_code(tx: Tx, passes: PassKeys, code: str) -> OpenPass | None:
    """By the 16 characters alone, as in a public address: short codes open nothing there, since nobody counts tries."""
    code = codes.normalise_code(code)
    rows = store.find_passes(tx, [passes.code_hash(code)], []) if codes.is_code(code) else []
    return open_pass_of(rows[0], by_short_code=False) if rows else None


def open_pass_of(row: store.PassRow, *, by_short_code: bool) -> OpenPass:
    return OpenPass(
        return_id=row.id,
        retailer_id=row.retailer_id,
        order_id=row.order_id,
        live=row.live,
        status=row.status,
        last_day_at=row.last_day_at,
        expires_at=row.expires_at,
        by_short_code=by_short_code,
    )
