"""The languages of the pages: which one is spoken right now, and every text in it.

`N_("…")` marks a text where it stands in a table; `_("…")` says a text in the language of whoever reads. A marked text
that reaches a template as it is, is said there. What is spoken is a context variable, set at the edge for each request:
it holds in the handler and in threads that it starts by anyio, never in the database's lanes, where nothing is said.
How to write texts and how to translate them: docs/languages.md.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from babel import Locale

T = TypeVar("T")
LOCALES: Final = Path(__file__).resolve().parent / "locales"
DOMAIN: Final = "dropoff"
SOURCE: Final = "en"
"""The language of the texts in the code: it needs no catalogue."""
LANGUAGES: Final = {"en": "English", "da": "Dansk", "nb": "Norsk", "sv": "Svenska", "de": "Deutsch"}
"""By their own names, as the switch shows them."""
SAME_AS: Final = {"no": "nb", "nn": "nb"}
"""Languages that are read in another one."""
FORMATS: Final = {"en": "en_GB"}
"""The locale for dates and numbers, where it is not the language itself."""
ACCEPTED_MAX: Final = 500
"""So much of an `Accept-Language` is read."""
CONTEXT_END: Final = "\x04"


class Marked(str):
    """A text that is still to be said in somebody's language."""

    __slots__ = ()


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate this later"
    return Marked(text)


def NN_(one: str, many: str) -> tuple[str, str]:  # noqa: N802 - the same for a text of one and of many
    return one, many


_LANGUAGE: ContextVar[str] = ContextVar("language", default=SOURCE)


def language() -> str:
    """The one that is spoken now, for `<html lang>` too."""
    return _LANGUAGE.get()


def speak(name: str) -> None:
    """From here on, in this request or job."""
    _LANGUAGE.set(name)


@contextmanager
def speaking(name: str) -> Iterator[None]:
    held = _LANGUAGE.set(name)
    try:
        yield
    finally:
        _LANGUAGE.reset(held)


def known(tag: str) -> str | None:
    """Of a language tag (`da-DK`, `nn`, `de_CH`), the language that we speak; None when it is none of ours."""
    name = tag.strip().replace("_", "-").partition("-")[0].lower()
    name = SAME_AS.get(name, name)
    return name if name in LANGUAGES else None


def accepted(header: str) -> str | None:
    """Of an `Accept-Language` (RFC 9110), the language of ours that is wanted most; None when there is none."""
    best, weight = None, 0.0
    for part in header[:ACCEPTED_MAX].split(","):
        tag, _, more = part.partition(";")
        found, wanted = known(tag), _weight(more)
        if found is not None and wanted > weight:
            best, weight = found, wanted
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.replace(" ", "").partition("=")
    if not name:
        return 1.0
    digits = value.replace(".", "", 1)
    return min(1.0, float(value)) if name.lower() == "q" and digits.isascii() and digits.isdigit() else 0.0


class Catalogue(msgspec.Struct, frozen=True):
    """`plurals` are of one and of many: all our languages have these two."""

    texts: dict[str, str]
    plurals: dict[str, tuple[str, str]]


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(name: str) -> Catalogue:
    """Read from the .po file itself when it is first asked for, so that no build step stands between."""
    if name == SOURCE:
        return Catalogue({}, {})
    from babel.messages.pofile import read_po

    texts: dict[str, str] = {}
    plurals: dict[str, tuple[str, str]] = {}
    with (LOCALES / name / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        for message in read_po(file, locale=name):
            if not message.id or message.fuzzy or not message.string:
                continue
            one = message.id if isinstance(message.id, str) else message.id[0]
            key = f"{message.context}{CONTEXT_END}{one}" if message.context else one
            if isinstance(message.string, str):
                texts[key] = message.string
            elif all(message.string):
                plurals[key] = message.string[0], message.string[1]
    return Catalogue(texts, plurals)


def gettext(text: str) -> str:
    """What the catalogue says, else the text itself."""
    return catalogue(_LANGUAGE.get()).texts.get(text) or str(text)


def pgettext(context: str, text: str) -> str:
    """For a word that has two meanings: `context` says which."""
    return catalogue(_LANGUAGE.get()).texts.get(f"{context}{CONTEXT_END}{text}") or str(text)


def _(text: str, /, **gaps: Any) -> str:
    """`_("Opens %(when)s", when=clock)`, as in the templates."""
    return gettext(text) % _filled(gaps) if gaps else gettext(text)


def ngettext(one: str, many: str, number: int, /, **gaps: Any) -> str:
    """`ngettext("%(num)d thing", "%(num)d things", number)`."""
    return plural(one, many, number) % {"num": number, **_filled(gaps)}


def plural(one: str, many: str, number: int) -> str:
    """The same with its gaps open, as Jinja wants it."""
    forms = catalogue(_LANGUAGE.get()).plurals.get(one, (one, many))
    return forms[number != 1]


def _filled(gaps: dict[str, Any]) -> dict[str, Any]:
    return {name: said(value) for name, value in gaps.items()}


def said(value: T) -> T:
    """With every marked text in it said: in tuples, lists, mappings and structs too."""
    if isinstance(value, str):
        return gettext(value) if type(value) is Marked else value  # type: ignore[return-value]
    if isinstance(value, tuple | list):
        return type(value)(map(said, value))
    if isinstance(value, Mapping):
        return {key: said(one) for key, one in value.items()}  # type: ignore[return-value]
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **{name: said(getattr(value, name)) for name in value.__struct_fields__})
    return value


def formats() -> Locale:
    """For dates and numbers, by Babel."""
    return _formats(_LANGUAGE.get())


@lru_cache(maxsize=len(LANGUAGES))
def _formats(name: str) -> Locale:
    return Locale.parse(FORMATS.get(name, name))
