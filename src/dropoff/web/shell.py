"""The shell of every page: templates in, ready bytes out, under a policy that lets nothing run and nothing load
from elsewhere. It knows no room; rooms hand it a plain view struct.
"""

from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from litestar.datastructures import Cookie
from litestar.response.base import ASGIResponse

from dropoff.kernel import codes, money
from dropoff.web import words
from dropoff.web.assets import built

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; manifest-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# `same-origin`, not `no-referrer`: the latter would send `Origin: null` with our own forms, and a page's address may
# be a secret, so nothing may go to others.
HEADERS: Final = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), payment=()",
    "x-robots-tag": "noindex",
}
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


def page(
    html: bytes,
    status: int = 200,
    cookies: tuple[Cookie, ...] = (),
    headers: dict[str, str] | None = None,
) -> ASGIResponse:
    """A rendered page under the strict policy. Pages tell of one person's or one shop's things: nobody stores them."""
    return ASGIResponse(
        body=html,
        status_code=status,
        media_type=HTML,
        headers={**HEADERS, "cache-control": "no-store", **(headers or {})},
        cookies=cookies,
    )


def see_other(location: str, cookies: tuple[Cookie, ...] = ()) -> ASGIResponse:
    """After a form: the browser asks for the next page, so that a reload repeats nothing."""
    return ASGIResponse(
        status_code=303, headers={"location": location, "cache-control": "no-store"}, cookies=cookies
    )
