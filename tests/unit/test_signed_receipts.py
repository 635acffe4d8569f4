"""A signed receipt proves what it says to anyone who has the network's public keys, and nothing else passes for one."""

import base64
import json
from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from dropoff.counter.signed import (
    Checked,
    KeySet,
    PublicKey,
    Receipt,
    Revoked,
    SignedParcel,
    SignedPlace,
    SignedRefusal,
    SignedRetailer,
    SignedUnit,
    UndoNote,
    check,
    public_of,
    sign,
)
from dropoff.shopper.verify_words import EXIT, Books, lines, told

AT = datetime(2026, 12, 3, 16, 5, tzinfo=UTC)
SIGNED_AT = int(AT.timestamp())
PRIVATE = bytes(range(32))
NETWORK = "https://returns.example.org"
PLACE = SignedPlace("loc_1", "Kiosk Nørrebro", "Nørrebrogade 1", "2200", "København", "DK", "Europe/Copenhagen")
RECEIPT = Receipt(
    iss=NETWORK,
    iat=SIGNED_AT,
    hand_in="hin_06E5ZJ3YV8QZ3M0T9K1X7B2C4D",
    live=True,
    retailer=SignedRetailer("rtl_1", "Nordlys"),
    place=PLACE,
    received_at=AT,
    scanned_at=AT,
    parcels=(SignedParcel("T0000000013", (SignedUnit("unt_1", "Rain jacket", "38"), SignedUnit("unt_2", "Scarf"))),),
    refused=(SignedRefusal(SignedUnit("unt_3", "Perfume"), "prohibited"),),
)
NOTE = UndoNote(
    iss=NETWORK,
    iat=SIGNED_AT,
    hand_in=RECEIPT.hand_in,
    live=True,
    place=PLACE,
    undone_at=AT,
    tags=("T0000000013",),
)


def key(kid: str = "key_1", private: bytes = PRIVATE, **more: object) -> PublicKey:
    known = {"kty": "OKP", "crv": "Ed25519", "x": public_of(private), "kid": kid, "iat": SIGNED_AT - 1000}
    return msgspec.convert(known | more, PublicKey)


KEYS = KeySet(NETWORK, (key(),))
COMPACT = sign(RECEIPT, "key_1", PRIVATE)


def test_the_same_receipt_is_signed_with_the_same_bytes_and_read_back() -> None:
    assert sign(RECEIPT, "key_1", PRIVATE) == COMPACT
    assert check(COMPACT, KEYS) == Checked("good", RECEIPT, None, NETWORK, "key_1")


