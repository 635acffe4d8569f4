"""A real server for tests: the app behind uvicorn on a loopback port, on a fresh database."""

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from dropoff import settings as settings_room
from dropoff.app import Context, create_app, create_context
from dropoff.plugins import PluginRegistry, load_plugins

OPERATOR_KEY = "an-operator-key-for-tests-only"


class Client:
    """Speaks to the service with one token; every unsafe call carries a fresh Idempotency-Key unless told otherwise."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        headers = {"Accept-Language": "en"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=30, trust_env=False)

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = "fresh", **more: Any
    ) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if method not in ("GET", "HEAD") and key is not None:
            headers["Idempotency-Key"] = secrets.token_hex(8) if key == "fresh" else key
        if body is not None:
            more["json"] = body
        return self.http.request(method, path, headers=headers, **more)

    def get(self, path: str, **params: Any) -> Any:
        response = self.call("GET", path, params=params)
        assert response.status_code == 200, f"GET {path}: {response.status_code} {response.text[:500]}"
        return response.json()

    def post(self, path: str, body: Any = None, status: int = 201, key: str | None = "fresh") -> Any:
        response = self.call("POST", path, body, key=key)
        assert response.status_code == status, f"POST {path}: {response.status_code} {response.text[:500]}"
        return response.json() if response.content else None


class Service:
    def __init__(self, base_url: str, context: Context) -> None:
        self.base_url = base_url
        self.context = context
        self.operator = Client(base_url, OPERATOR_KEY)
        self.public = Client(base_url)

    def client(self, token: str) -> Client:
        return Client(self.base_url, token)


@contextmanager
def running(
    database_url: str, folder: Path, *, worker: bool = True, plugins: PluginRegistry | None = None, **env: str
) -> Iterator[Service]:
    """The service until the block ends, stopped gracefully."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = settings_room.load(
            {
                "DROPOFF_DATABASE_URL": database_url,
                "DROPOFF_DATA": str(folder),
                "DROPOFF_SECRET": "a-secret-for-tests-only-0123456789",
                "DROPOFF_OPERATOR_KEY": OPERATOR_KEY,
                "DROPOFF_BASE_URL": base_url,
                "DROPOFF_WEBHOOK_ALLOW_PRIVATE": "true",
                **env,
            }
        )
        context = create_context(settings, plugins or load_plugins({}))
        config = uvicorn.Config(
            create_app(context, worker=worker),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _wait_until_ready(base_url, thread)
            yield Service(base_url, context)
        finally:
            server.should_exit = True
            thread.join(15)
            context.db.close()


def _wait_until_ready(base_url: str, thread: threading.Thread) -> None:
    """The listening socket takes the connection before the app is up, so one request waits for the start by itself."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        for _ in range(1200):
            assert thread.is_alive(), "the server did not start"
            if client.get(f"{base_url}/health/ready").status_code == 200:
                return
            threading.Event().wait(0.05)
    raise AssertionError("the server is not ready after a minute")
