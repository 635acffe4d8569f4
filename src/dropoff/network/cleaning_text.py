"""A text as a stranger wrote it → the text that was meant."""

import html
import re
import unicodedata
from typing import Final

RAW_MAX: Final = 100_000
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_OUTER_BLANKS = "\ufeff\u200b\u2060"


def clean_text(raw: str) -> str:
    """HTML entities decoded once, NUL and control characters and outer blanks removed. A tab or line break leaves a
    blank, so that two words stay two; mojibake stays the text it is."""
    text = _ENTITY.sub(lambda match: html.unescape(match[0]), raw)
    kept = (_plain(character) for character in text) if not text.isprintable() else text
    return "".join(kept).strip().strip(_OUTER_BLANKS).strip()


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":  # half a surrogate pair: no database and no JSON parser takes it
        return ""
    if category != "Cc":
        return character
    return " " if character in "\t\n\r\v\f" else ""