def test_anyone_checks_it_with_nothing_but_the_standard() -> None:
    """RFC 7515: the signature is over the first two parts as they stand."""
    head, payload, signature = COMPACT.split(".")

    def raw(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    (jwk,) = json.loads(msgspec.json.encode(KEYS))["keys"]
    public = Ed25519PublicKey.from_public_bytes(raw(jwk["x"]))
    public.verify(raw(signature), f"{head}.{payload}".encode())
    assert json.loads(raw(head)) == {"alg": "EdDSA", "kid": "key_1", "typ": "receipt+jwt"}
    assert json.loads(raw(payload))["parcels"][0]["units"][0] == {
        "id": "unt_1",
        "title": "Rain jacket",
        "variant": "38",
    }
    with pytest.raises(InvalidSignature):
        public.verify(raw(signature), f"{head}.{payload}x".encode())


@settings(max_examples=400)
@given(place=st.integers(0, len(COMPACT) - 1), sign_=st.characters(max_codepoint=0x7F))
def test_any_changed_byte_fails(place: int, sign_: str) -> None:
    changed = COMPACT[:place] + sign_ + COMPACT[place + 1 :]
    if changed != COMPACT:
        found = check(changed, KEYS)
        assert found.status in ("no_receipt", "tampered", "unknown_key", "other_network")
        assert found.receipt is None


def test_the_bits_that_base64_leaves_over_are_not_free() -> None:
    """64 bytes end in a sign that holds four bits for nothing; most readers let them be changed."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [COMPACT[:-1] + last for last in alphabet if last != COMPACT[-1]]
    assert {check(text, KEYS).status for text in others} == {"tampered"}


def test_lines_that_a_mail_wrapped_do_not_matter() -> None:
    wrapped = "\r\n".join(COMPACT[start : start + 60] for start in range(0, len(COMPACT), 60))
    assert check(f"  {wrapped}\n", KEYS).status == "good"


def _unsigned(alg: str, **more: str) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    _, payload, signature = COMPACT.split(".")
    return f"{part({'alg': alg, 'kid': 'key_1', 'typ': 'receipt+jwt'} | more)}.{payload}.{signature}"


@pytest.mark.parametrize(
    ("text", "keys", "status"),
    [
        pytest.param("", KEYS, "no_receipt", id="nothing"),
        pytest.param("https://returns.example.org/r/rcp_abc", KEYS, "no_receipt", id="its address"),
        pytest.param("x" * 300_000, KEYS, "no_receipt", id="far too long"),
        pytest.param(_unsigned("none"), KEYS, "no_receipt", id="no algorithm"),
        pytest.param(_unsigned("HS256"), KEYS, "no_receipt", id="another algorithm"),
        pytest.param(_unsigned("EdDSA", crit="exp"), KEYS, "no_receipt", id="a header that asks for more"),
        pytest.param(sign(RECEIPT, "key_1", bytes(32)), KEYS, "tampered", id="another's signature"),
        pytest.param(COMPACT, KeySet(NETWORK, (key("key_2"),)), "unknown_key", id="an unknown key"),
        pytest.param(COMPACT, KeySet("https://other.example", (key("key_2"),)), "other_network", id="another network"),
        pytest.param(COMPACT, KeySet("https://moved.example", (key(),)), "good", id="a network that has moved"),
        pytest.param(COMPACT, KeySet(NETWORK, (key(exp=SIGNED_AT - 500),)), "expired_key", id="after the key's time"),
        pytest.param(COMPACT, KeySet(NETWORK, (key(iat=SIGNED_AT + 500),)), "expired_key", id="before the key's time"),
        pytest.param(COMPACT, KeySet(NETWORK, (key(exp=SIGNED_AT + 9),)), "good", id="a key that was replaced since"),
        pytest.param(COMPACT, KeySet(NETWORK, (key(revoked=Revoked(SIGNED_AT)),)), "revoked_key", id="revoked"),
        pytest.param(sign(NOTE, "key_1", PRIVATE), KEYS, "undone", id="a note that it was taken back"),
        pytest.param(
            sign(msgspec.structs.replace(RECEIPT, live=False), "key_1", PRIVATE), KEYS, "test", id="of a test"
        ),
    ],
)
def test_each_kind_of_doubt_has_a_name_words_and_an_exit_status(text: str, keys: KeySet, status: str) -> None:
    found = check(text, keys)
    assert found.status == status
    said = told(found, keys.issuer)
    assert said.title
    assert all(text.endswith((".", "only.")) for text in said.text)
    assert len(set(EXIT.values())) == len(EXIT)
    assert 1 not in EXIT.values()
    assert 2 not in EXIT.values()


def test_a_note_never_passes_for_a_receipt() -> None:
    """The kind stands in the signed header."""
    head = _unsigned("EdDSA").split(".")[0]
    _, payload, signature = sign(NOTE, "key_1", PRIVATE).split(".")
    assert check(f"{head}.{payload}.{signature}", KEYS).status == "tampered"


def test_it_is_told_in_words_with_the_place_s_own_time() -> None:
    text = "\n".join(lines(told(check(COMPACT, KEYS), NETWORK)))
    for wanted in (
        "This receipt is genuine.",
        "Thu 3 December 2026, 17:05 (Europe/Copenhagen)",
        "Kiosk Nørrebro, Nørrebrogade 1, 2200 København, DK",
        "Tag T0000000013:",
        "Rain jacket 38, Scarf",
        "Perfume (Not allowed)",
        f"{NETWORK}/verify",
    ):
        assert wanted in text


def test_the_network_itself_knows_more() -> None:
    good = check(COMPACT, KEYS)
    assert told(good, NETWORK, Books(None, True)).text[-1].startswith("By the network's books it stands")
    back = told(good, NETWORK, Books(AT, True))
    assert back.tone == "wait"
    assert back.text[-1].startswith("But on Thu 3 December 2026, 17:05")
    revoked = check(COMPACT, KeySet(NETWORK, (key(revoked=Revoked(SIGNED_AT)),)))
    assert "true all the same" in told(revoked, NETWORK, Books(None, True)).text[-1]
    assert "true all the same" not in told(revoked, NETWORK, Books(None, False)).text[-1]


def test_no_receipt_steers_a_terminal() -> None:
    evil = msgspec.structs.replace(RECEIPT, retailer=SignedRetailer("rtl_1", "Evil\x1b[2J\x07"))
    text = lines(told(check(sign(evil, "key_1", PRIVATE), KEYS), NETWORK))
    assert all(line.isprintable() for line in text)


def test_a_zone_that_we_do_not_know_is_told_in_utc() -> None:
    far = msgspec.structs.replace(RECEIPT, place=msgspec.structs.replace(PLACE, zone="../etc/passwd"))
    text = lines(told(check(sign(far, "key_1", PRIVATE), KEYS), NETWORK))
    assert any("16:05 (UTC)" in line for line in text)
