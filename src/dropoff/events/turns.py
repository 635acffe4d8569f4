"""Which jobs may begin. Jobs of one party (the webhooks of one retailer) run few at a time, and parties that were slow
lately few together: whoever receives slowly waits for itself, and nobody else waits for it. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

PARTY_MAX = 2
RESERVED = 2
"""Threads that no party's job takes: bookings and the house's own work always go on."""
SLOW_S = 3.0
"""A party is slow from a job that took so long until one that did not."""


class Turns(msgspec.Struct, frozen=True):
    """A moment of a worker: how many jobs of each party it runs, in how many threads, and who is slow."""

    threads: int
    running: Mapping[str, int] = {}
    slow: frozenset[str] = frozenset()

    def closed(self) -> frozenset[str] | None:
        """Parties of which none may begin now; None: none of any."""
        if sum(self.running.values()) >= max(1, self.threads - RESERVED):
            return None
        full = {party for party, count in self.running.items() if count >= PARTY_MAX}
        return frozenset(full | self.slow if self._slow_running() >= self._slow_max else full)

    def pick(self, waiting: Iterable[tuple[str, str | None]], limit: int) -> list[str]:
        """Of (job, party), the oldest first, those that may begin together."""
        picked: list[str] = []
        turns = self
        for job_id, party in waiting:
            closed = turns.closed() if party is not None else frozenset()
            if len(picked) == limit:
                break
            if party is None or (closed is not None and party not in closed):
                picked.append(job_id)
                turns = turns if party is None else turns._with(party)
        return picked

    def _with(self, party: str) -> "Turns":
        return msgspec.structs.replace(self, running=Counter(self.running) + Counter([party]))

    @property
    def _slow_max(self) -> int:
        return max(1, (self.threads - RESERVED) // 2)

    def _slow_running(self) -> int:
        return sum(count for party, count in self.running.items() if party in self.slow)
