"""Signs hand-in receipts, each once, and keeps the keys: one signs, the former ones stay published for checking.

A receipt is signed when it is first asked for, so that a hand-in never waits for it. What it says stands in the rows
of the hand-in.
"""

import secrets
from datetime import datetime

import msgspec

from dropoff.counter import receipts, signed, store_hand_ins, store_receipts
from dropoff.counter.receipts import ReceiptView
from dropoff.counter.signed import KeySet, PublicKey, Receipt, SignedParcel, SignedPlace, SignedRefusal, UndoNote
from dropoff.counter.store import Content
from dropoff.counter.store_receipts import KeyRow
from dropoff.db import Tx
from dropoff.db.vault import Vault
from dropoff.events.log import Event, append
from dropoff.kernel.errors import Problem, not_found
from dropoff.kernel.ids import new_id

PURPOSE = "receipt"


class Signed(msgspec.Struct, frozen=True):
    receipt: str
    undo: str | None
    """The note that the hand-in was taken back, once it was."""


class KeyLine(msgspec.Struct, frozen=True):
    id: str
    created_at: datetime
    state: str


class Signer(msgspec.Struct, frozen=True):
    """With what, and in whose name."""

    vault: Vault
    issuer: str


def key_set(tx: Tx, issuer: str) -> KeySet:
    return KeySet(issuer, tuple(_public(row) for row in store_receipts.keys(tx)))


def _public(row: KeyRow) -> PublicKey:
    return PublicKey(
        kty="OKP",
        crv="Ed25519",
        x=row.public,
        kid=row.id,
        use="sig",
        alg=signed.ALGORITHM,
        iat=int(row.created_at.timestamp()),
        exp=int(row.retired_at.timestamp()) if row.retired_at else None,
        revoked=signed.Revoked(int(row.revoked_at.timestamp())) if row.revoked_at else None,
    )


def ensure_key(tx: Tx, vault: Vault, at: datetime) -> None:
    """At every start, so that the key is published before it signs."""
    if store_receipts.current_key(tx) is None:
        _add_key(tx, vault, at)


def list_keys(tx: Tx) -> list[KeyLine]:
    return [KeyLine(row.id, row.created_at, _state(row)) for row in store_receipts.keys(tx)]


def _state(row: KeyRow) -> str:
    if row.revoked_at is not None:
        return f"revoked {row.revoked_at:%Y-%m-%d}"
    return f"retired {row.retired_at:%Y-%m-%d}" if row.retired_at is not None else "signs"


def rotate_key(tx: Tx, vault: Vault, at: datetime, actor: str) -> str:
    """The key of today ends, a new one begins; its id. What was signed before stays valid."""
    current = store_receipts.current_key(tx)
    if current is not None and store_receipts.retire_key(tx, current.id, at):
        _tell(tx, "signing_key.rotated", current.id, at, actor)
    _add_key(tx, vault, at)
    new = store_receipts.current_key(tx)
    assert new is not None, "it was just made, here or elsewhere"
    return new.id


def revoke_key(tx: Tx, vault: Vault, key_id: str, at: datetime, actor: str) -> str | Problem:
    """For a key that somebody else may have: nothing that it signed proves anything from now on. The id of the key
    that signs. Revoking twice answers the same."""
    known = {row.id: row for row in store_receipts.keys(tx)}
    if key_id not in known:
        return not_found("key")
    new = rotate_key(tx, vault, at, actor) if known[key_id].retired_at is None else None
    if store_receipts.revoke_key(tx, key_id, at):
        _tell(tx, "signing_key.revoked", key_id, at, actor)
    current = store_receipts.current_key(tx)
    return new or (current.id if current else "")


def _add_key(tx: Tx, vault: Vault, at: datetime) -> None:
    key_id, private = new_id("key"), secrets.token_bytes(32)
    sealed = vault.seal(_seal_purpose(key_id), private)
    row = {"id": key_id, "purpose": PURPOSE, "public": signed.public_of(private), "sealed": sealed, "created_at": at}
    store_receipts.add_key(tx, row)


