"""Names that were typed with more, or with less, than the gazetteer has of them: `Frankfurt/Main`, `Gorzow Wlkp`,
`Oslo S`, `Berlin Mitte`. Asked only where nothing is called so and nothing begins so.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

HEAD_MIN: Final = 3
NAME_MIN: Final = 4
"""Words in front that stand for the whole must have so many letters: `Bad` and `St` are half of many names."""
LONGER_MAX: Final = 500


def shortened(text: list[str], name: str) -> Iterator[tuple[int, int, bool]]:
    """Stretches of the sorted keys whose first words are those of `name`, as (first, end, surely).

    `surely`: the words behind fit too, each as a beginning or an abbreviation, or are single letters, as districts
    have them. Else only the words in front are a name.
    """
    words = name.split(" ")
    for count in range(len(words) - 1, 0, -1):
        head, tail = " ".join(words[:count]), words[count:]
        if len(head.replace(" ", "")) < HEAD_MIN:
            return
        alone = bisect_left(text, head), bisect_right(text, head)
        begin, end = bisect_left(text, head + " "), bisect_left(text, head + "!")
        longer = range(begin, min(end, begin + LONGER_MAX))
        fitting = [row for row in longer if _fit(tail, text[row][len(head) + 1 :].split(" "))]
        yield from ((row, row + 1, True) for row in fitting)
        district = all(len(word) == 1 for word in tail)
        if alone[0] < alone[1] and (district or len(head) >= NAME_MIN):
            yield *alone, district
        if fitting or alone[0] < alone[1]:
            return


def _fit(typed: list[str], named: list[str]) -> bool:
    """Every typed word is, in this order, a shorter or longer writing of one of the name's."""
    left = iter(named)
    return all(any(_alike(word, other) for other in left) for word in typed)


def _alike(typed: str, named: str) -> bool:
    if typed.startswith(named) or named.startswith(typed):
        return True
    letters = iter(named)
    return typed[0] == named[0] and all(letter in letters for letter in typed)
