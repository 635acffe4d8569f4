"""Backoff with jitter, as a pure function of the attempt and a random number."""


def backoff_s(attempt: int, random01: float, base_s: float = 2.0, cap_s: float = 3600.0) -> float:
    """Seconds to wait after the given attempt (1 is the first): doubling from the base, capped, ± 20 %."""
    return min(cap_s, base_s * 2.0 ** (attempt - 1)) * (0.8 + 0.4 * random01)
