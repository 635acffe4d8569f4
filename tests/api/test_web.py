"""The edge of the service: problems, Idempotency-Key, login, headers, health and metrics."""

import re
import secrets
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from tests.api.chain import hand_in, import_points, issue, order, point, retailer, till, wish
from tests.service import OPERATOR_KEY, Client, Service

from dropoff.kernel.errors import PROBLEMS
from dropoff.returns import orders

PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def shop(service: Service) -> Client:
    return retailer(service)[1]


def code_of(response: httpx.Response) -> str:
    assert response.headers["content-type"].startswith("application/problem+json"), response.text
    document = response.json()
    assert document["status"] == response.status_code
    assert document["title"]
    return str(document["type"]).rpartition("/")[2]


# Problems


@pytest.mark.parametrize("path", ["/v1/nothing", "/nothing", "/v1/returns/ret_1/nothing", "/v2/orders", "/v1/%00"])
def test_an_unknown_address_is_a_problem_document(service: Service, path: str) -> None:
    response = service.operator.call("GET", path)
    assert (response.status_code, code_of(response)) == (404, "not-found")


def test_a_type_is_an_address_that_explains_itself(service: Service) -> None:
    document = service.public.call("GET", "/v1/keys").json()
    page = httpx.get(document["type"], headers=PAGE, trust_env=False)
    assert page.status_code == 200
    assert PROBLEMS["unauthenticated"].title in page.text


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_every_code_has_a_page(service: Service, code: str) -> None:
    page = service.public.call("GET", f"/problems/{code}")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert code in page.text


def test_a_browser_gets_a_page_and_the_api_never_does(service: Service) -> None:
    page = service.public.call("GET", "/nothing", headers=PAGE)
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (404, "text/html")
    assert code_of(service.public.call("GET", "/v1/nothing", headers=PAGE)) == "not-found"


def test_a_page_names_its_charset_once(service: Service) -> None:
    for path in ("/login", "/problems/not-found"):
        assert service.public.call("GET", path).headers["content-type"] == "text/html; charset=utf-8"


def test_nothing_may_be_sent_where_every_field_may_be_left_out(service: Service, shop: Client) -> None:
    run = service.operator.call("POST", "/v1/consolidation-runs")
    assert run.status_code == 201, run.text
    missing = shop.call("POST", "/v1/orders")
    assert (missing.status_code, code_of(missing)) == (422, "invalid-request")


def test_a_missing_key_names_the_scheme(service: Service) -> None:
    for headers in (
        {},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Bearer nonsense"},
    ):
        response = service.public.call("GET", "/v1/returns", headers=headers)
        assert (response.status_code, code_of(response)) == (401, "unauthenticated")
        assert response.headers["www-authenticate"] == "Bearer"


# Idempotency-Key


