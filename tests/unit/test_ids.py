"""Ids sort by time and never meet, whichever thread makes them."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

from dropoff.kernel.ids import CROCKFORD, ID_PATTERN, crockford, new_id


def test_ids_sort_in_the_order_they_were_made() -> None:
    made = [new_id("ret") for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert all(re.match(ID_PATTERN, one) for one in made)


def test_threads_never_make_the_same_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [one for part in pool.map(lambda _: [new_id("unt") for _ in range(2_000)], range(8)) for one in part]
    assert len(set(made)) == 16_000


def test_a_forked_process_makes_ids_of_its_own() -> None:
    new_id("ret")  # what is drawn ahead must not be used twice
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(mouth, new_id("ret").encode())
        os._exit(0)
    own = [new_id("ret") for _ in range(200)]
    theirs = os.read(ear, 100).decode()
    assert os.waitpid(child, 0)[1] == 0
    assert re.match(ID_PATTERN, theirs)
    assert theirs[-12:] not in {one[-12:] for one in own}


def test_base32_of_any_length() -> None:
    assert [crockford(31, 1), crockford(32, 2), crockford(32, 3), crockford(1 << 40, 3)] == ["Z", "10", "010", "000"]
    number = int("123456789012345678901234567890")
    digits = ""
    for _ in range(26):
        number, place = divmod(number, 32)
        digits = CROCKFORD[place] + digits
    assert crockford(123456789012345678901234567890, 26) == digits
