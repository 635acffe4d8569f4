"""Tags: the number fixed to a parcel at the counter. Here is what one looks like; who used it, the database
knows."""

import re

from dropoff.kernel import codes, foreign, gs1

_TAG = re.compile(r"\A[A-Z0-9]{6,20}\Z")
_OURS = re.compile(r"\AT[0-9]{10}\Z")
_SSCC_SHAPE = re.compile(r"\A(?:00)?[0-9]{18}\Z")


def make_tag(number: int) -> str:
    """The tag of a running number as on our rolls: `T`, nine digits, mod-10 check digit."""
    if not 0 <= number < 10**9:
        raise ValueError("a tag number has nine digits")
    digits = f"{number:09d}"
    return f"T{digits}{gs1.check_digit(digits)}"


def is_our_tag(text: str) -> bool:
    return bool(_OURS.match(text)) and gs1.has_check_digit(text[1:])


def fold_tag(text: str) -> str:
    """A tag as scanned or typed, without outer blanks and in capitals. Only ASCII folds: nothing else can be
    a tag."""
    text = text.strip(" \t\r\n")
    return text.upper() if text.isascii() else text


def is_wellformed_tag(text: str) -> bool:
    """6-20 characters A-Z 0-9 after folding, which can be no pass, short code, SSCC or other network's
    number.

    What has the shape of an SSCC or of a pass code is refused whatever its check says: a roll of tags of
    which some are refused by chance would be worse than none.
    """
    tag = fold_tag(text)
    return bool(_TAG.match(tag)) and not (
        codes.is_code(codes.normalise_code(tag))
        or codes.is_short_code(tag)
        or codes.is_visit_short_code(tag)
        or _SSCC_SHAPE.match(tag)
        or foreign.recognise(tag)
    )
