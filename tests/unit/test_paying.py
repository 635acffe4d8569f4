"""What a place earns: every moment is in one month of its place, and every parcel is paid once, at its day's rate."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dropoff.counter import earnings_files, paying, periods
from dropoff.counter.earnings import Statement
from dropoff.counter.earnings_page import minor_units
from dropoff.counter.paying import Rate

ZONES = st.sampled_from(
    (
        "Europe/Berlin",
        "Europe/Copenhagen",
        "America/Santiago",  # its clocks skip midnight
        "Africa/Cairo",
        "Australia/Lord_Howe",  # half an hour
        "Pacific/Kiritimati",
        "Asia/Kathmandu",
        "UTC",
    )
)
MOMENTS = st.integers(0, 4 * 365 * 86_400).map(lambda s: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 31))
RATES = st.lists(
    st.builds(
        Rate,
        id=st.uuids().map(str),
        own=st.booleans(),
        amount=st.integers(0, 500),
        currency=st.sampled_from(("EUR", "DKK")),
        valid_from=DAYS,
        set_at=MOMENTS,
    ),
    max_size=6,
)
COUNTED = st.dictionaries(DAYS, st.integers(0, 40), max_size=30)


@settings(max_examples=300, deadline=None)
@given(ZONES, MOMENTS)
def test_every_moment_lies_in_one_day_and_one_month_of_its_place(zone: str, moment: datetime) -> None:
    month, day = periods.month_of(moment, zone), periods.day_of(moment, zone)
    begun, ends = periods.begin(month, zone), periods.begin(periods.month_after(month), zone)
    assert begun <= moment < ends
    first, after = periods.days(day, 1, zone)
    assert first <= moment < after
    assert timedelta(hours=22) <= after - first <= timedelta(hours=26)
    assert periods.month_before(periods.month_after(month)) == month
    monday = periods.week_of(moment, zone)
    assert monday.weekday() == 0
    assert periods.begin(monday, zone) <= moment


def test_the_nights_in_which_clocks_change_are_whole_days() -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    lengths = [end - begin for begin, end in (periods.days(day, 1, "Europe/Berlin") for day in (spring, autumn))]
    assert lengths == [timedelta(hours=23), timedelta(hours=25)]
    assert periods.begin(date(2026, 11, 1), "Europe/Berlin") == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert periods.begin(date(2026, 4, 1), "Europe/Berlin") == datetime(2026, 3, 31, 22, tzinfo=UTC)


@settings(max_examples=200, deadline=None)
@given(RATES, COUNTED, COUNTED)
def test_every_parcel_is_paid_once_at_the_rate_of_its_day(
    rates: list[Rate], taken_in: dict[date, int], taken_back: dict[date, int]
) -> None:
    lines = paying.lines(rates, taken_in, taken_back)
    wanted: dict[str, int] = {}
    for sign, counted in ((1, taken_in), (-1, taken_back)):
        for day, parcels in counted.items():
            rate = paying.rate_on(rates, day)
            if rate is not None and parcels:
                wanted[rate.currency] = wanted.get(rate.currency, 0) + sign * parcels * rate.amount
    assert {total.currency: total.amount for total in paying.totals(lines)} == wanted
    assert sum(line.parcels for line in lines if line.kind != "taken_back") == sum(taken_in.values())
    assert all(line.amount == line.parcels * (line.rate or 0) for line in lines)


def rate(day: int, amount: int, *, own: bool = False, at: int = 1) -> Rate:
    stamp = datetime(2026, 1, at, tzinfo=UTC)
    return Rate(
        id=f"{day}{amount}{at}", own=own, amount=amount, currency="EUR", valid_from=date(2026, 1, day), set_at=stamp
    )


def test_the_place_goes_before_its_partner_and_what_was_set_last_before_what_was_set_first() -> None:
    partner, own, corrected = rate(5, 20), rate(1, 30, own=True), rate(1, 35, own=True, at=2)
    assert paying.rate_on([partner, own], date(2026, 1, 6)) == own
    assert paying.rate_on([own, corrected], date(2026, 1, 6)) == corrected
    assert paying.rate_on([partner], date(2026, 1, 4)) is None


def test_no_cell_of_the_file_is_a_formula_and_the_paper_is_the_same_each_time() -> None:
    lines = paying.lines([rate(1, 25)], {date(2026, 1, 2): 3}, {date(2026, 1, 1): 1})
    told = Statement(
        location="loc_1",
        name="=cmd|' /C calc'!A0",
        operator="@Kiosk",
        month="2026-01",
        zone="Europe/Berlin",
        live=True,
        final=True,
        lines=lines,
        parcels=3,
        totals=paying.totals(lines),
    )
    rows = earnings_files.to_csv(told).decode().split("\r\n")
    assert (
        rows[1] == "loc_1,'=cmd|' /C calc'!A0,'@Kiosk,2026-01,Europe/Berlin,taken_in,2026-01-02,2026-01-02,3,25,75,EUR"
    )
    assert rows[2].endswith("taken_back,2026-01-01,2026-01-01,-1,25,-25,EUR")
    assert rows[3].endswith("total,,,,,50,EUR")
    assert earnings_files.to_pdf(told).startswith(b"%PDF")
    assert earnings_files.to_pdf(told) == earnings_files.to_pdf(told)


def test_an_amount_is_read_as_people_write_it() -> None:
    assert [minor_units(text, "EUR") for text in ("0.25", "0,25", "1", ".5", "12.3")] == [25, 25, 100, 50, 1230]
    assert [minor_units(text, "EUR") for text in ("", "-1", "0.255", "1e3", "1.2.3", "٣", "99999999999")] == [None] * 7
    assert (minor_units("25", "JPY"), minor_units("2.5", "JPY")) == (25, None)
