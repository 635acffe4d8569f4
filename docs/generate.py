"""Writes into the docs what the code knows better: the list of problem codes and the table of settings.

    python docs/generate.py

`tests/test_architecture.py` fails when what stands here is older than the code.
"""

import re
import sys
from itertools import groupby
from pathlib import Path

from dropoff.kernel.errors import PROBLEMS
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
        operating: with_block(operating.read_text(encoding="utf-8"), "settings", settings_table()),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path.name}\n")
