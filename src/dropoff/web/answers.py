"""From a service's value to an answer: the few helpers every `api.py` is written with.

@post("/v1/lanes", guards=[for_operator], opt=doc("Add a lane", body=NewLane, answer=LaneView, status=201))
async def add_lane(request: Request) -> ASGIResponse:
    data = await body(request, NewLane)
    return await write(request, service.add_lane, data, now(), status=201)
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from litestar import Request
from litestar.response.base import ASGIResponse

from dropoff.db import Tx
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.web.idempotency import Answer, answer_once, parse_key, ticket
from dropoff.web.languages import Marked
from dropoff.web.middleware import caller
from dropoff.web.problems import Refused, problem_body, problem_response, status_of
from dropoff.web.schema import KeyUse

JSON = "application/json"


def _in_english(value: Any) -> Any:
    """A text that is marked for people goes to programs as it stands in the code."""
    if isinstance(value, Marked):
        return str(value)
    raise NotImplementedError(f"{type(value)} has no form in JSON")


_encoder = msgspec.json.Encoder(enc_hook=_in_english)


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> ASGIResponse:
    """A struct (or list, or dict) as JSON. Datetimes in UTC are written with `Z`."""
    return ASGIResponse(body=_encoder.encode(value), status_code=status, media_type=JSON, headers=headers or {})


async def read(request: Request[Any, Any, Any], fn: Callable[..., Any], *args: Any) -> ASGIResponse:
    """Runs `fn(tx, *args)` on a snapshot. None and another's thing are both "not found"."""
    value = await request.app.state.context.db.read(fn, *args)
    if value is None:
        value = Problem("not-found")
    return problem_response(request, value) if isinstance(value, Problem) else answer(value)


async def write(
    request: Request[Any, Any, Any], fn: Callable[..., Any], *args: Any, status: int = 200, key: KeyUse = "optional"
) -> ASGIResponse:
    """Runs `fn(tx, *args)` in the write lane, once per Idempotency-Key when one was sent."""
    return send(request, await outcome(request, fn, *args, status=status, key=key))


def send(request: Request[Any, Any, Any], result: Answer | Problem) -> ASGIResponse:
    """An `outcome` as a response."""
    if isinstance(result, Problem):
        return problem_response(request, result)
    problem = result.status >= 400
    return ASGIResponse(
        body=result.body,
        status_code=result.status,
        media_type="application/problem+json" if problem else JSON,
        headers={"Idempotency-Replayed": "true"} if result.replayed else {},
    )


async def outcome(
    request: Request[Any, Any, Any], fn: Callable[..., Any], *args: Any, status: int = 200, key: KeyUse = "optional"
) -> Answer | Problem:
    """Like `write`, for handlers that look at the answer before they send it. Without a key a refusal comes as the
    `Problem` itself; with one, as the stored document."""
    context = request.app.state.context
    sent = request.headers.get("idempotency-key") if key != "none" else None
    if sent is None:
        if key == "required":
            raise Refused(Problem("idempotency-key-missing"))
        value = await context.db.write(fn, *args)
        return value if isinstance(value, Problem) else Answer(status, _encoder.encode(value))
    parsed = parse_key(sent)
    if parsed is None:
        raise Refused(Problem("idempotency-key-invalid"))
    scope = f"{caller(request.scope)} {request.method} {request.url.path}"
    claim = ticket(scope, parsed, getattr(request.state, "fingerprint", ""), now())
    run = partial(_run, base_url=context.settings.base_url, status=status, fn=fn, args=args)
    result: Answer | Problem = await context.db.write(answer_once, context.vault, claim, run)
    return result


def _run(tx: Tx, *, base_url: str, status: int, fn: Callable[..., Any], args: tuple[Any, ...]) -> Answer:
    value = fn(tx, *args)
    if isinstance(value, Problem):
        return Answer(status_of(value), problem_body(value, base_url), kept=value.code != "invalid-request")
    return Answer(status, _encoder.encode(value))
