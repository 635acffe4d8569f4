"""Tags: the number fixed to a parcel at the counter. Here is what one looks like; who used it, the database
knows."""

import re
from typing import Final

import msgspec

from dropoff.kernel import codes, foreign, gs1
from dropoff.kernel.codes import SHORT_ALPHABET

_TAG = re.compile(r"\A[A-Z0-9]{6,20}\Z")
_OURS = re.compile(r"\AT[0-9]{10}\Z")
_NUMBERED = re.compile(r"\A([A-Z0-9]*?)([0-9]{1,15})\Z")
_HEAD = re.compile(r"\A(T[0-9]{10})[^A-Z0-9]{0,3}(T[0-9]{10})\Z")
_SSCC_SHAPE = re.compile(r"\A(?:00)?[0-9]{18}\Z")


def make_tag(number: int) -> str:
    """The tag of a running number as on our rolls: `T`, nine digits, mod-10 check digit."""
    if not 0 <= number < 10**9:
        raise ValueError("a tag number has nine digits")
    digits = f"{number:09d}"
    return f"T{digits}{gs1.check_digit(digits)}"


class TagNumber(msgspec.Struct, frozen=True):
    """Where a tag stands on its roll. Tags with the same stem and width are counted together."""

    stem: str
    """What stands before the running number."""
    width: int
    """Digits of the running number, with leading zeros; the check digit of our own tags is not counted."""
    number: int

    def tag(self) -> str:
        """The tag itself."""
        digits = f"{self.number:0{self.width}d}"
        own = (self.stem, self.width) == OURS
        return f"{self.stem}{digits}{gs1.check_digit(digits) if own else ''}"


OURS: Final = ("T", 9)


def tag_number(text: str) -> TagNumber | None:
    """The running number at the end of a tag; None when it ends in a letter: such tags stand on no roll."""
    tag = fold_tag(text)
    if is_our_tag(tag):
        return TagNumber(*OURS, int(tag[1:10]))
    found = _NUMBERED.match(tag)
    if not found or not is_wellformed_tag(tag) or (found[1], len(found[2])) == OURS:
        return None
    return TagNumber(found[1], len(found[2]), int(found[2]))


def roll_head(first: str, last: str) -> str:
    """What the label at the head of a roll says in its bars: two tags in one are no tag."""
    return first + last


def read_roll_head(text: str) -> tuple[str, str] | None:
    """First and last tag of the roll whose head label this is. One tag read twice is no roll."""
    found = _HEAD.match(fold_tag(text))
    if not found or not (is_our_tag(found[1]) and is_our_tag(found[2]) and found[1] < found[2]):
        return None
    return found[1], found[2]


WRITTEN_LENGTH: Final = 8


def make_written(number: int) -> str:
    """The tag that a clerk writes on a parcel by hand, when there is neither tag nor printer: `W`, six signs of the
    short codes' alphabet and a check character, shown 4-4. 29 signs are a prime, so that the check finds every single
    wrong sign and every swap of two neighbours."""
    signs = ""
    for _ in range(WRITTEN_LENGTH - 2):
        number, sign = divmod(number, 29)
        signs = SHORT_ALPHABET[sign] + signs
    if number:
        raise ValueError("a written code holds six signs")
    return f"W{signs}{_written_check(f'W{signs}')}"


def has_written_shape(text: str) -> bool:
    """Eight signs of the alphabet, the first a W; the check may be wrong."""
    signs = codes.code_signs(text)
    return len(signs) == WRITTEN_LENGTH and signs[0] == "W" and all(sign in SHORT_ALPHABET for sign in signs)


def normalise_written(text: str) -> str | None:
    """The eight signs as typed back (small letters, blank or hyphen in the middle), or None when it is none."""
    signs = codes.code_signs(text)
    return signs if is_written(signs) else None


def is_written(text: str) -> bool:
    """As it stands."""
    return len(text) == WRITTEN_LENGTH and has_written_shape(text) and _written_check(text[:-1]) == text[-1]


def format_written(code: str) -> str:
    return f"{code[:4]} {code[4:]}"


def _written_check(signs: str) -> str:
    return SHORT_ALPHABET[sum(place * SHORT_ALPHABET.index(sign) for place, sign in enumerate(signs, 1)) % 29]


def is_our_tag(text: str) -> bool:
    return bool(_OURS.match(text)) and gs1.has_check_digit(text[1:])


def fold_tag(text: str) -> str:
    """A tag as scanned or typed, without outer blanks and in capitals. Only ASCII folds: nothing else can be
    a tag. A written code is folded out of its groups."""
    text = text.strip(" \t\r\n")
    return normalise_written(text) or (text.upper() if text.isascii() else text)


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
