"""What a person with a browser reads when a request is refused: the same refusals as `PROBLEMS`, without the words of
the API, and the way on from where they were."""

from typing import Final

import msgspec

from dropoff.kernel.errors import PROBLEMS, Problem
from dropoff.web.languages import N_, _

TILL: Final = "/till"


class ErrorView(msgspec.Struct, frozen=True):
    title: str
    text: str
    links: tuple[tuple[str, str], ...]


SAID: Final[dict[str, tuple[str, str]]] = {
    "not-found": (N_("There is no such page"), N_("Perhaps the address lost a letter, or the page is gone.")),
    "method-not-allowed": (
        N_("There is nothing to see here"),
        N_("This address only takes a form that was filled in. Nothing was changed."),
    ),
    "csrf-failed": (
        N_("This page was open too long"),
        N_("Nothing was stored. Go back, and do it once more from there."),
    ),
    "invalid-request": (
        N_("We could not read that"),
        N_("Nothing was stored. Go back, and do it once more from there."),
    ),
    "idempotency-key-missing": (
        N_("We could not read that"),
        N_("Nothing was stored. Go back, and do it once more from there."),
    ),
    "idempotency-key-in-use": (
        N_("It is still being done"),
        N_("Wait a moment, then look whether it is there. Nothing is done twice."),
    ),
    "body-too-large": (N_("That is too much at once"), N_("Nothing was stored. Send less.")),
    "unsupported-media-type": (N_("We could not read that"), N_("Nothing was stored.")),
    "too-many-requests": (N_("Too many tries"), N_("Wait ten minutes, then try again.")),
    "overloaded": (
        N_("Too much is going on right now"),
        N_("Wait a moment, then do it once more. Nothing is done twice."),
    ),
    "internal-error": (
        N_("Something broke on our side"),
        N_("It is not your fault, and we have written it down. Wait a moment, then do it once more."),
    ),
    "till-too-old": (N_("This till is too old"), N_("Load the page again. What was noted stays noted.")),
    "unauthenticated": (N_("Sign in first"), N_("This page is for those with a key.")),
    "forbidden": (N_("This is not for your key"), N_("Sign in with another key, or go back to the start.")),
}
"""Codes that a browser can meet outside the pages' own answers; the others say their title and help."""


def error_view(problem: Problem, path: str) -> ErrorView:
    """`path` is where it happened: a clerk goes back to the till, a shopper to the return."""
    kind = PROBLEMS[problem.code]
    title, text = SAID.get(problem.code, (kind.title, problem.detail or kind.help))
    if problem.code == "too-many-requests":
        text = problem.detail or text
    return ErrorView(title, text, _ways(problem.code, path))


def _ways(code: str, path: str) -> tuple[tuple[str, str], ...]:
    parts = path.strip("/").split("/")
    if parts[0] == "till":
        return ((TILL, _("Back to the till")),)
    start = ("/", _("To the start"))
    if parts[0].lower() == "p" and len(parts) > 1:
        return ((f"/p/{parts[1]}", _("Back to my return")), start)
    return (("/login", _("Sign in")), start) if code in ("unauthenticated", "forbidden") else (start,)
