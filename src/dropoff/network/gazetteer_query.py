"""How a typed text may be meant: which words are a country's sign, which a postcode, which a name.

It looks nothing up; it only offers readings, the most telling first.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from dropoff.network.gazetteer_spelling import POSTCODE_MAX, local_key, paired, plain
from dropoff.network.gazetteer_words import WORDS_OF_A_COUNTRY, country_named, country_of_sign

TEXT_MAX: Final = 100
NAME_BESIDE_MIN: Final = 3
_CODE_WORDS: Final = 3
"""A postcode is written in at most so many: `SW 1A 2AA`."""
_GLUED: Final = re.compile(r"([a-z]{2,3})([0-9][0-9a-z]*)")
_SHORTER: Final = (
    ("GB", re.compile(r"([a-z]{1,2}[0-9][0-9a-z]?)[0-9][a-z]{2}")),
    ("NL", re.compile(r"([0-9]{4})[a-z]{2}")),
    ("CA", re.compile(r"([a-z][0-9][a-z])[0-9][a-z][0-9]")),
    ("IE", re.compile(r"([a-z][0-9w][0-9w])[0-9a-z]{4}")),
    ("US", re.compile(r"([0-9]{5})[0-9]{4}")),
)
"""Where GeoNames has the first part of the postcodes only: `SW1A 2AA` is in `SW1A`."""


class Word(NamedTuple):
    plain: str
    paired: str

    @property
    def has_digit(self) -> bool:
        return any(map(str.isdigit, self.plain))


class CodeRead(NamedTuple):
    """A postcode in the text, and the words beside it, by which its town may be told from another's."""

    key: str
    country: str | None
    beside: tuple[Word, ...]


class Reading(NamedTuple):
    words: tuple[Word, ...]
    country: str | None
    tail: str
    """What stood behind a comma, as `plain` leaves it: perhaps the region, to tell namesakes apart."""

    @property
    def names(self) -> tuple[str, ...]:
        """All the words, what is left without numbers, and what stands behind a house's number, in each spelling.
        Beside a number, two letters are rather somebody's sign than a name."""
        kept = tuple(word for word in self.words if not word.has_digit)
        if len(kept) < len(self.words) and sum(len(word.plain) for word in kept) < NAME_BESIDE_MIN:
            kept = ()
        runs = (self.words, kept, self._behind_a_number())
        found = [" ".join(word[form] for word in words) for words in runs for form in (0, 1)]
        return tuple(name for name in dict.fromkeys(found) if name)

    def _behind_a_number(self) -> tuple[Word, ...]:
        """The town of `Nørregade 5 Aarhus`."""
        numbers = [place for place, word in enumerate(self.words) if word.has_digit]
        behind = self.words[numbers[-1] + 1 :] if numbers and numbers[-1] else ()
        return behind if sum(len(word.plain) for word in behind) >= NAME_BESIDE_MIN else ()

    def codes(self) -> Iterator[CodeRead]:
        """Every run of words that may be a postcode, the longer first."""
        for length in range(min(_CODE_WORDS, len(self.words)), 0, -1):
            for start in range(len(self.words) - length + 1):
                run = self.words[start : start + length]
                beside = self.words[:start] + self.words[start + length :]
                key = _code_key(run, self.country)
                if key:
                    yield CodeRead(key, self.country, beside)
                    yield from (CodeRead(short, country, beside) for short, country in _shorter(key, self.country))

    @property
    def whole_code(self) -> str:
        """All of it as the beginning of one postcode; empty when it cannot be one."""
        return _code_key(self.words, self.country)


def readings(text: str) -> list[Reading]:
    """In the order in which they should be tried. Never empty, but for a text without a letter or digit."""
    segments = [_words(segment) for segment in text[:TEXT_MAX].split(",")]
    segments = [segment for segment in segments if segment]
    if not segments:
        return []
    told = [found for found in (_without_sign(segments), _without_country(segments)) if found is not None]
    both = _without_country(told[0][0]) if len(told) == 2 else None
    if both is not None and both[1] == told[0][1]:
        told.insert(0, both)
    found = []
    for parts, country in [*told, (segments, None)]:
        found.append(Reading(_joined(parts), country, ""))
        if len(parts) > 1:
            found.append(Reading(parts[0], country, " ".join(word.plain for word in _joined(parts[1:]))))
            found.append(Reading(parts[-1], country, ""))
    return list(dict.fromkeys(found))


Segments = list[tuple[Word, ...]]


def _words(text: str) -> tuple[Word, ...]:
    return tuple(map(Word, plain(text).split(), paired(text).split()))


def _joined(segments: Segments) -> tuple[Word, ...]:
    return tuple(word for segment in segments for word in segment)


def _without_sign(segments: Segments) -> tuple[Segments, str] | None:
    """`DK-8000`, `D 10115` and `dk8000` without the sign, and the country it stands for."""
    for number, segment in enumerate(segments):
        for place, word in enumerate(segment):
            following = segment[place + 1] if place + 1 < len(segment) else None
            rest: tuple[Word, ...] = segment[place + 1 :]
            sign = word.paired
            if glued := _GLUED.fullmatch(sign):
                sign, code = glued.groups()
                rest = (Word(code, code), *rest)
            elif following is None or not following.plain[0].isdigit():
                continue
            country = country_of_sign(sign)
            if country is not None:
                return [*segments[:number], segment[:place] + rest, *segments[number + 1 :]], country
    return None


def _without_country(segments: Segments) -> tuple[Segments, str] | None:
    """`Wien, Österreich` and `Wien AT` without the country."""
    last = segments[-1]
    for count in range(min(WORDS_OF_A_COUNTRY, len(last)), 0, -1):
        country = country_named(" ".join(word.plain for word in last[-count:]))
        if country is None and count == 1:
            sign = last[-1].paired
            country = country_of_sign(sign) if len(sign) > 1 else None
        left = [segment for segment in [*segments[:-1], last[:-count]] if segment]
        if country is not None and left:
            return left, country
    return None


def _code_key(words: tuple[Word, ...], country: str | None) -> str:
    key = "".join(word.plain for word in words)
    if len(key) > POSTCODE_MAX or not key.isascii() or not any(map(str.isdigit, key)):
        return ""
    return local_key(key, country) if country else key


def _shorter(key: str, country: str | None) -> Iterator[tuple[str, str]]:
    for where, pattern in _SHORTER:
        found = pattern.fullmatch(key) if country in (None, where) else None
        if found:
            yield found.group(1), where
