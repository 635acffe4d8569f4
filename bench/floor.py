"""The floors: Litestar handlers that do the least that can be done.

`/a/…` answers bytes that are ready (floor A). `/issue` and `/confirm` decode the same body, run the service's own
recorded statements in one transaction of the raw driver, and answer bytes that are ready.

    python -m bench.floor --plan FILE --port N
"""

import argparse
import asyncio
import gzip
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import msgspec
import uvicorn
from litestar import Litestar, Request, get, post
from litestar.response.base import ASGIResponse

from bench.recording import Known, Script, Statement
from dropoff.counter.hand_ins import HandIn
from dropoff.returns.service import NewReturn
from dropoff.running import TURN_S

POOL = 16


class Plan(msgspec.Struct, kw_only=True):
    """What the floor process is told. Sent as pickle between processes of one run."""

    database_url: str
    nearby: bytes
    qr: bytes
    issue: list[Statement] = []
    confirm: list[Statement] = []
    issue_answer: bytes = b""
    confirm_answer: bytes = b""
    texts: tuple[str, ...] = ()
    """Words of the recorded requests that differ from request to request."""
    known: list[Known] = []
    """For each request, what replaces what stands in the recorded one."""


class Runs(Protocol):
    async def __call__(self, statements: list[Statement]) -> None: ...


def sqlite_floor(path: str) -> Runs:
    """One writer thread, one transaction per request, synced."""
    thread = ThreadPoolExecutor(1)

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    connection = connect()

    def run(statements: list[Statement]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in statements:
                connection.execute(sql, values).fetchall()
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    async def answer(statements: list[Statement]) -> None:
        await asyncio.get_running_loop().run_in_executor(thread, run, statements)

    return answer


def postgres_floor(url: str) -> Runs:
    pool: Any = None

    async def answer(statements: list[Statement]) -> None:
        nonlocal pool
        if pool is None:
            import asyncpg

            pool = await asyncpg.create_pool(url, min_size=POOL, max_size=POOL, statement_cache_size=512)
        async with pool.acquire() as connection, connection.transaction():
            for sql, values in statements:
                await connection.fetch(sql, *values)

    return answer


def create_app(plan: Plan) -> Litestar:
    run = _runner(plan.database_url)
    issue_script, confirm_script = (Script(statements, plan.texts) for statements in (plan.issue, plan.confirm))
    # Ready before the first request, so that the floor is charged for nothing but sending them. What a return was
    # given, its hand-in knows, so the order of the two lines matters.
    issues = [issue_script.rewrite(known) for known in plan.known]
    confirms = [confirm_script.rewrite(known) for known in plan.known]

    @get("/ready")
    async def ready() -> ASGIResponse:
        return ASGIResponse(body=b"ok")

    @get("/a/nearby")
    async def nearby() -> ASGIResponse:
        return ASGIResponse(body=plan.nearby, media_type="application/json")

    @get("/a/qr/{code:str}")
    async def qr(code: str) -> ASGIResponse:
        return ASGIResponse(body=plan.qr, media_type="image/png")

    @post("/issue")
    async def issue(request: Request[Any, Any, Any]) -> ASGIResponse:
        wish = msgspec.json.decode(await request.body(), type=NewReturn)
        await run(issues[int(wish.order.rpartition("-")[2])])
        return ASGIResponse(body=plan.issue_answer, media_type="application/json", status_code=201)

    @post("/confirm", status_code=200)
    async def confirm(request: Request[Any, Any, Any]) -> ASGIResponse:
        hand_in = msgspec.json.decode(await request.body(), type=HandIn)
        await run(confirms[int(hand_in.parcels[0].tag[5:])])
        return ASGIResponse(body=plan.confirm_answer, media_type="application/json")

    async def warm() -> None:
        await run([])  # opens the connections

    return Litestar([ready, nearby, qr, issue, confirm], on_startup=[warm], openapi_config=None, logging_config=None)


def _runner(url: str) -> Runs:
    makers: dict[str, Callable[[str], Runs]] = {"sqlite": sqlite_floor, "postgresql": postgres_floor}
    kind = url.partition(":")[0]
    return makers[kind](url.removeprefix("sqlite:///") if kind == "sqlite" else url)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    import pickle

    sys.setswitchinterval(TURN_S)  # as the service does: it gains from it, and so does the floor
    plan: Plan = pickle.loads(gzip.decompress(arguments.plan.read_bytes()))
    uvicorn.run(
        create_app(plan), host="127.0.0.1", port=arguments.port, access_log=False, log_config=None, server_header=False
    )


if __name__ == "__main__":
    main()
