"""The public pages of the problem codes: every `type` of a problem document is an address that explains itself."""

from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.kernel.errors import PROBLEMS, Problem
from dropoff.web.problems import problem_response
from dropoff.web.shell import page, render


class ProblemView(msgspec.Struct, frozen=True):
    code: str
    status: int
    title: str
    help: str


@get("/problems", include_in_schema=False)
async def problem_index() -> ASGIResponse:
    return page(render("problems/index.html", [_view(code) for code in sorted(PROBLEMS)]))


@get("/problems/{code:str}", include_in_schema=False)
async def problem_page(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIResponse:
    if code not in PROBLEMS:
        return problem_response(request, Problem("not-found", "There is no problem of that name."))
    return page(render("problems/problem.html", _view(code)))


def _view(code: str) -> ProblemView:
    kind = PROBLEMS[code]
    return ProblemView(code, kind.status, kind.title, kind.help)


HANDLERS: Final = [problem_index, problem_page]
