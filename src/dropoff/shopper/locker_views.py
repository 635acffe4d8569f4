"""What the locker's page shows and says, as plain structs: pure functions from a compartment to words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from dropoff.lockers.service import DepositRow
from dropoff.ports.locker import SIZES, Compartment, Size
from dropoff.shopper.pass_views import Notice, PlaceView
from dropoff.web import words
from dropoff.web.languages import N_, _

SIZE_WORDS: Final = {
    "small": (N_("Small"), N_("A shirt, a book, a phone")),
    "medium": (N_("Medium"), N_("Shoes, a jacket")),
    "large": (N_("Large"), N_("Boots, a coat, several things")),
}
NOTICES: Final = {
    "empty": Notice(
        "wait", N_("The door is shut, but nothing is in it. Open it again, or give the compartment to others.")
    ),
    "occupied": Notice(
        "info", N_("Something lay in the other compartment. Take this one. We have told somebody to look.")
    ),
    "jammed": Notice("info", N_("The other door did not open. Take this one. We have told somebody to look.")),
    "unavailable": Notice("bad", N_("The locker did not open the door. Try again in a moment.")),
}
SILENT: Final = Notice(
    "bad",
    N_(
        "The locker does not answer: perhaps the power is off. Nothing is handed in yet. Stay if you can; this page"
        " goes on asking, and says so when your things are safe."
    ),
)
LEFT_OPEN: Final = Notice("wait", N_("The door still stands open. Please shut it until it clicks."))
AGAIN: Final = {
    "expired": Notice("wait", N_("The 15 minutes are over, and the compartment was given back. Choose again.")),
    "released": Notice("info", N_("The compartment was given back. Nothing was handed in.")),
    "unavailable": Notice(
        "bad", N_("The locker does not answer just now. Nothing is reserved. Try again, or go to another place.")
    ),
    "full": Notice("wait", N_("No compartment of that size is free here.")),
}
WHY_NOT: Final = {
    "pass_expired": N_("The time for this return is over."),
    "pass_cancelled": N_("This return was cancelled."),
    "location_paused": N_("This locker takes nothing in at the moment."),
    "test_mode": N_("Test returns go to test lockers only."),
    "too_often": N_("You have asked for many compartments today. Go to a counter, please."),
    "already": N_("These things were handed in already."),
}
STEPS: Final = (
    N_("Put everything in."),
    N_("Shut the door until it clicks."),
    N_("Look here again: you get a receipt."),
)
WAITING: Final = frozenset({"reserving", "opening", "open"})
"""While the page goes on asking by itself."""
EVERY_S: Final = 4


class Action(msgspec.Struct, frozen=True):
    verb: str
    label: str
    second: bool = False


class SizeLine(msgspec.Struct, frozen=True):
    size: str
    name: str
    fits: str
    measure: str
    free: bool | None
    """None: the bank has not told lately."""
    chosen: bool


class UnitChoice(msgspec.Struct, frozen=True):
    id: str
    title: str
    variant: str


class LockerLine(msgspec.Struct, frozen=True):
    url: str
    name: str
    address: str
    distance: str
    free: str
    tone: str


class StateView(msgspec.Struct, frozen=True, kw_only=True):
    """One compartment, as it stands."""

    title: str
    lead: str
    door: str
    is_open: bool
    tone: str
    notice: Notice | None = None
    steps: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    report: bool = False
    """Whether the shopper may say that something is in it already."""
    receipt: str = ""
    rest: str = ""
    """Where the things go on that are still with the shopper."""


class LockerView(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    back: str
    test: bool
    title: str
    place: str
    address: str
    notice: Notice | None = None
    at: str = ""
    q: str = ""
    message: str = ""
    lines: tuple[LockerLine, ...] = ()
    sizes: tuple[SizeLine, ...] = ()
    units: tuple[UnitChoice, ...] = ()
    stands: StateView | None = None
    others: tuple[PlaceView, ...] = ()
    """Where else to go."""
    key: str = ""
    """Changes when there is news."""
    again_s: int = 0
    """How soon to look again; 0: nothing changes by itself."""


def key_of(row: DepositRow) -> str:
    return f"{row.id}.{row.state}.{row.reason or ''}.{'late' if row.reminded_at else ''}"


def state_view(row: DepositRow, zone: str, now: datetime, path: str) -> StateView | None:
    """None when the shopper chooses anew."""
    number = row.compartment or ""
    if row.state == "reserving":
        return StateView(
            title=_("Asking the locker"),
            lead=_("One moment. Nothing is open yet."),
            door="",
            is_open=False,
            tone="wait",
            notice=SILENT if row.reason == "silent" else None,
        )
    if row.state == "reserved":
        until = words.clock(row.expires_at, zone) if row.expires_at else ""
        return StateView(
            title=_("Compartment %(number)s is yours", number=number),
            lead=_("It waits for you until %(time)s. Open it when you stand in front of it.", time=until),
            door=number,
            is_open=False,
            tone="good",
            notice=NOTICES.get(row.reason or ""),
            actions=(Action("open", N_("Open the door")), Action("release", N_("Give it back"), second=True)),
        )
    if row.state == "opening":
        return StateView(
            title=_("Door %(number)s is opening", number=number),
            lead=_("One moment."),
            door=number,
            is_open=False,
            tone="wait",
            notice=SILENT if row.reason == "silent" else None,
        )
    if row.state == "open":
        return _open(row, number)
    if row.state in ("deposited", "collected"):
        return StateView(
            title=_("Handed in"),
            lead=_("Your things are safe behind door %(number)s. You need not wait.", number=number),
            door=number,
            is_open=False,
            tone="good",
            receipt=f"{path}/receipts/{row.hand_in_id}",
        )
    if row.state == "blocked" and row.reason not in ("occupied", "jammed", "taken"):
        return StateView(
            title=_("This was not handed in"),
            lead=_("Something went wrong at door %(number)s. Somebody was told and will look into it.", number=number),
            door=number,
            is_open=False,
            tone="bad",
            notice=Notice("bad", WHY_NOT[row.reason]) if row.reason in WHY_NOT else None,
        )
    return None


def _open(row: DepositRow, number: str) -> StateView:
    if row.reason == "ask":
        return StateView(
            title=_("Is it in?"),
            lead=_("Door %(number)s is shut. This locker cannot see what is inside.", number=number),
            door=number,
            is_open=False,
            tone="wait",
            actions=(
                Action("confirm", N_("Yes, my things are in it")),
                Action("empty", N_("No, it is empty"), second=True),
            ),
            report=True,
        )
    return StateView(
        title=_("Door %(number)s is open", number=number),
        lead=_("Nothing is handed in before the door is shut."),
        door=number,
        is_open=True,
        tone="wait",
        notice=SILENT if row.reason == "silent" else LEFT_OPEN if row.reminded_at else None,
        steps=STEPS,
        report=True,
    )


def size_lines(
    compartments: list[Compartment], chosen: str, usual: Mapping[Size, tuple[int, int, int]]
) -> tuple[SizeLine, ...]:
    """The sizes that this bank has. A larger compartment does for a smaller thing."""
    lines = []
    for size in SIZES:
        own = [one for one in compartments if one.size == size]
        if not own and compartments:
            continue
        enough = [one for one in compartments if SIZES.index(one.size) >= SIZES.index(size)]
        name, fits = SIZE_WORDS[size]
        free = any(one.state == "free" for one in enough) if compartments else None
        lines.append(SizeLine(size, name, fits, _measure(own, usual[size]), free, size == chosen))
    return tuple(lines)


def _measure(own: list[Compartment], usual: tuple[int, int, int]) -> str:
    told = next(
        ((o.width_mm, o.height_mm, o.depth_mm) for o in own if o.width_mm and o.height_mm and o.depth_mm), usual
    )
    width, height, depth = (int(side or 0) // 10 for side in told)
    return _("%(width)d × %(height)d × %(depth)d cm", width=width, height=height, depth=depth)
