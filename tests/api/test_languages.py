"""Who is answered in which language: a link, a cookie, the browser, the order, the retailer, English; and what caches
may keep of it."""

import re
from typing import Any

import httpx
import pytest
from tests.api.retailer_world import issued, new_order, new_return, open_retailer
from tests.service import Service


@pytest.fixture(scope="module")
def passes(service: Service) -> dict[str, str]:
    """Paths of a pass whose order speaks Norwegian, and of one whose order says nothing."""
    retailer = open_retailer(service, locale="de_AT")
    spoken = issued(retailer)
    silent = {"name": "Æsa", "email": "aesa@example.org"}
    retailer.post("/v1/orders", new_order("SO-2", shopper=silent))
    other = retailer.post("/v1/returns", new_return(order="SO-2"))
    strange = open_retailer(service, locale="fr")
    strange.post("/v1/orders", new_order("SO-3", shopper={**silent, "locale": "pl-PL"}))
    third = strange.post("/v1/returns", new_return(order="SO-3"))
    named = {"nb": spoken, "de": other, "fr": third}
    return {name: f"/p/{made['pass']['code']}" for name, made in named.items()}


def get(service: Service, path: str, **headers: str) -> httpx.Response:
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(f"{service.base_url}{path}", headers={"Accept": "text/html", **own}, trust_env=False, timeout=30)


def language(answer: httpx.Response) -> str:
    found = re.search(r'<html lang="(\w+)">', answer.text)
    assert found is not None
    assert answer.headers["content-language"] == found[1]
    return found[1]


@pytest.mark.parametrize(
    ("which", "query", "headers", "wanted"),
    [
        ("nb", "", {}, "nb"),
        ("de", "", {}, "de"),
        ("fr", "", {}, "en"),
        ("nb", "", {"accept_language": "fr"}, "nb"),
        ("nb", "", {"accept_language": "nn-NO,en;q=0.5"}, "nb"),
        ("nb", "", {"accept_language": "da-DK"}, "da"),
        ("nb", "", {"accept_language": "x" * 20_000 + ",da"}, "nb"),
        ("nb", "", {"accept_language": "da;q=\xff,\u00e9"}, "nb"),
        ("nb", "", {"accept_language": "da", "cookie": "a=b; dropoff_language=sv; c"}, "sv"),
        ("nb", "", {"accept_language": "da", "cookie": "dropoff_language=tlh"}, "da"),
        ("nb", "?lang=de", {"accept_language": "da", "cookie": "dropoff_language=sv"}, "de"),
        ("nb", "?lang=no", {"accept_language": "da"}, "nb"),
        ("nb", "?lang=%00%ff<script>", {"accept_language": "da"}, "da"),
        ("nb", "?lang=" + "d" * 5_000, {"accept_language": "da"}, "da"),
    ],
)
def test_a_pass_is_shown_in_the_first_language_that_somebody_named(
    service: Service, passes: dict[str, str], which: str, query: str, headers: dict[str, Any], wanted: str
) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    assert language(get(service, passes[which] + query, **raw)) == wanted  # type: ignore[arg-type]


def test_the_switch_keeps_the_question_and_the_choice_and_no_cache_keeps_either(
    service: Service, passes: dict[str, str]
) -> None:
    asked = get(service, "/find?q=10115&lang=da&open=now", accept_language="en")
    assert language(asked) == "da"
    assert 'href="?q=10115&amp;open=now&amp;lang=sv"' in asked.text
    assert asked.headers["cache-control"] == "no-store"
    kept = asked.headers["set-cookie"]
    assert kept.startswith("dropoff_language=da; Path=/; HttpOnly; SameSite=Lax; Max-Age=")
    again = get(service, "/find", cookie=kept.split(";")[0], accept_language="en")
    assert language(again) == "da"
    assert "set-cookie" not in again.headers
    assert again.headers["cache-control"] == "public, max-age=60"
    assert again.headers["vary"] == "Accept-Language, Cookie"
    assert get(service, passes["nb"]).headers["cache-control"] == "no-store"


def test_what_answered_a_form_leads_the_switch_to_a_page_that_can_be_opened(service: Service) -> None:
    with httpx.Client(base_url=service.base_url, trust_env=False, timeout=30) as phone:
        for path, fields in (("/verify", {"receipt": "x"}), ("/visit", {"pass": "x"}), ("/login", {"key": "op_x"})):
            answer = phone.post(path, data=fields, headers={"Accept-Language": "da"})
            found = re.search(r'href="([^"]*lang=sv)"', answer.text)
            assert found is not None, path
            there = phone.get(httpx.URL(f"{service.base_url}{path}").join(found[1]), headers={"Accept": "text/html"})
            assert (there.status_code, language(there)) == (200, "sv"), path
            phone.cookies.clear()


def test_people_read_refusals_in_their_language_and_programs_in_english(service: Service) -> None:
    page = get(service, "/nothing-here", accept_language="de")
    assert (page.status_code, language(page)) == (404, "de")
    assert "Diese Seite gibt es nicht" in page.text
    document = httpx.get(
        f"{service.base_url}/v1/returns/ret_nothing", headers={"Accept-Language": "de"}, trust_env=False
    )
    assert document.status_code == 401
    assert document.json()["title"].isascii()
    assert "content-language" not in document.headers
