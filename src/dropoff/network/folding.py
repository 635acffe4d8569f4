"""Names and postcodes as keys: what two people type for the same place becomes the same text."""

import unicodedata
from collections.abc import Mapping
from typing import Any

KEY_MAX = 200
POSTCODE_KEY_MAX = 40
WORDS_MAX = 24
WORD_MAX = 40
# Letters that Unicode does not take apart, as people without that keyboard write them.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def fold(text: str) -> str:
    """Case, accents, punctuation and runs of blanks do not count: `Łódź` is `lodz`, `Ville-d'Avray` `ville d avray`."""
    parts = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    kept = "".join(c if c.isalnum() else " " for c in parts if not unicodedata.combining(c))
    return " ".join(kept.split())[:KEY_MAX]


def fold_postcode(text: str) -> str:
    """`S70 2RE` is `s702re` and `21-412` is `21412`."""
    return fold(text).replace(" ", "")[:POSTCODE_KEY_MAX]


def words_of(place: Mapping[str, Any]) -> str:
    """Words that operators find a place by, a blank before each: of a row with its name, keys and the source's id."""
    known = {fold_postcode(place["external_id"]), place["postcode_key"], *place["place_key"].split()}
    told = [word[:WORD_MAX] for word in (*fold(place["name"]).split(), *sorted(known)) if word]
    return "".join(f" {word}" for word in dict.fromkeys(told[:WORDS_MAX]))
