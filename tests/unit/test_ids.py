"""Ids sort by time and never meet, whichever thread makes them."""

import re
from concurrent.futures import ThreadPoolExecutor

from dropoff.kernel.ids import ID_PATTERN, new_id


def test_ids_sort_in_the_order_they_were_made() -> None:
    made = [new_id("ret") for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert all(re.match(ID_PATTERN, one) for one in made)


def test_threads_never_make_the_same_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [one for part in pool.map(lambda _: [new_id("unt") for _ in range(2_000)], range(8)) for one in part]
    assert len(set(made)) == 16_000
