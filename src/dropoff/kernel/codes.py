"""The two codes of a pass and of a visit as people and scanners handle them: alphabets, check character, and reading
bad input.

Deriving a code from the secret belongs to the returns room; here is only what a code looks like.
"""

import re

from dropoff.kernel.ids import CROCKFORD, crockford

CODE_LENGTH = 16
SHORT_ALPHABET = "2346789ABCDEFGHJKMNPQRTUVWXYZ"
"""Without 0/O, 1/I/L and 5/S, which hands and voices confuse. 29 signs: a prime, so the check finds every
single wrong sign and every swap of two neighbours."""
SHORT_LENGTH = 12
VISIT_SIGN = "V"
"""Both codes of a visit begin with it, for the eye; a pass's may too."""
VISIT_SHIFT = 13
"""Moves the check character of a visit's short code, so that it is never one of a pass."""

_LOOKALIKES = str.maketrans("OIL", "011")
_SWAPPED_Y_Z = str.maketrans("YZ", "ZY")
_NOT_CODE = re.compile(r"[^0-9A-Z]")
_CODE = re.compile(rf"\A[{CROCKFORD}]{{{CODE_LENGTH}}}\Z")


def encode_code(number: bytes) -> str:
    """Ten bytes as the 16 Crockford characters of a pass."""
    if len(number) != 10:
        raise ValueError("a code holds 80 bits")
    return crockford(int.from_bytes(number), CODE_LENGTH)


def code_signs(text: str) -> str:
    """Only the A-Z and 0-9 of a text, folded to capitals.

    Other alphabets are dropped before folding: a German keyboard turns `-` into `ß`, whose capital would be
    `SS`.
    """
    if not text.isascii():
        text = "".join(sign for sign in text if sign.isascii())
    return _NOT_CODE.sub("", text.upper())


def normalise_code(text: str) -> str:
    """A code as typed or spoken, folded: gaps and hyphens away, O read as 0, I and L as 1."""
    return code_signs(text).translate(_LOOKALIKES)


def is_code(text: str) -> bool:
    """Whether the text, as it stands, is a pass code's 16 characters."""
    return bool(_CODE.match(text))


def code_candidates(text: str) -> tuple[str, ...]:
    """The pass codes that this scan may mean, likeliest first: its last 16 code signs, then the same with Y
    and Z swapped.

    Hand scanners type. On another keyboard layout the separators of the address change, and on a German one Y
    and Z; so everything but the last 16 signs is left aside.
    """
    last = normalise_code(text)[-CODE_LENGTH:]
    if not is_code(last):
        return ()
    swapped = last.translate(_SWAPPED_Y_Z)
    return (last,) if swapped == last else (last, swapped)


def short_check(signs: str) -> str:
    """The check character of the first 11: the sum of sign values times their place (1-11), modulo 29."""
    if len(signs) != SHORT_LENGTH - 1:
        raise ValueError("a short code has 11 signs before its check")
    return SHORT_ALPHABET[sum(place * SHORT_ALPHABET.index(sign) for place, sign in enumerate(signs, 1)) % 29]


def normalise_short_code(text: str) -> str | None:
    """The 12 signs of a short code as typed (blanks, hyphens, small letters), or None when it is none."""
    signs = code_signs(text)
    return signs if is_short_code(signs) else None


def is_short_code(text: str) -> bool:
    """12 signs of the alphabet with the right check character, as they stand."""
    return (
        len(text) == SHORT_LENGTH
        and all(sign in SHORT_ALPHABET for sign in text)
        and short_check(text[:-1]) == text[-1]
    )


def is_visit_code(text: str) -> bool:
    """Whether the text, as it stands, can be a visit's 16 characters. A pass's may look the same."""
    return is_code(text) and text[0] == VISIT_SIGN


def visit_short_check(signs: str) -> str:
    return SHORT_ALPHABET[(SHORT_ALPHABET.index(short_check(signs)) + VISIT_SHIFT) % len(SHORT_ALPHABET)]


def is_visit_short_code(text: str) -> bool:
    """12 signs of the alphabet that begin as a visit's do, with its check character, as they stand."""
    return (
        len(text) == SHORT_LENGTH
        and text[0] == VISIT_SIGN
        and all(sign in SHORT_ALPHABET for sign in text)
        and visit_short_check(text[:-1]) == text[-1]
    )


def normalise_visit_short_code(text: str) -> str | None:
    signs = code_signs(text)
    return signs if is_visit_short_code(signs) else None


def spoken_code(text: str) -> str | None:
    """The short code of a pass or of a visit, as typed, or None when it is neither."""
    return normalise_short_code(text) or normalise_visit_short_code(text)


def format_short_code(code: str) -> str:
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"
