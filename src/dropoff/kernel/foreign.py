"""Other networks' parcel numbers, recognised by their own check digits or by letters that are theirs alone, so that a
reused box is never taken for ours."""

import re

_UPS = re.compile(r"\A1Z[0-9A-Z]{15}[0-9]\Z")
_S10 = re.compile(r"\A[A-Z]{2}[0-9]{9}[A-Z]{2}\Z")
_DHL = re.compile(r"\A(?:JJD|JVGL)[0-9]{14,21}\Z")
"""Licence plates: ISO/IEC 15459 gives the letters to DHL and to nobody else; they hold no check digit."""
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def recognise(text: str) -> str | None:
    """The network whose number this is (`UPS`, `DHL`, `post` for the Universal Postal Union's S10), or None.

    A foreign SSCC is not told here: only the database knows which SSCCs are ours.
    """
    folded = re.sub(r"[ -]", "", text.strip()).upper() if text.isascii() else ""
    if is_ups(folded):
        return "UPS"
    if is_s10(folded):
        return "post"
    if _DHL.match(folded):
        return "DHL"
    return None


def is_ups(number: str) -> bool:
    """A UPS 1Z number: letters count as A=2, B=3, … modulo 10; every second place is doubled."""
    if not _UPS.match(number):
        return False
    values = [int(sign) if sign.isdigit() else (ord(sign) - 63) % 10 for sign in number[2:17]]
    return -(sum(values[0::2]) + 2 * sum(values[1::2])) % 10 == int(number[17])


def is_s10(number: str) -> bool:
    """A postal S10 number such as `RR123456785DK`: weights 8 6 4 2 3 5 9 7, modulo 11."""
    if not _S10.match(number):
        return False
    check = 11 - sum(int(digit) * weight for digit, weight in zip(number[2:10], _S10_WEIGHTS, strict=True)) % 11
    return {10: 0, 11: 5}.get(check, check) == int(number[10])
