"""Names and postcodes as keys: what two people type for the same place becomes the same text."""

import unicodedata

KEY_MAX = 200
POSTCODE_KEY_MAX = 40
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
