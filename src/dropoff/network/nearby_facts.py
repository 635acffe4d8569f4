"""The facts of a layer's places: each combination held once, ready as JSON, and which of them meet what is needed.

A million places share some hundred combinations, so a need is asked of these alone; and needs that the same ones meet
(1,200 g and 1,300 g, where the limits are 5 and 20 kg) are one filter.
"""

from typing import Final

import msgspec

from dropoff.network.facts import Facts, Needs, meets

NEEDS_KEPT: Final = 2_048
QUICK_MAX: Final = 5_000
"""Up to so many combinations are asked while others wait for their answers."""

_encode: Final = msgspec.json.Encoder().encode


class ToldFacts:
    def __init__(self, listed: list[Facts]) -> None:
        self.listed = listed
        self.pieces = [b",%b" % _encode(facts)[1:-1] for facts in listed]
        """To stand behind a place's own JSON."""
        self._meeting: dict[Needs, bytes] = {}

    def meeting(self, needs: Needs, *, patient: bool) -> bytes | None:
        """One byte a combination, 1 where it meets the needs; None when that would take too long now."""
        found = self._meeting.get(needs)
        if found is None and (patient or len(self.listed) <= QUICK_MAX):
            found = bytes(meets(facts, needs) for facts in self.listed)
            if len(self._meeting) >= NEEDS_KEPT:
                self._meeting.clear()
            self._meeting[needs] = found
        return found
