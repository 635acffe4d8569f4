"""The signed form of a hand-in receipt, and how anyone checks it: a JWT (RFC 7519) as a compact JWS with Ed25519
(RFC 7515, RFC 8037). Pure: it knows no database, so a check needs the receipt and the network's public keys alone.
"""

import base64
import binascii
import re
from datetime import datetime
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.api_jws import PyJWS
from jwt.exceptions import InvalidSignatureError

RECEIPT: Final = "receipt+jwt"
UNDO: Final = "receipt-undo+jwt"
"""The `typ` of each: a note that a hand-in was taken back must never pass for the receipt of one."""
ALGORITHM: Final = "EdDSA"
SKEW_S: Final = 60
"""Servers that sign at the moment of a rotation may be this much apart."""
LONGEST: Final = 200_000
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_JWS: Final = PyJWS(algorithms=[ALGORITHM])

Status = Literal[
    "good", "test", "undone", "no_receipt", "tampered", "unknown_key", "other_network", "expired_key", "revoked_key"
]


class Revoked(msgspec.Struct, frozen=True):
    revoked_at: int


class PublicKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A JSON Web Key (RFC 7517, RFC 8037). `iat`, `exp` and `revoked` say when it signed, as seconds since 1970."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: str = ""
    alg: str = ""
    iat: int
    exp: int | None = None
    revoked: Revoked | None = None


class KeySet(msgspec.Struct, frozen=True):
    """A JWK set with the name of the network it belongs to."""

    issuer: str
    keys: tuple[PublicKey, ...]


class SignedUnit(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str
    title: str
    variant: str | None = None


class SignedParcel(msgspec.Struct, frozen=True):
    tag: str
    units: tuple[SignedUnit, ...]


class SignedRefusal(msgspec.Struct, frozen=True):
    unit: SignedUnit
    reason: str


class SignedPlace(msgspec.Struct, frozen=True):
    id: str
    name: str
    street: str
    postcode: str
    city: str
    country: str
    zone: str


class SignedRetailer(msgspec.Struct, frozen=True):
    id: str
    name: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is signed. No person, no order: only what lay on the counter, where and when."""

    iss: str
    """The network's address."""
    iat: int
    """When it was signed."""
    hand_in: str
    live: bool
    retailer: SignedRetailer
    place: SignedPlace
    received_at: datetime
    """By the network's clock."""
    scanned_at: datetime
    """By the till's clock."""
    parcels: tuple[SignedParcel, ...]
    refused: tuple[SignedRefusal, ...] = ()


class UndoNote(msgspec.Struct, frozen=True, kw_only=True):
    """A hand-in that was taken back. Its receipt stays true: the things were there, and went home again."""

    iss: str
    iat: int
    hand_in: str
    live: bool
    place: SignedPlace
    undone_at: datetime
    tags: tuple[str, ...]


class Checked(msgspec.Struct, frozen=True):
    status: Status
    receipt: Receipt | None = None
    """What it says, when its signature is right."""
    note: UndoNote | None = None
    issuer: str = ""
    """Whom it names, proven or not."""
    kid: str = ""


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: Literal["EdDSA"]
    kid: str
    typ: Literal["receipt+jwt", "receipt-undo+jwt"]


class _Claims(msgspec.Struct, frozen=True):
    iss: str = ""


def sign(content: Receipt | UndoNote, kid: str, private: bytes) -> str:
    """`private`: the key's 32 bytes. The same content and key always give the same text."""
    key = Ed25519PrivateKey.from_private_bytes(private)
    headers = {"typ": RECEIPT if isinstance(content, Receipt) else UNDO, "kid": kid}
    return _JWS.encode(msgspec.json.encode(content), key, algorithm=ALGORITHM, headers=headers)


def public_of(private: bytes) -> str:
    """The `x` of the key's public half."""
    return _b64(Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


def check(text: str, keys: KeySet) -> Checked:
    """Whether these keys vouch for this text. Blanks do not count: mails wrap lines. Everything else does."""
    compact = _BLANKS.sub("", text)
    if len(compact) > LONGEST or not _COMPACT.fullmatch(compact):
        return Checked("no_receipt")
    parts = [_unb64(part) for part in compact.split(".")]
    try:
        header = msgspec.json.decode(parts[0] or b"", type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Checked("no_receipt")
    issuer = _issuer(parts[1] or b"")
    key = next((key for key in keys.keys if key.kid == header.kid), None)
    if key is None:
        other = issuer not in ("", keys.issuer)
        return Checked("other_network" if other else "unknown_key", issuer=issuer, kid=header.kid)
    content = _content(compact, header, key) if None not in parts else None
    if content is None:
        return Checked("tampered", issuer=issuer, kid=header.kid)
    receipt = content if isinstance(content, Receipt) else None
    note = content if isinstance(content, UndoNote) else None
    return Checked(_standing(content, key), receipt, note, issuer, header.kid)


def _standing(content: Receipt | UndoNote, key: PublicKey) -> Status:
    """What the signature is worth, which is right."""
    if key.revoked is not None:
        return "revoked_key"
    if not key.iat - SKEW_S <= content.iat <= (content.iat if key.exp is None else key.exp) + SKEW_S:
        return "expired_key"
    if isinstance(content, UndoNote):
        return "undone"
    return "good" if content.live else "test"


def _content(compact: str, header: _Header, key: PublicKey) -> Receipt | UndoNote | None:
    raw = _unb64(key.x)
    if raw is None or len(raw) != 32:
        return None
    try:
        payload = _JWS.decode(compact, Ed25519PublicKey.from_public_bytes(raw), algorithms=[ALGORITHM])
        if header.typ == RECEIPT:
            return msgspec.json.decode(payload, type=Receipt)
        return msgspec.json.decode(payload, type=UndoNote)
    except (InvalidSignatureError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _issuer(payload: bytes) -> str:
    try:
        return msgspec.json.decode(payload, type=_Claims).iss[:200]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes | None:
    """None unless it is written as only it can be: the last sign holds bits that count for nothing, and most readers
    let them be changed."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if _b64(raw) == text else None
