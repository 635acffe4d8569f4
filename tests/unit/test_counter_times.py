"""The distribution of counter times, by hand."""

from dropoff.counter.times import bands, quantile


def test_quantiles_are_times_that_somebody_had() -> None:
    times = [1_000, 2_000, 3_000, 4_000]
    assert quantile(times, 0.5) == 2.0
    assert quantile(times, 0.9) == 4.0
    assert quantile([], 0.9) == 0.0


def test_every_time_is_in_one_band() -> None:
    times = [0, 4_999, 5_000, 59_000, 3_600_000]
    found = bands(times)
    assert sum(band.count for band in found) == len(times)
    assert found[0].count == 2
    assert found[-1].count == 1
    assert abs(sum(band.share for band in found) - 1) < 1e-9
    assert sum(band.count for band in bands([])) == 0
