"""The shell of every page: templates in, ready bytes out. It knows no room; rooms hand it a plain view struct.

Pages hold no script and no inline style: the policy that the edge puts on every answer lets neither run.
"""

from typing import Any, Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from litestar.response.base import ASGIResponse

from dropoff.kernel import codes, money
from dropoff.kernel.errors import PROBLEMS, Problem
from dropoff.web import words
from dropoff.web.assets import built

HTML: Final = "text/html; charset=utf-8"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dropoff.web", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    # Every text goes through gettext already, so that a catalogue can be put in without touching a page.
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    environment.globals["asset"] = lambda name: built().url(name)
    environment.filters |= {
        "money": money.display,
        "short": codes.format_short_code,
        "capital": words.first_capital,
        "distance": words.distance,
    }
    return environment


ENVIRONMENT: Final = _environment()


def render(template: str, view: object = None, **more: Any) -> bytes:
    """The page as bytes. In the template the struct is `view`."""
    return ENVIRONMENT.get_template(template).render(view=view, **more).encode()


def page(html: bytes, status: int = 200, headers: dict[str, str] | None = None) -> ASGIResponse:
    """A rendered page. Pages tell of one person's or one shop's things: no cache and no search engine keeps them."""
    own = {"cache-control": "no-store", "x-robots-tag": "noindex"}
    return ASGIResponse(body=html, status_code=status, media_type=HTML, headers=own | (headers or {}))


def see_other(location: str, headers: dict[str, str] | None = None) -> ASGIResponse:
    """After a form: the browser asks for the next page, so that a reload repeats nothing."""
    own = {"location": location, "cache-control": "no-store"}
    return ASGIResponse(status_code=303, headers=own | (headers or {}))


class ErrorView(msgspec.Struct, frozen=True):
    title: str
    text: str
    links: tuple[tuple[str, str], ...] = (("/", "To the start"),)


def render_problem(problem: Problem) -> bytes:
    """The same refusal that a program gets as a document, for a person with a browser."""
    kind = PROBLEMS[problem.code]
    links: tuple[tuple[str, str], ...] = (("/", "To the start"),)
    if kind.status in (401, 403):
        links = (("/login", "Sign in"), *links)
    return render("error.html", ErrorView(kind.title, problem.detail or kind.help, links))
