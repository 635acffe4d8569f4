"""How long one walks: a rule of thumb that the search and the pages share. Pure."""

from math import ceil
from typing import Final

WALK_M_A_MINUTE: Final = 80.0
"""4.8 km/h."""
DETOUR: Final = 1.3
"""Streets are longer than the straight line by about this much."""
WALK_MAX_MIN: Final = 60
"""Further away nobody walks with a parcel, so no minutes are told."""
WALK_MAX_M: Final = WALK_MAX_MIN * WALK_M_A_MINUTE / DETOUR


def minutes(metres: float) -> int:
    """About how long, on foot; at least one."""
    return max(1, ceil(metres * DETOUR / WALK_M_A_MINUTE))