def _seal_purpose(key_id: str) -> str:
    return f"signing key {key_id}"


def _tell(tx: Tx, type_: str, key_id: str, at: datetime, actor: str) -> None:
    append(tx, Event(type=type_, actor=actor, at=at, live=True, objects={"key": key_id}, data={"key": key_id}))


def signed_already(tx: Tx, token: str) -> tuple[ReceiptView, Signed | None] | None:
    """The receipt, and its signed form when nothing is left to sign; None when there is no such receipt."""
    view = receipts.receipt_view(tx, token)
    if view is None:
        return None
    found = store_receipts.signed(tx, view.hand_in)
    whole = "receipt" in found and (view.undone_at is None or "undo" in found)
    return view, Signed(found["receipt"], found.get("undo")) if whole else None


def in_the_books(tx: Tx, hand_in_id: str) -> tuple[datetime | None, list[str]]:
    """When the hand-in was undone, and what was signed for it."""
    row = store_hand_ins.find(tx, hand_in_id)
    return (row.undone_at if row else None), list(store_receipts.signed(tx, hand_in_id).values())


def sign_receipt(tx: Tx, signer: Signer, token: str, at: datetime) -> Signed | None:
    """Signs what is not signed yet; None when there is no such receipt, or none to sign."""
    view = receipts.receipt_view(tx, token)
    if view is None or view.retailer is None or view.place is None:
        return None
    found = store_receipts.signed(tx, view.hand_in)
    wanted: list[tuple[str, Receipt | UndoNote]] = []
    if "receipt" not in found:
        wanted.append(("receipt", _receipt(view, signer, at)))
    if view.undone_at is not None and "undo" not in found:
        wanted.append(("undo", _undo_note(view, signer, at)))
    if wanted:
        _sign(tx, signer.vault, view.hand_in, wanted, at)
        found = store_receipts.signed(tx, view.hand_in)
    return Signed(found["receipt"], found.get("undo"))


def _sign(tx: Tx, vault: Vault, hand_in_id: str, wanted: list[tuple[str, Receipt | UndoNote]], at: datetime) -> None:
    ensure_key(tx, vault, at)
    key = store_receipts.current_key(tx)
    assert key is not None, "it was just ensured"
    assert key.sealed is not None, "the database keeps the private half of the current key"
    private = vault.open(_seal_purpose(key.id), key.sealed)
    for kind, content in wanted:
        compact = signed.sign(content, key.id, private)
        row = {"hand_in_id": hand_in_id, "kind": kind, "key_id": key.id, "compact": compact, "signed_at": at}
        store_receipts.keep_signed(tx, row)


def _receipt(view: ReceiptView, signer: Signer, at: datetime) -> Receipt:
    assert view.retailer is not None
    assert view.retailer_id is not None
    return Receipt(
        iss=signer.issuer,
        iat=int(at.timestamp()),
        hand_in=view.hand_in,
        live=view.live,
        retailer=signed.SignedRetailer(view.retailer_id, view.retailer),
        place=_place(view),
        received_at=view.handed_in_at,
        scanned_at=view.scanned_at,
        parcels=tuple(SignedParcel(one.tag, tuple(_unit(unit) for unit in one.units)) for one in view.parcels),
        refused=tuple(SignedRefusal(_unit(one.unit), one.reason) for one in view.refused),
    )


def _undo_note(view: ReceiptView, signer: Signer, at: datetime) -> UndoNote:
    assert view.undone_at is not None
    return UndoNote(
        iss=signer.issuer,
        iat=int(at.timestamp()),
        hand_in=view.hand_in,
        live=view.live,
        place=_place(view),
        undone_at=view.undone_at,
        tags=tuple(one.tag for one in view.parcels),
    )


def _place(view: ReceiptView) -> SignedPlace:
    assert view.place is not None
    return msgspec.convert(view.place, SignedPlace, from_attributes=True)


def _unit(unit: Content) -> signed.SignedUnit:
    return signed.SignedUnit(unit.id, unit.title, unit.variant)
