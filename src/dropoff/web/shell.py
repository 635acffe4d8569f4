"""The shell of every page: templates in, ready bytes out. It knows no room; rooms hand it a plain view struct.

Pages hold no script and no inline style: the policy that the edge puts on every answer lets neither run.
"""

import re
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from litestar.response.base import ASGIResponse
from markupsafe import Markup, escape

from dropoff.kernel import codes
from dropoff.kernel.errors import Problem
from dropoff.web import languages, speaking, words
from dropoff.web.assets import built
from dropoff.web.people import error_view

HTML: Final = "text/html"  # the framework adds the charset


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dropoff.web", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
        finalize=languages.said,
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        languages.gettext, languages.plural, newstyle=True, pgettext=languages.pgettext
    )
    environment.globals["plural"] = languages.plural
    environment.globals["language"] = languages.language
    environment.globals["switch"] = speaking.switch
    environment.globals["asset"] = lambda name: built().url(name)
    environment.filters |= {
        "money": words.money,
        "short": codes.format_short_code,
        "capital": lambda text: words.first_capital(languages.said(text)),
        "distance": words.distance,
        "ticks": ticks,
    }
    return environment


def ticks(text: str) -> Markup:
    """Texts that programs read too write code between backticks."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before


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


def render_problem(problem: Problem, path: str) -> bytes:
    """The same refusal that a program gets as a document, for a person with a browser who was at `path`."""
    return render("error.html", error_view(problem, path))
