"""Whose jobs may begin: a slow party waits for itself, the others do not wait for it."""

from collections import Counter

from dropoff.events.turns import Turns


def waiting(*parties: str | None) -> list[tuple[str, str | None]]:
    return [(f"{number}", party) for number, party in enumerate(parties)]


def test_without_parties_the_oldest_begin() -> None:
    assert Turns(8).pick(waiting(None, None, None), 2) == ["0", "1"]


def test_of_one_party_two_begin_and_the_others_pass_it() -> None:
    assert Turns(8).pick(waiting("a", "a", "a", "b", None, "a"), 8) == ["0", "1", "3", "4"]
    assert Turns(8, {"a": 1}).pick(waiting("a", "a", "b"), 8) == ["0", "2"]
    assert Turns(8, {"a": 2}).closed() == {"a"}


def test_slow_parties_share_half_of_the_threads() -> None:
    slow = frozenset("abcdef")
    assert Turns(8, {"a": 2, "b": 1}, slow).closed() == slow
    assert Turns(8, {"a": 2}, slow).pick(waiting("b", "c", "z"), 8) == ["0", "2"]


def test_the_houses_own_work_always_finds_a_thread() -> None:
    busy = Counter({"a": 2, "b": 2, "c": 2})
    assert Turns(8, busy).closed() is None
    assert Turns(8, busy).pick(waiting("z", None, "y"), 2) == ["1"]
    assert Turns(8, {"a": 2, "b": 2, "c": 1}).pick(waiting("z", "y", None), 3) == ["0", "2"]


def test_a_worker_of_one_thread_still_delivers() -> None:
    assert Turns(1).pick(waiting("a", "b"), 1) == ["0"]
    assert Turns(1, {}, frozenset("a")).pick(waiting("a"), 1) == ["0"]
