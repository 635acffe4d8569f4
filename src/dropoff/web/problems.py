"""Problem documents (RFC 9457): the only place that turns refusals and faults into HTTP."""

import logging
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
)
from litestar.response.base import ASGIResponse

from dropoff.db import CommitUncertain, Contended, NotWritten, Unwritable
from dropoff.kernel.errors import PROBLEMS, FieldError, Problem
from dropoff.web import metrics

MEDIA_TYPE = "application/problem+json"

HUNG_UP = "client disconnected prematurely"
"""Litestar's own words, the only way to tell it from a fault."""

log = logging.getLogger("dropoff.web")


class Refused(Exception):
    """A refusal at the edge, before any transaction: bad shape, no credentials. Inside services it is a value."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Document(msgspec.Struct, omit_defaults=True):
    type: str
    title: str
    status: int
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    data: dict[str, Any] = {}


class _ReadyResponse(ASGIResponse):
    """Litestar asks what an exception handler answers to become a response; this one is ready as it is."""

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        return self


def status_of(problem: Problem) -> int:
    return PROBLEMS[problem.code].status


def problem_body(problem: Problem, base_url: str) -> bytes:
    kind = PROBLEMS[problem.code]
    return msgspec.json.encode(
        Document(
            type=f"{base_url}/problems/{problem.code}",
            title=kind.title,
            status=kind.status,
            detail=problem.detail or kind.help,
            errors=problem.errors,
            data=problem.data,
        )
    )


def problem_response(request: Request[Any, Any, Any], problem: Problem) -> ASGIResponse:
    status = status_of(problem)
    metrics.PROBLEMS.labels(code=problem.code).inc()
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    page = wants_page(request)
    body = (
        _page(problem, request.url.path) if page else problem_body(problem, request.app.state.context.settings.base_url)
    )
    return _ReadyResponse(
        body=body, status_code=status, headers=headers, media_type="text/html" if page else MEDIA_TYPE, encoding="utf-8"
    )


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """A browser that opens an address gets a page; every program, and every call under /v1, a document."""
    return not request.url.path.startswith("/v1/") and "text/html" in request.headers.get("accept", "")


def _page(problem: Problem, path: str) -> bytes:
    from dropoff.web.shell import render_problem  # the shell reads templates from disk: only when a page is shown

    return render_problem(problem, path)


def on_refused(request: Request[Any, Any, Any], error: Refused) -> ASGIResponse:
    return problem_response(request, error.problem)


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> ASGIResponse:
    """Litestar's own refusals, in our words."""
    if isinstance(error, NotFoundException):
        problem = Problem("not-found", "There is nothing at this address.")
    elif isinstance(error, MethodNotAllowedException):
        answered = problem_response(request, Problem("method-not-allowed"))
        methods = set((error.headers or {}).get("allow", "").split(", ")) - {""}
        methods |= {"HEAD"} if "GET" in methods else set()  # answered by the edge
        answered.headers["allow"] = ", ".join(sorted(methods))
        return answered
    elif isinstance(error, NotAuthorizedException):
        problem = Problem("unauthenticated")
    elif isinstance(error, PermissionDeniedException):
        problem = Problem("forbidden")
    elif error.status_code == 413:
        problem = Problem("body-too-large")
    elif error.detail == HUNG_UP:
        problem = Problem("invalid-request", "The body broke off.")  # nobody hears it, and it is no fault of ours
    elif error.status_code >= 500:
        return on_fault(request, error)
    else:
        problem = Problem("invalid-request", str(error.detail)[:300])
    return problem_response(request, problem)


def on_busy(request: Request[Any, Any, Any], error: Exception) -> ASGIResponse:
    if isinstance(error, Unwritable):
        return problem_response(request, Problem("not-saved", retry_after_s=30))
    if isinstance(error, Contended) and request.headers.get("idempotency-key"):
        return problem_response(request, Problem("idempotency-key-in-use", retry_after_s=1))
    if isinstance(error, CommitUncertain):
        detail = "The database broke off while saving. Repeat with the same Idempotency-Key to learn what stands."
        return problem_response(request, Problem("overloaded", detail, retry_after_s=1))
    return problem_response(request, Problem("overloaded", retry_after_s=1))


def on_fault(request: Request[Any, Any, Any], error: Exception) -> ASGIResponse:
    metrics.ERRORS.inc()
    log.error("unanswered request", exc_info=error, extra={"route": request.scope.get("path_template", "")})
    return problem_response(request, Problem("internal-error"))


HANDLERS: dict[Any, Any] = {
    Refused: on_refused,
    HTTPException: on_http_exception,
    NotWritten: on_busy,
    CommitUncertain: on_busy,
    Exception: on_fault,
}
