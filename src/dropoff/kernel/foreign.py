"""Other networks' parcel numbers, told by their formats and check digits, so that a reused box is never taken for ours.

Some say for certain whose they are: by letters that are one network's alone, or by a length that no tag has. Digits
alone say it only perhaps, since a check digit fits one number in ten by chance. What cannot be told at all is a number
of the same shape as ours: UPS once used `T` and ten digits, as our tags do, and those are ours here.
"""

import re
from typing import Final, Literal

import msgspec

from dropoff.kernel import codes, gs1

Network = Literal["UPS", "USPS", "FedEx", "DHL", "PostNord", "GLS", "InPost", "post", "SSCC"]
"""`post` is a postal service told by the Universal Postal Union's S10 alone, `SSCC` a company that nothing tells."""
Strength = Literal["certain", "likely", "possible"]
"""`likely` numbers are digits whose check digit fits: no tag, unless a roll holds it. `possible` ones have no check
digit, and the shape of many a tag."""

_UPS = re.compile(r"\A1Z[0-9A-Z]{15}[0-9]\Z")
_S10 = re.compile(r"\A[A-Z]{2}[0-9]{9}[A-Z]{2}\Z")
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_S10_POSTS: Final[dict[str, Network]] = {"US": "USPS", "SE": "PostNord", "DK": "PostNord"}
"""Whose the numbers of a country are: its designated postal operator's. Norway's are Posten's, not PostNord's."""
_DHL_PLATE = re.compile(r"\A(?:JJD|JVGL)[0-9]{10,21}\Z")
"""Licence plates: ISO/IEC 15459 gives the letters to DHL and to nobody else; they hold no check digit."""
_DHL_ECOMMERCE = re.compile(r"\AGM[0-9]{16,18}\Z")
_USPS_ROUTED = re.compile(r"\A420[0-9]{5}(?:[0-9]{4})?(9[1-5](?:[0-9]{20}|[0-9]{24}))\Z")
"""IMpb with the ZIP code in front: 420, five or nine digits, then the package's own number."""
_USPS_BARE = re.compile(r"\A9[1-5](?:[0-9]{20}|[0-9]{24})\Z")
_FEDEX_LONG = re.compile(r"\A(?:100[0-9]|96[0-9]{2})[0-9]{30}\Z")
_FEDEX_GROUND = re.compile(r"\A96[0-9]{20}\Z")
_GLS_TRACK_ID = re.compile(r"\A[A-Z](?=[A-Z0-9]*[0-9])(?=[A-Z0-9]*[A-Z]{2})[A-Z0-9]{7}\Z")
_DIGITS = re.compile(r"\A[0-9]+\Z")
_PARTS = re.compile(r"[ \-]")


class Foreign(msgspec.Struct, frozen=True):
    network: Network
    """The likeliest."""
    strength: Strength = "certain"
    others: tuple[Network, ...] = ()
    """Whose it may be as well."""


def identify(text: str) -> Foreign | None:
    """Whose number a scan may be, or None. Never a code of a pass, a short code or a tag as on our rolls.

    SSCCs are told by `holder`, once the database said that they are none of ours.
    """
    number = _PARTS.sub("", text.strip()).upper() if text.isascii() else ""
    if codes.spoken_code(number) or (len(number) == 11 and number[0] == "T" and _DIGITS.match(number[1:])):
        return None
    if codes.is_code(number):
        # A DHL plate of sixteen signs could, by one chance in many millions, be a pass.
        return Foreign("DHL", "likely") if _DHL_PLATE.match(number) else None
    return _certain(number) or (_of_digits(number) if _DIGITS.match(number) else _of_letters(number))


def recognise(text: str) -> Network | None:
    """The network whose number this certainly is, or None."""
    found = identify(text)
    return found.network if found is not None and found.strength == "certain" else None


def holder(sscc: str) -> Foreign:
    """Who may have printed an SSCC that is not ours, by the GS1 prefix behind its extension digit. DHL's label says it
    for certain; of Sweden's and Denmark's many companies PostNord is the one whose parcels are about."""
    if sscc[1:].startswith(("40433", "40434")):
        return Foreign("DHL")
    if sscc[1:].startswith(("73", "57")):
        return Foreign("PostNord", "likely", ("SSCC",))
    return Foreign("SSCC")


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


def _certain(number: str) -> Foreign | None:
    if is_ups(number):
        return Foreign("UPS")
    if is_s10(number):
        return Foreign(_S10_POSTS.get(number[-2:], "post"))
    if _DHL_PLATE.match(number):
        return Foreign("DHL")
    routed = _USPS_ROUTED.match(number)
    if routed and gs1.has_check_digit(routed[1]):
        return Foreign("USPS")
    if _USPS_BARE.match(number) and gs1.has_check_digit(number):
        # FedEx hands parcels of its SmartPost over to the post under 92 and 612.
        return Foreign("USPS", others=("FedEx",) if number.startswith("92612") else ())
    if _FEDEX_LONG.match(number) and _fedex_check(number[-14:-1], (1, 7, 3)) == number[-1]:
        return Foreign("FedEx")
    if _FEDEX_GROUND.match(number) and gs1.has_check_digit(number[-15:]):
        return Foreign("FedEx")
    return None


def _of_digits(number: str) -> Foreign | None:
    """By length and check digit. The order is the likelihood: what fewer numbers fit by chance comes first."""
    found: list[Network] = []
    match len(number):
        case 10 if int(number[:9]) % 7 == int(number[9]):
            found = ["DHL"]  # an air waybill of DHL Express
        case 11:
            return Foreign("GLS", "possible")  # a parcel number without its check digit
        case 12:
            fits: tuple[tuple[Network, bool], ...] = (
                ("FedEx", _fedex_check(number[:11], (3, 1, 7)) == number[11]),
                ("DHL", _dhl_check(number[:11]) == number[11]),
                ("GLS", _gls_check(number[:11]) == number[11]),
            )
            found = [network for network, fitting in fits if fitting]
        case 14 if _dhl_check(number[:13]) == number[13]:
            found = ["DHL"]  # the routing code below a parcel number
        case 15 if gs1.has_check_digit(number):
            found = ["FedEx"]
        case 20:
            post = gs1.has_check_digit(number) or gs1.has_check_digit(f"91{number}")
            found = ["USPS"] if post else ["FedEx"] if gs1.has_check_digit(f"92{number}") else []
        case 24:
            return Foreign("InPost", "likely")  # no check digit is published, but nobody else's numbers are so long
    return Foreign(found[0], "likely", tuple(found[1:])) if found else None


def _of_letters(number: str) -> Foreign | None:
    if _DHL_ECOMMERCE.match(number):
        return Foreign("DHL", "likely")
    return Foreign("GLS", "possible") if _GLS_TRACK_ID.match(number) else None


def _fedex_check(payload: str, weights: tuple[int, int, int]) -> str:
    total = sum(int(digit) * weights[place % 3] for place, digit in enumerate(payload))
    return str(total % 11 % 10)


def _dhl_check(payload: str) -> str:
    """Of the Identcode and the Leitcode: weights 4 and 9 in turn, modulo 10."""
    return str(-sum(int(digit) * (9 if place % 2 else 4) for place, digit in enumerate(payload)) % 10)


def _gls_check(payload: str) -> str:
    """As GS1's, with one added to the sum."""
    total = 1 + sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(payload)))
    return str(-total % 10)
