"""Which language is spoken, and how days, clocks, numbers and money are said in it."""

import time
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.kernel import money as amounts
from dropoff.web import languages, words
from dropoff.web.answers import answer
from dropoff.web.languages import N_, _, accepted, known, ngettext, said, speaking
from dropoff.web.shell import ENVIRONMENT

ZONE = "Europe/Copenhagen"
NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday, twelve o'clock there


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("da-DK,da;q=0.9,en;q=0.8", "da"),
        ("nn-NO", "nb"),
        ("no", "nb"),
        ("NB", "nb"),
        ("de_CH", "de"),
        ("fr-FR,fr;q=0.9", None),
        ("fr,sv;q=0.2", "sv"),
        ("en;q=0.2,sv;q=0.7", "sv"),
        ("sv;q=0", None),
        ("da;q=wide", None),
        ("*", None),
        ("", None),
        (",,;;q=,=;", None),
        ("fr;" * 200 + ",da", None),
    ],
)
def test_the_wanted_language_is_read_of_what_a_browser_accepts(header: str, language: str | None) -> None:
    assert accepted(header) == language


@given(st.text(max_size=2_000))
def test_nothing_that_a_browser_sends_breaks_or_delays_it(header: str) -> None:
    begun = time.process_time()
    assert accepted(header) in {None, *languages.LANGUAGES}
    assert known(header) in {None, *languages.LANGUAGES}
    assert time.process_time() - begun < 0.05


def test_a_text_is_said_in_the_language_that_is_spoken_and_falls_to_itself() -> None:
    with speaking("da"):
        assert _("Ready to hand in") == "Klar til aflevering"
        assert _("Arrived at %(retailer)s", retailer="Nordlys & Co") == "Ankommet til Nordlys & Co"
        assert _("Nobody wrote this") == "Nobody wrote this"
        assert _("") == ""
        assert [ngettext("%(num)d bag", "%(num)d bags", n) for n in (0, 1, 2)] == ["0 poser", "1 pose", "2 poser"]
        assert languages.pgettext("verb", "Open") != _("Open")
        with speaking("de"):
            assert _("Ready to hand in") == "Bereit zur Abgabe"
    assert _("Ready to hand in") == "Ready to hand in"


class Told(msgspec.Struct, frozen=True):
    text: str
    name: str
    more: tuple[str, ...] = ()


def test_only_what_was_marked_is_said() -> None:
    """A shop may be called like a word of ours."""
    with speaking("de"):
        told = said({"a": Told(N_("Open"), "Open", (N_("Sealed"), "Sealed"))})
        assert told == {"a": Told("Offen", "Open", ("Versiegelt", "Sealed"))}
        page = ENVIRONMENT.from_string("{{ marked }} {{ plain }} {{ _('Until %(when)s.', when='<b>') }}")
        assert page.render(marked=N_("Open"), plain="Open") == "Offen Open Bis &lt;b&gt;."
        assert msgspec.json.encode(told["a"].text) == b'"Offen"'


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            ["today 12:00", "Fri 4 December, 12:00", "Fri 4 December 2026", "Friday", "1.2 km", "1\u202f290.50 DKK"],
        ),
        (
            "da",
            [
                "i dag kl. 12.00",
                "fre. 4. december kl. 12.00",
                "fre. 4. december 2026",
                "fredag",
                "1,2 km",
                "1.290,50 kr.",
            ],
        ),
        (
            "nb",
            [
                "i dag kl. 12:00",
                "fre. 4. desember kl. 12:00",
                "fre. 4. desember 2026",
                "fredag",
                "1,2 km",
                "1 290,50 DKK",
            ],
        ),
        (
            "sv",
            ["i dag kl. 12:00", "fre 4 december kl. 12:00", "fre 4 december 2026", "fredag", "1,2 km", "1 290,50 Dkr"],
        ),
        (
            "de",
            [
                "heute um 12:00 Uhr",
                "Fr., 4. Dezember, 12:00 Uhr",
                "Fr., 4. Dezember 2026",
                "Freitag",
                "1,2 km",
                "1.290,50 DKK",
            ],
        ),
    ],
)
def test_days_clocks_distances_and_money_are_said_as_in_that_language(language: str, told: list[str]) -> None:
    later = NOON + timedelta(days=10)
    with speaking(language):
        found = [
            words.at(NOON, ZONE, NOON),
            words.at(later, ZONE, NOON),
            words.full(later, ZONE),
            words.weekday(date(2026, 12, 4)),
            words.distance(1_240),
            words.money(129_050, "DKK"),
        ]
    assert [text.replace("\xa0", " ") for text in found] == told


@given(
    st.sampled_from(list(languages.LANGUAGES)),
    st.sampled_from(sorted(amounts.CURRENCIES)),
    st.integers(-(10**9), 10**9),
)
def test_money_keeps_every_digit_in_every_language(language: str, currency: str, amount: int) -> None:
    with speaking(language):
        shown = words.money(amount, currency)
    digits = "".join(sign for sign in shown if sign.isdigit())
    assert int(digits) == abs(amount)
    assert (amount < 0) == any(sign in shown for sign in "-\u2212")


def test_a_marked_text_that_reaches_a_program_is_english() -> None:
    with speaking("de"):
        assert answer({"where": N_("a post office")}).body == b'{"where":"a post office"}'
