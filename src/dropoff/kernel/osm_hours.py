"""Opening hours from what sources have (days with minutes, or local weekday words) → OSM `opening_hours` text.

Unknown beats wrong: a text is read only when every word of it is understood, and when it reads the same in each
language that knows all its weekday words (`E-L` is Estonian, `L/Ma/Me` French, `Lun-ven` says the same in both
that know it). It composes text and never evaluates it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

Week = dict[int, list[tuple[int, int]]]
"""Day (0 is Monday) → intervals in minutes since midnight; an end beyond 1440 lies on the next day. A day that is
missing or empty is closed."""

DAYS: Final = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
DAY_MIN: Final = 1440
TEXT_MAX: Final = 500
CLOSURES_MAX: Final = 20

# Seven entries from Monday on, each the spellings of that day. Full names and usual short forms are all that is here;
# a word is compared case-folded and without the dot behind it.
_LANGUAGES: Final = {
    "en": "m mo mon monday|tu tue tues tuesday|w we wed wednesday|th thu thur thurs thursday|f fr fri friday"
    "|sa sat saturday|su sun sunday",
    "de": "mo mon montag|di die dienstag|mi mit mittwoch|do don donnerstag|fr fre freitag|sa sam samstag sonnabend"
    "|so son sonntag",
    "nl": "ma maa maandag|di din dinsdag|wo woe woensdag|do don donderdag|vr vri vrijdag|za zat zaterdag|zo zon zondag",
    "da": "ma man mandag|ti tir tirs tirsdag|on ons onsdag|to tor tors torsdag|fr fre fredag|lø lør lørdag"
    "|sø søn søndag",
    "sv": "må mån måndag|ti tis tisdag|on ons onsdag|to tor tors torsdag|fr fre fredag|lö lör lördag|sö sön söndag",
    "fi": "ma maanantai|ti tiistai|ke keskiviikko|to torstai|pe perjantai|la lauantai|su sunnuntai",
    "et": "e esmaspäev|t teisipäev|k kolmapäev|n neljapäev|r reede|l laupäev|p pühapäev",
    "lv": "p pirmdiena|o otrdiena|t trešdiena|c ceturtdiena|pk piektdiena|s sestdiena|sv svētdiena",
    "lt": "pr pirmadienis|an antradienis|tr trečiadienis|kt ketvirtadienis|pn penktadienis|št šeštadienis"
    "|sk sekmadienis",
    "pl": "pn pon poniedziałek|wt wto wtorek|śr sr środa sroda|cz czw czwartek|pt pi pia piątek piatek|sb so sob sobota"
    "|nd n nie ndz niedz niedziela",
    "cs": "po pondělí|út ut úterý|st stř středa|čt ct čtvrtek|pá pa pátek|so sobota|ne neděle",
    "fr": "l lu lun lundi|ma mar mardi|me mer mercredi|j je jeu jeudi|v ve ven vendredi|s sa sam samedi"
    "|d di dim dimanche",
    "it": "l lu lun lunedì lunedi|ma mar martedì martedi|me mer mercoledì mercoledi|g gi gio giovedì giovedi"
    "|v ve ven venerdì venerdi|s sa sab sabato|d do dom domenica",
    "es": "l lu lun lunes|m ma mar martes|x mi mié mie miércoles miercoles|j ju jue jueves|v vi vie viernes"
    "|s sa sá sab sáb sábado sabado|d do dom domingo",
    "pt": "seg segunda|ter terça terca|qua quarta|qui quinta|sex sexta|sab sáb sábado sabado|dom domingo",
    "numerals": "i|ii|iii|iv|v|vi|vii",
}
_SPOKEN: Final = {
    country: tuple(languages.split())
    for languages, countries in {
        "de": "DE AT LI",
        "de fr it": "CH",
        "en": "GB IE US",
        "fr": "FR MC",
        "fr de": "LU",
        "nl": "NL",
        "nl fr": "BE",
        "da": "DK NO",
        "sv": "SE",
        "fi sv": "FI",
        "et": "EE",
        "lv": "LV",
        "lt": "LT",
        "pl": "PL",
        "cs": "CZ",
        "it": "IT SM",
        "es": "ES",
        "pt": "PT",
    }.items()
    for country in countries.split()
}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CLOSED: Final = _set(
    "closed geschlossen fermé ferme chiuso cerrado fechado gesloten lukket stengt stängt suljettu kiinni suletud "
    "slēgts nedirba nieczynne zamknięte zamkniete zavřeno off"
)
_RANGE_WORDS: Final = _set("to bis do à au a till til tot al")
_AND_WORDS: Final = _set("and und et y e i og och ja en oraz")
_NOISE: Final = _set("from von de od fra från h uhr hrs kl godz")

_STARTS: Final = ("start", "open", "opens", "from", "start_time", "open_time")
_ENDS: Final = ("end", "close", "closes", "to", "end_time", "close_time")

_TOKEN = re.compile(
    r"(?P<time>\d{1,2}(?:[:.h]\d{2}(?::\d{2})?)?(?:\s?h(?:\d{2})?)?(?![\d:]))|(?P<word>[^\W\d_]+)\.?|(?P<dash>[-–—])"
    r"|(?P<part>[;,/|&+\n])|(?P<colon>:)|(?P<blank>\s+)|(?P<other>.)",
    re.DOTALL,
)


def _spellings(line: str) -> dict[str, int]:
    return {word: day for day, words in enumerate(line.split("|")) for word in words.split()}


_WORDS: Final = {language: _spellings(line) for language, line in _LANGUAGES.items()}


def compose(week: Mapping[int, Iterable[tuple[int, int]]], closed_on: Iterable[tuple[date, date]] = ()) -> str | None:
    """OSM text, for example `Mo-Fr 09:00-18:00; Sa 09:00-12:30; 2026 Dec 24-2026 Dec 26 off`.

    None when no day has an hour: a place that is never open is one whose hours nobody entered. `closed_on`: first and
    last days of one-off closures, of which the latest are kept.
    """
    days = {day: _merged(week.get(day, ())) for day in range(7)}
    if not any(days.values()):
        return None
    if all(intervals == [(0, DAY_MIN)] for intervals in days.values()):
        rules = ["24/7"]
    else:
        rules = [f"{_days(group)} {_times(days[group[0]])}" for group in _alike(days)]
    return "; ".join(rules + [f"{_period(*period)} off" for period in sorted(set(closed_on))[-CLOSURES_MAX:]])


def interval(start: int, end: int) -> tuple[int, int] | None:
    """A pair of minutes since midnight as sources write it; None when it means closed, or nothing that can be read.

    0 to 0 is closed, an end at 0 or 1439 is midnight, and an end before its start lies on the next day.
    """
    if not (0 <= start < DAY_MIN and 0 <= end <= DAY_MIN) or start == end:
        return None
    if end in (0, DAY_MIN - 1):
        return start, DAY_MIN
    return start, end if end > start else end + DAY_MIN


def clock(text: str) -> int | None:
    """Minutes since midnight from `9`, `09:30`, `9.30`, `9h30`, `0930` or `09:30:00`."""
    found = re.fullmatch(r"(\d{1,2})(?:[:.h](\d{2})(?::\d{2})?|h)?", text.strip().casefold())
    found = found or re.fullmatch(r"(\d{1,2})(\d{2})", text.strip())
    if found is None:
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    return hour * 60 + minute if minute < 60 and hour * 60 + minute <= DAY_MIN else None


def read_words(text: str, country: str = "") -> Week | None:
    """Hours with local weekday words, `PN-SB 8-20, ND 10:00-16:00`; None when any of it is not surely understood.

    The language of the country (ISO 3166 alpha-2) goes first, so that `Di-Sa` begins on a Tuesday in Germany; without
    it or in another country's words, all languages that know the words must read the same.
    """
    if len(text) > TEXT_MAX:
        return None
    tokens = _tokens(text)
    if tokens is None:
        return None
    words = {value for kind, value in tokens if kind == "word"}
    languages = [language for language, known in _WORDS.items() if words <= set(known)]
    at_home = [language for language in _SPOKEN.get(country, ()) if language in languages]
    readings = [_read(tokens, _WORDS[language]) for language in at_home or languages]
    found = [reading for reading in readings if reading is not None]
    if not found or any(reading != found[0] for reading in found):
        return None
    return found[0]


def read_structure(value: Any) -> Week | None:
    """Hours by day, also as JSON in a string: `{"monday": [{"start": 540, "end": 1080}], "sunday": []}` with minutes
    since midnight or clock times, under any of the usual names, or texts such as `"9-18"`. None when any of it is not
    surely understood."""
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, dict) or not value:
        return None
    days = {str(name).casefold(): _spans(spans) for name, spans in value.items()}
    if any(read is None for read in days.values()):
        return None
    weeks = [
        {known[name]: read for name, read in days.items() if read is not None}
        for known in _WORDS.values()
        if set(days) <= set(known) and len({known[name] for name in days}) == len(value)
    ]
    return weeks[0] if weeks and all(week == weeks[0] for week in weeks) else None


def _spans(value: Any) -> list[tuple[int, int]] | None:
    if value is None or value == "" or (isinstance(value, str) and value.casefold() in _CLOSED):
        return []
    found: list[tuple[int, int]] = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            reader = _Reader(_tokens(one) or [], {})
            times = reader.times()
            if times is None or not reader.at_end():
                return None
            found += times
            continue
        start, end = _end(one, _STARTS), _end(one, _ENDS)
        if start is None or end is None:
            return None
        pair = interval(start, end)
        found += [] if pair is None else [pair]
    return found


def _end(value: Any, names: tuple[str, ...]) -> int | None:
    """A number is minutes since midnight, a text a time by the clock."""
    given = [value[name] for name in names if name in value] if isinstance(value, dict) else []
    if len(given) != 1 or isinstance(given[0], bool):
        return None
    if isinstance(given[0], int):
        return given[0] if 0 <= given[0] <= DAY_MIN else None
    return clock(given[0]) if isinstance(given[0], str) else None


def _tokens(text: str) -> list[tuple[str, str]] | None:
    """(kind, value) with kinds word, time, dash, part, closed; None when there is something else."""
    tokens: list[tuple[str, str]] = []
    for match in _TOKEN.finditer(text.strip()):
        kind, value = str(match.lastgroup), match[0].casefold().rstrip(".")
        if kind == "other":
            return None
        if kind in ("blank", "colon") or (kind == "word" and value in _NOISE):
            continue
        if kind == "word" and value in _CLOSED:
            kind = "closed"
        elif kind == "word" and value in _RANGE_WORDS and tokens and tokens[-1][0] in ("word", "time"):
            kind = "dash"
        elif kind == "word" and value in _AND_WORDS and tokens and tokens[-1][0] in ("word", "time"):
            kind = _and_or_day(value, tokens)
        tokens.append((kind, value))
    return tokens


def _and_or_day(value: str, tokens: list[tuple[str, str]]) -> str:
    """`e` is Monday in Estonian and "and" in Italian; behind a dash or a comma it would be a day."""
    return "part" if value != "e" and tokens[-1][0] != "dash" else "word"


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], known: Mapping[str, int]) -> None:
        self._tokens = tokens
        self._known = known
        self._at = 0

    def kind(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at][0] if at < len(self._tokens) else "end"

    def skip_parts(self) -> None:
        while self.kind() == "part":
            self._at += 1

    def take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1][1]

    def days(self) -> list[int]:
        """Days and ranges of days, up to the first hour."""
        found: list[int] = []
        while self.kind() == "word":
            first = last = self._known[self.take()]
            if self.kind() == "dash" and self.kind(1) == "word":
                self.take()
                last = self._known[self.take()]
            found += [(first + step) % 7 for step in range((last - first) % 7 + 1)]
            if self.kind() == "part":
                self.skip_parts()
        return found

    def times(self) -> list[tuple[int, int]] | None:
        """Intervals up to the next day; None when something is no interval."""
        if self.kind() == "closed":
            self.take()
            return []
        found: list[tuple[int, int]] = []
        while self.kind() == "time":
            start = clock(self.take())
            if self.kind() != "dash" or self.kind(1) != "time":
                return None
            self.take()
            end = clock(self.take())
            pair = interval(start, end) if start is not None and end is not None else None
            if pair is None or (pair[1] > DAY_MIN and not _is_night(*pair)):
                return None
            found.append(pair)
            self.skip_parts()
        return found or None

    def at_end(self) -> bool:
        return self.kind() == "end"


def _read(tokens: list[tuple[str, str]], known: Mapping[str, int]) -> Week | None:
    reader, week = _Reader(tokens, known), dict[int, list[tuple[int, int]]]()
    reader.skip_parts()
    while not reader.at_end():
        days = reader.days()
        times = reader.times() if days else None
        if times is None or any(day in week for day in days):
            return None
        week |= dict.fromkeys(days, times)
        reader.skip_parts()
    return week if any(week.values()) else None


def _is_night(start: int, end: int) -> bool:
    """`18-2` closes in the night; `8-5` is most likely written by a twelve-hour clock."""
    return start >= 12 * 60 and end <= DAY_MIN + 6 * 60


def _merged(intervals: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _alike(days: Mapping[int, list[tuple[int, int]]]) -> list[list[int]]:
    """Open days with the same hours together, in the order of the week."""
    groups: list[list[int]] = []
    for day in range(7):
        same = next((group for group in groups if days[group[0]] == days[day]), None)
        if same is not None:
            same.append(day)
        elif days[day]:
            groups.append([day])
    return groups


def _days(group: list[int]) -> str:
    runs: list[list[int]] = []
    for day in group:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)


def _times(intervals: list[tuple[int, int]]) -> str:
    return ",".join(f"{_clock(start)}-{_clock(end)}" for start, end in intervals)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _period(first: date, last: date) -> str:
    start = f"{first.year} {_MONTHS[first.month - 1]} {first.day:02d}"
    return start if first == last else f"{start}-{last.year} {_MONTHS[last.month - 1]} {last.day:02d}"
