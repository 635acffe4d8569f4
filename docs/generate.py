"""Writes into the docs what the code knows better: the problem codes, the table of settings, the state tables.

    python docs/generate.py

`tests/test_architecture.py` fails when what stands here is older than the code.
"""

import re
import sys
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from dropoff.counter import rules as counter
from dropoff.freight import rules as freight
from dropoff.kernel.errors import PROBLEMS
from dropoff.lockers import rules as lockers
from dropoff.returns import rules as returns
from dropoff.settings import DOCUMENTED

HERE = Path(__file__).resolve().parent

ERRORS_HEAD = """# Problems

Every refusal and every fault is a problem document (RFC 9457) with the media type `application/problem+json`:

```json
{
  "type": "https://returns.example.org/problems/invalid-request",
  "title": "The request does not have the right shape",
  "status": 422,
  "detail": "Expected `int`, got `str`.",
  "errors": [{"pointer": "/lines/0/quantity", "detail": "Expected `int`, got `str`."}],
  "data": {}
}
```

`type` is an address that the service serves and that explains the code to a person. Codes are stable: build on the last part of `type`, never on `title` or `detail`. `errors` names fields by JSON pointer into the body (RFC 6901), or as `?name` for a query parameter; it is left out when empty, like `data`. A 503 and a 409 `idempotency-key-in-use` carry `Retry-After`.

At the counter a question that was understood is always answered 200 with a `verdict`; see [scanning](scanning.md). A status other than 2xx there means that it was not answered.

This page is made from the code by `make docs`.
"""


def errors_page() -> str:
    parts = [ERRORS_HEAD]
    ordered = sorted(PROBLEMS.items(), key=lambda item: (item[1].status, item[0]))
    for status, group in groupby(ordered, key=lambda item: item[1].status):
        parts.append(f"## {status}\n\n| code | means | what to do |\n|---|---|---|\n")
        parts += [f"| `{code}` | {kind.title} | {_cell(kind.help)} |\n" for code, kind in group]
        parts.append("\n")
    return "".join(parts).rstrip() + "\n"


def settings_table() -> str:
    rows = [f"| `{name}` | {_cell(text)} |" for name, text in DOCUMENTED.items()]
    return "\n".join(["| setting | meaning |", "|---|---|", *rows])


STATES_HEAD = """# States

What a thing may become, as tables in the code: `returns/rules.py`, `counter/rules.py`, `lockers/rules.py`, `freight/rules.py`. An edge that is not drawn does not exist: the service does not make it, and where two race for one, the database lets one of them through.

A unit has two states, since where a thing is and what became of its money go their own ways. Its `status` is the resolution once that is settled (refunded, exchanged, credited, rejected), else the custody. A return has no table: its status is derived from its units.

Money falls due (`fall_due`) by the retailer's policy: at `hand_in`, `receive` or `inspect`, at the latest at an event that can only come after it, and when a thing is lost on the way. It also falls due when the retailer pays before that. Payments, exchanges and credits are `refund`, `exchange`, `credit`; `withdraw` is the undo of a hand-in before anything was paid.

This page is made from the code by `make docs`.
"""

MACHINES = (
    ("Unit: custody", returns.CUSTODY, returns.CUSTODY_TRANSITIONS),
    ("Unit: resolution", returns.RESOLUTION, returns.RESOLUTION_TRANSITIONS),
    ("Parcel", counter.PARCEL_STATES, counter.PARCEL_TRANSITIONS),
    ("Container", counter.CONTAINER_STATES, counter.CONTAINER_TRANSITIONS),
    ("Compartment of a locker", lockers.DEPOSIT_STATES, lockers.TRANSITIONS),
    ("Shipment", freight.SHIPMENT_STATES, freight.SHIPMENT_TRANSITIONS),
)
"""Title, states (the first is where it begins), and the table."""


def states_page() -> str:
    return "\n".join([STATES_HEAD, *(_machine(*machine) for machine in MACHINES)])


def _machine(title: str, states: tuple[str, ...], table: Mapping[tuple[str, str], str]) -> str:
    events = list(dict.fromkeys(event for _, event in table))
    ends = [state for state in states if not any(source == state for source, _ in table)]
    edges = [f"    {source} --> {target}: {event}" for (source, event), target in table.items()]
    drawing = [f"    [*] --> {states[0]}", *edges, *(f"    {state} --> [*]" for state in ends)]
    rows = [
        f"| `{state}` | " + " | ".join(f"`{table[state, e]}`" if (state, e) in table else "" for e in events) + " |"
        for state in states
    ]
    return "\n".join(
        [
            f"## {title}\n",
            "```mermaid",
            "stateDiagram-v2",
            *drawing,
            "```\n",
            "| | " + " | ".join(events) + " |",
            "|---" * (len(events) + 1) + "|",
            *rows,
            "",
        ]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def with_block(page: str, name: str, content: str) -> str:
    """The page with what stands between `<!-- NAME -->` and `<!-- /NAME -->` replaced."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    made, count = pattern.subn(lambda found: f"{found.group(1)}{content}\n{found.group(2)}", page)
    if count != 1:
        raise ValueError(f"the page needs one block {name}")
    return made


def pages() -> dict[Path, str]:
    """Every page that is made here, whole, by its path."""
    operating = HERE / "operating.md"
    return {
        HERE / "errors.md": errors_page(),
        HERE / "states.md": states_page(),
        operating: with_block(operating.read_text(encoding="utf-8"), "settings", settings_table()),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path.name}\n")
