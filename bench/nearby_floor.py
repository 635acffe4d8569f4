"""Floor A for the finder: a Litestar handler that answers the same bytes whatever is asked.

    python -m bench.nearby_floor --folder PATH [--edge] --port N

`/a/NAME` answers the bytes of the file `NAME` in the folder. With `--edge` it does so behind what the service puts
around every handler: bounds on what comes in, security headers, a metric and a line in the log.
"""

import argparse
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar, get
from litestar.response.base import ASGIResponse

from dropoff.web.logs import configure
from dropoff.web.middleware import Edge
from dropoff.web.protocol import BoundedProtocol


def create_app(folder: Path) -> Litestar:
    bodies = {path.name: path.read_bytes() for path in folder.iterdir()}

    @get("/ready")
    async def ready() -> ASGIResponse:
        return ASGIResponse(body=b"ok")

    @get("/a/{name:str}")
    async def same(name: str) -> ASGIResponse:
        return ASGIResponse(body=bodies[name], media_type="application/json")

    return Litestar([ready, same], openapi_config=None, logging_config=None)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--edge", action="store_true")
    arguments = parser.parse_args()
    app = create_app(arguments.folder)
    more: dict[str, Any] = {}
    if arguments.edge:
        configure("info")
        app.asgi_handler = Edge(app.asgi_handler, https=False)
        more = {"http": BoundedProtocol, "ws": "none"}
    port: int = arguments.port
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_config=None, server_header=False, **more)


if __name__ == "__main__":
    main()
