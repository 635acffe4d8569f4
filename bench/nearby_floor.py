"""Floor A for the finder: a Litestar handler that answers the same bytes whatever is asked.

    python -m bench.nearby_floor --folder PATH --port N

`/a/NAME` answers the bytes of the file `NAME` in the folder.
"""

import argparse
from pathlib import Path

import uvicorn
from litestar import Litestar, get
from litestar.response.base import ASGIResponse


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
    arguments = parser.parse_args()
    app = create_app(arguments.folder)
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, access_log=False, log_config=None, server_header=False)


if __name__ == "__main__":
    main()
