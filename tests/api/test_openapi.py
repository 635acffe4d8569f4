"""The OpenAPI document tells the truth: every operation is called with what the document allows, and with what it does
not, and each answer must be one that the document names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.api.ours import Ours, roles
from tests.service import OPERATOR_KEY, Client, Service, running

from dropoff.app import ROOMS
from dropoff.kernel.errors import PROBLEMS

EXAMPLES = 6
PARTS = 6
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ENDS_A_LOGIN = {"key_id", "device_id"}
"""Called with a real id these would lock the test itself out."""


@pytest.fixture(scope="module")
def ours(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ours]:
    """On SQLite: what is shown here is the edge, the same for both databases."""
    folder: Path = tmp_path_factory.mktemp("openapi")
    path = folder / "dropoff.sqlite3"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    with running(f"sqlite:///{path}", folder, worker=False) as service:
        yield Ours(service)


def test_the_document_is_a_valid_one(ours: Ours) -> None:
    document = ours.service.public.get("/schema")
    openapi.from_dict(document).validate()
    named = {item["operationId"] for methods in document["paths"].values() for item in methods.values()}
    assert len(named) == sum(len(methods) for methods in document["paths"].values()), "an operationId is used twice"


def test_every_route_of_the_api_is_listed(ours: Ours) -> None:
    listed = {
        (method.upper(), path)
        for path, methods in ours.service.public.get("/schema")["paths"].items()
        for method in methods
    }
    served = {one for one in roles() if one[1].startswith("/v1/") and one[0] not in ("OPTIONS", "HEAD")}
    assert served <= listed


def test_every_protected_route_names_its_refusals(ours: Ours) -> None:
    for path, methods in ours.service.public.get("/schema")["paths"].items():
        for method, item in methods.items():
            if "security" in item:
                assert {"401", "403"} <= set(item["responses"]), f"{method} {path}"
            if "requestBody" in item:
                assert {"413", "415", "422"} <= set(item["responses"]), f"{method} {path}"


@pytest.mark.parametrize("part", range(PARTS))
def test_every_operation_keeps_to_the_document(ours: Ours, part: int) -> None:
    """In parts, each far from the limit of a single test, however many operations there are."""
    document = ours.service.public.get("/schema")
    allowed = roles()
    tokens = {"operator": OPERATOR_KEY, "retailer": _token(ours.chain.shop), "device": _token(ours.chain.till)}
    operations = list(openapi.from_dict(document).get_all_operations())
    assert len(operations) == sum(len(methods) for methods in document["paths"].values())
    for result in operations[part::PARTS]:
        operation = result.ok()
        role = (allowed.get((operation.method.upper(), operation.path)) or [""])[0]
        _try(ours.service, operation, ours.ids, tokens.get(role, ""))


def _token(client: Client) -> str:
    return str(client.http.headers["authorization"].removeprefix("Bearer "))


def _try(service: Service, operation: Any, ids: dict[str, str], token: str) -> None:
    named = {parameter.name for parameter in operation.path_parameters}
    strategies = [operation.as_strategy()]
    if named and named <= set(ids) and not named & ENDS_A_LOGIN:
        strategies.append(operation.as_strategy(path_parameters={name: ids[name] for name in named}))
    if operation.body or operation.query:
        strategies.append(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(strategies))
    def every_answer_is_a_listed_one(case: Case) -> None:
        response = case.call(base_url=service.base_url, headers=headers, timeout=30)
        assert response.status_code < 500, response.text
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400:
            document = response.json()
            code = document["type"].rpartition("/")[2]
            assert document["status"] == response.status_code == PROBLEMS[code].status
            assert document["type"] == f"{service.base_url}/problems/{code}"
            assert code in operation.definition.raw["responses"][str(response.status_code)]["description"]

    every_answer_is_a_listed_one()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/v1/returns", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/v1/orders", "OPTIONS, POST"),
        ("PUT", "/v1/counter/hand-ins", "OPTIONS, POST"),
        ("POST", "/v1/shipments", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_a_problem_document(ours: Ours, method: str, path: str, allowed: str) -> None:
    response = ours.chain.shop.http.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert response.headers["content-type"].startswith("application/problem+json")
    assert response.json()["type"].endswith("/problems/method-not-allowed")


def test_no_handler_is_left_undescribed() -> None:
    assert all(handler.opt["doc"].summary for room in ROOMS for handler in room.HANDLERS if "doc" in handler.opt)
