"""How one name is written on the keyboards of many languages: from a name to the keys it is found by.

A letter that a keyboard lacks is left bare (`Malmo`) or written as two (`Malmoe`). Names are kept in both ways and
texts are looked up in both ways, so that any two spellings meet without any two names falling together.
"""

import re
import unicodedata
from typing import Final

KEY_MAX: Final = 100
POSTCODE_MAX: Final = 12
_BOTH: Final = {"æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}
_BARE: Final = str.maketrans(_BOTH | {"ø": "o", "ö": "o", "ä": "a", "å": "a", "ü": "u"})
_PAIRS: Final = str.maketrans(_BOTH | {"ø": "oe", "ö": "oe", "ä": "ae", "å": "aa", "ü": "ue"})
_APOSTROPHES: Final = str.maketrans("", "", "'’‘ʼ`´")
_DISTRICT: Final = re.compile(r"(.{3,}?) [A-ZÆØÅ]{1,2}")
_WITH_DISTRICT_LETTERS: Final = ("DK", "NO")
_DOUBLE_A: Final = ("DK", "NO")
"""Where aa is the old spelling of å, so that `Arhus` is Aarhus. Elsewhere it is another sound."""
_SANKT: Final = ("AT", "CH", "DE", "DK", "NO", "SE")
_NO_SIGN: Final = re.compile("[^a-z0-9]")


def plain(text: str) -> str:
    """Letters bare: `Łódź` is `lodz`, `Ærøskøbing` `aeroskobing`. Case, accents and punctuation do not count."""
    return _folded(text, _BARE)


def paired(text: str) -> str:
    """Letters as two where one may write so: `Malmö` is `malmoe`, `Århus` `aarhus`."""
    return _folded(text, _PAIRS)


def spellings(text: str) -> tuple[str, ...]:
    """What a typed text may stand for; the plain one first."""
    return tuple(dict.fromkeys((plain(text), paired(text))))


def _folded(text: str, letters: dict[int, str]) -> str:
    if not text.isascii():
        # Composed first, since a Mac's file names and keyboards send å as a and a ring.
        text = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold()).translate(letters)
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    kept = [c if c.isalnum() else " " for c in text.translate(_APOSTROPHES).casefold()]
    return " ".join("".join(kept).split())[:KEY_MAX].rstrip()


def postcode_key(text: str) -> str:
    """`SW1A 2AA` is `sw1a2aa`; empty when it holds no sign that postcodes are made of, or too many."""
    key = _NO_SIGN.sub("", text.lower() if text.isascii() else plain(text))
    return key if len(key) <= POSTCODE_MAX else ""


def local_key(postcode: str, country: str) -> str:
    """Without the country's own sign, which people leave out as often as not: `LV-1010` is `1010`."""
    key = postcode_key(postcode)
    return key[2:] if key.startswith(country.lower()) and key[2:3].isdigit() else key


def name_keys(name: str, country: str) -> list[str]:
    """All the ways in which this name may be typed in full."""
    keys = [plain(name), paired(name)]
    if country in _DOUBLE_A:
        keys.append(keys[0].replace("aa", "a"))
    keys += [other for key in keys for other in _saints(key, country)]
    return [key for key in dict.fromkeys(keys) if key]


def _saints(key: str, country: str) -> list[str]:
    words = key.split()
    long = "sankt" if country in _SANKT else "saint"
    changed = [{"st": long, "sankt": "st", "saint": "st"}.get(word, word) for word in words]
    return [] if changed == words else [" ".join(changed)]


def names_within(name: str) -> list[str]:
    """Both of `Pama / Bijelo Selo`: a place with two names has each of them in full."""
    names = [part.strip() for part in name.split(" / ")]
    return [part for part in names if part] if len(names) > 1 else []


def town_of(name: str, country: str) -> str | None:
    """Of `Wien, Leopoldstadt` and `Aarhus C` the town; None of a name that is no town's part."""
    head, comma, _ = name.partition(",")
    if comma and len(head.strip()) > 1:
        return head.strip()
    if country in _WITH_DISTRICT_LETTERS and (found := _DISTRICT.fullmatch(name)):
        return found.group(1)
    return None


def part_of_town(name: str) -> str | None:
    """Of `Wien, Leopoldstadt` and `Graz,04.Bez.:Lend` the part."""
    tail = name.partition(",")[2].rpartition(":")[2].strip()
    return tail if len(tail) > 2 and not any(c.isdigit() for c in tail) else None