def test_a_repeat_is_replayed_and_says_so(shop: Client) -> None:
    body, key = order(), secrets.token_hex(8)
    first = shop.call("POST", "/v1/orders", body, key=key)
    again = shop.call("POST", "/v1/orders", body, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


def test_a_key_is_the_same_quoted_or_bare(shop: Client) -> None:
    body, key = order(), secrets.token_hex(8)
    shop.call("POST", "/v1/orders", body, key=key)
    assert shop.call("POST", "/v1/orders", body, key=f'"{key}"').headers["idempotency-replayed"] == "true"


def test_the_same_body_in_other_spelling_is_the_same_request(shop: Client) -> None:
    body, key = order(), secrets.token_hex(8)
    shop.call("POST", "/v1/orders", body, key=key)
    spelled = {name: body[name] for name in reversed(list(body))}
    assert shop.call("POST", "/v1/orders", spelled, key=key).headers["idempotency-replayed"] == "true"


def test_a_key_with_another_body_is_refused(shop: Client) -> None:
    key = secrets.token_hex(8)
    shop.call("POST", "/v1/orders", order(), key=key)
    response = shop.call("POST", "/v1/orders", order(), key=key)
    assert (response.status_code, code_of(response)) == (422, "idempotency-key-reused")


def test_a_key_belongs_to_one_caller_and_one_path(service: Service, shop: Client) -> None:
    key, body = secrets.token_hex(8), order()
    made = shop.call("POST", "/v1/orders", body, key=key).json()
    _, other = retailer(service)
    assert "idempotency-replayed" not in other.call("POST", "/v1/orders", body, key=key).headers
    elsewhere = shop.call("POST", "/v1/returns", wish(made["reference"], "SOCKS"), key=key)
    assert elsewhere.status_code == 201
    assert "idempotency-replayed" not in elsewhere.headers


@pytest.mark.parametrize("key", ["", '""', "k" * 256, "ø", '"unclosed', "a b"])
def test_a_key_that_cannot_be_used_is_refused(shop: Client, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    response = shop.http.post("/v1/orders", json=order(), headers=headers)
    assert (response.status_code, code_of(response)) == (400, "idempotency-key-invalid")


def test_where_money_or_custody_moves_a_key_is_required(shop: Client) -> None:
    made = issue(shop, "SOCKS")
    refund = {"units": [made["units"][0]["id"]], "amount": 1, "currency": "DKK", "reference": "RF-KEY"}
    response = shop.call("POST", f"/v1/returns/{made['id']}/refunds", refund, key=None)
    assert (response.status_code, code_of(response)) == (400, "idempotency-key-missing")


def test_a_refusal_that_was_decided_is_stored_and_a_shape_error_is_not(shop: Client) -> None:
    key = secrets.token_hex(8)
    missing = wish("SO-LATER", "SOCKS")
    first = shop.call("POST", "/v1/returns", missing, key=key)
    assert code_of(first) == "order-not-found"
    shop.post("/v1/orders", order("SO-LATER"))
    again = shop.call("POST", "/v1/returns", missing, key=key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (404, "true")
    key = secrets.token_hex(8)
    assert shop.call("POST", "/v1/returns", {"order": "SO-LATER"}, key=key).status_code == 422
    assert shop.call("POST", "/v1/returns", missing, key=key).status_code == 201


def test_duplicates_at_the_same_moment_have_one_effect(shop: Client) -> None:
    made = shop.post("/v1/orders", order())
    key, body = secrets.token_hex(8), wish(made["reference"], "SOCKS")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shop.call("POST", "/v1/returns", body, key=key), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 7
    assert len(shop.get("/v1/returns", order=made["reference"])["items"]) == 1


# Login


@contextmanager
def sign_in(service: Service, key: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.base_url, headers=PAGE, trust_env=False, timeout=30) as browser:
        answer = browser.post("/login", data={"key": key})
        assert answer.status_code == 303, answer.text
        yield browser


def csrf(browser: httpx.Client) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/").text)
    assert found, "the front page has no form to sign out"
    return found.group(1)


def test_signing_in_gives_a_cookie_that_scripts_and_other_sites_cannot_use(service: Service) -> None:
    answer = service.public.http.post("/login", data={"key": OPERATOR_KEY})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert OPERATOR_KEY not in cookie
    service.public.http.cookies.clear()


def test_the_cookie_is_the_same_principal_as_the_key(service: Service) -> None:
    with sign_in(service, OPERATOR_KEY) as browser:
        assert browser.get("/v1/keys").status_code == 200
        assert browser.get("/v1/returns").status_code == 403


def test_a_wrong_key_does_not_sign_in(service: Service) -> None:
    for key in ("", "wrong", OPERATOR_KEY + "x"):
        answer = service.public.http.post("/login", data={"key": key})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers


def test_a_cookie_writes_only_with_its_token(service: Service) -> None:
    body = {"name": "x"}
    with sign_in(service, OPERATOR_KEY) as browser, sign_in(service, OPERATOR_KEY) as another:
        path = "/v1/locations/loc_1/devices"
        assert code_of(browser.post(path, json=body)) == "csrf-failed"
        assert code_of(browser.post(path, json=body, headers={"X-CSRF-Token": csrf(another)})) == "csrf-failed"
        good = browser.post(path, json=body, headers={"X-CSRF-Token": csrf(browser)})
        assert code_of(good) != "csrf-failed"
        assert code_of(browser.post("/logout", headers={"Accept": "*/*"})) == "csrf-failed"
        assert browser.get("/v1/keys").status_code == 200, "it is still signed in"


def test_signing_out_ends_the_session(service: Service) -> None:
    with sign_in(service, OPERATOR_KEY) as browser:
        kept = dict(browser.cookies)
        assert browser.post("/logout", data={"csrf_token": csrf(browser)}).status_code == 303
        stolen = httpx.get(f"{service.base_url}/v1/keys", cookies=kept, trust_env=False)
        assert stolen.status_code == 401


def test_a_session_is_a_fresh_one_at_each_login(service: Service) -> None:
    with sign_in(service, OPERATOR_KEY) as browser:
        first = dict(browser.cookies)
        browser.post("/login", data={"key": OPERATOR_KEY})
        assert dict(browser.cookies) != first


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x"])
def test_login_leads_to_no_other_site(service: Service, target: str) -> None:
    answer = service.public.http.post("/login", data={"key": OPERATOR_KEY, "next": target})
    assert answer.headers["location"] == "/"
    service.public.http.cookies.clear()


def test_another_site_cannot_sign_anyone_in(service: Service) -> None:
    answer = service.public.http.post("/login", data={"key": OPERATOR_KEY}, headers={"Sec-Fetch-Site": "cross-site"})
    assert code_of(answer) == "csrf-failed"


def test_a_neighbours_odd_cookie_harms_no_session(service: Service) -> None:
    for odd in ("a,b=1", "=x", ";;;", 'q="'):
        for cookie in (f"{odd}; dropoff_session=x", f"dropoff_session=x; {odd}"):
            assert service.public.call("GET", "/", headers={"Cookie": cookie}).status_code == 200
    with sign_in(service, OPERATOR_KEY) as browser:
        session = browser.cookies["dropoff_session"]
        cookies = {"Cookie": f"a,b=1; dropoff_session={session}"}
        assert service.public.call("GET", "/v1/keys", headers=cookies).status_code == 200


def test_guessing_keys_is_braked_for_each_address(service: Service) -> None:
    guesser = {"X-Forwarded-For": "2001:db8:0:1::7"}
    for _ in range(20):
        assert service.public.http.post("/login", data={"key": "wrong"}, headers=guesser).status_code == 401
    # The same network, another address of it.
    braked = service.public.http.post(
        "/login", data={"key": OPERATOR_KEY}, headers={"X-Forwarded-For": "2001:db8:0:1:ffff::8"}
    )
    assert code_of(braked) == "too-many-requests"
    assert braked.headers["retry-after"] == "900"
    with sign_in(service, OPERATOR_KEY) as browser:
        assert browser.get("/v1/keys").status_code == 200


def test_a_revoked_key_ends_its_sessions(service: Service) -> None:
    made, shop = retailer(service)
    token = shop.http.headers["authorization"].removeprefix("Bearer ")
    key = next(k["id"] for k in service.operator.get("/v1/keys", limit=200)["items"] if k["retailer_id"] == made)
    with sign_in(service, token) as browser:
        assert browser.get("/v1/returns").status_code == 200
        service.operator.post(f"/v1/keys/{key}/revoke", status=200)
        assert browser.get("/v1/returns").status_code == 401
        assert shop.call("GET", "/v1/returns").status_code == 401


# Headers, health, metrics


@pytest.mark.parametrize("path", ["/", "/login", "/problems", "/v1/returns", "/nothing", "/health/live", "/schema"])
def test_every_answer_carries_the_security_headers(service: Service, path: str) -> None:
    headers = service.public.call("GET", path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert re.fullmatch(r"[0-9a-f]{16}", headers["x-request-id"])
    assert "server" not in headers


def test_pages_name_no_other_host(service: Service) -> None:
    for path in ("/", "/login", "/problems"):
        text = service.public.call("GET", path).text
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text), path


def test_assets_are_kept_for_ever_and_change_their_name(service: Service) -> None:
    page = service.public.call("GET", "/").text
    names = re.findall(r'href="(/assets/[^"]+\.css)"', page)
    assert names
    asset = service.public.call("GET", names[0])
    assert asset.status_code == 200
    assert "immutable" in asset.headers["cache-control"]
    assert service.public.call("GET", "/assets/../settings.py").status_code == 404


def test_health_says_what_is_well_and_what_to_mend(service: Service) -> None:
    assert service.public.get("/health/live") == {"live": True}
    ready = service.public.get("/health/ready")
    assert ready["ready"] is True
    assert ready["checks"]["database"] == "ok"
    assert any("DROPOFF_GS1_PREFIX" in warning for warning in ready["warnings"])


def test_head_answers_as_get_without_a_body(service: Service) -> None:
    for path in ("/", "/health/live", "/schema", "/nothing"):
        head, got = service.public.call("HEAD", path), service.public.call("GET", path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-type"] == got.headers["content-type"]
        assert head.headers["content-length"] == str(len(got.content))


def test_metrics_have_the_content_type_that_prometheus_reads(service: Service) -> None:
    """It refuses one in which a parameter stands twice."""
    kind = service.public.call("GET", "/metrics").headers["content-type"]
    assert kind.startswith("text/plain; version=")
    assert kind.count("charset") == 1


def metric(service: Service, name: str) -> float:
    text = service.public.call("GET", "/metrics").text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def test_metrics_count_requests_and_problems_by_pattern(service: Service) -> None:
    before = metric(service, 'dropoff_problems_total{code="unauthenticated"}')
    service.public.call("GET", "/v1/returns/ret_SECRET")
    assert metric(service, 'dropoff_problems_total{code="unauthenticated"}') == before + 1
    text = service.public.call("GET", "/metrics").text
    assert "ret_SECRET" not in text
    assert 'route="/v1/returns/{return_id}"' in text
    assert "dropoff_errors_total " in text


def test_metrics_count_hand_ins(service: Service) -> None:
    place = import_points(service, "metrics", point("metrics-1", 55.1, 12.1))[0]
    _, device = till(service, place)
    name = 'dropoff_hand_ins_total{reason="",verdict="accepted"}'
    before = metric(service, name)
    assert hand_in(device, issue(retailer(service)[1]))["verdict"] == "accepted"
    assert metric(service, name) == before + 1


def test_a_fault_of_ours_is_a_problem_and_stores_no_answer(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same key may be tried again after a 5xx."""
    shop = retailer(service)[1]
    key, body = secrets.token_hex(8), order()
    original, faults = orders.store.add_order, metric(service, "dropoff_errors_total")

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(orders.store, "add_order", broken)
    failed = shop.call("POST", "/v1/orders", body, key=key)
    assert (failed.status_code, code_of(failed)) == (500, "internal-error")
    assert "secret detail" not in failed.text
    assert metric(service, "dropoff_errors_total") == faults + 1
    monkeypatch.setattr(orders.store, "add_order", original)
    good = shop.call("POST", "/v1/orders", body, key=key)
    assert good.status_code == 201
    assert "idempotency-replayed" not in good.headers


def test_a_client_that_hangs_up_is_no_fault_of_ours(service: Service) -> None:
    requests = 'dropoff_request_seconds_count{route="/v1/devices/pair"'
    answered, faults = metric(service, requests), metric(service, "dropoff_errors_total")
    address = httpx.URL(service.base_url)
    with socket.create_connection((address.host, address.port or 80)) as connection:
        head = (
            "POST /v1/devices/pair HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        )
        connection.sendall(head.encode())
    until = time.monotonic() + 60
    while metric(service, requests) == answered:
        assert time.monotonic() < until, "the request never ended"
    assert metric(service, "dropoff_errors_total") == faults
