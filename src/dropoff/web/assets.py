"""The built browser files, held in memory as ready bytes and served for ever under their hashed names.

`node static/build.mjs` (part of `make install`) writes them with a manifest; the wheel carries them. A checkout
without them still starts: pages come unstyled, and log, link and answer name the command that is missing.
"""

import gzip
import json
import logging
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.web.middleware import allow_wasm

FOLDER: Final = Path(__file__).with_name("assets")
NOT_BUILT: Final = "The browser files are not built. Run `make install` and start again."
FOREVER: Final = "public, max-age=31536000, immutable"
log = logging.getLogger("dropoff.web")
_TYPES: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
    "svg": "image/svg+xml",
    "wasm": "application/wasm",
}


class Asset(msgspec.Struct, frozen=True):
    body: bytes
    packed: bytes
    media_type: str


class Assets(msgspec.Struct, frozen=True):
    names: dict[str, str]
    """The name that templates use → the hashed name."""
    files: dict[str, Asset]
    """By hashed name."""

    @property
    def built(self) -> bool:
        return bool(self.names)

    def url(self, name: str) -> str:
        """Where the file is; a name that was never built is a fault of the template and raises KeyError."""
        return f"/assets/{self.names[name] if self.built else 'not-built.' + name}"


def read(folder: Path) -> Assets:
    """Every file the manifest names; nothing when there is no manifest."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        log.error(NOT_BUILT)
        return Assets({}, {})
    names: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8"))
    return Assets(names, {hashed: _asset(folder / hashed) for hashed in names.values()})


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    # mtime=0: the same file has the same bytes in every process.
    return Asset(body, gzip.compress(body, 9, mtime=0), _TYPES[path.suffix[1:]])


@lru_cache(maxsize=1)
def built() -> Assets:
    return read(FOLDER)


def answer(assets: Assets, name: str, accepts: str) -> ASGIResponse:
    asset = assets.files.get(name)
    if asset is None:
        detail = "There is no such file." if assets.built else NOT_BUILT
        return ASGIResponse(body=detail.encode(), status_code=404, media_type="text/plain")
    headers = {"cache-control": FOREVER, "vary": "accept-encoding", "x-content-type-options": "nosniff"}
    if "gzip" not in accepts:
        return ASGIResponse(body=asset.body, media_type=asset.media_type, headers=headers)
    headers["content-encoding"] = "gzip"
    return ASGIResponse(body=asset.packed, media_type=asset.media_type, headers=headers)


WITH_WASM: Final = "scan-worker."
"""The one script that runs WebAssembly. A worker obeys the policy of its own answer, so that no page needs it."""


@get("/assets/{name:str}", include_in_schema=False)
async def serve_asset(request: Request, name: FromPath[str]) -> ASGIResponse:  # type: ignore[type-arg]
    if name.startswith(WITH_WASM):
        allow_wasm(request.scope)
    return answer(built(), name, request.headers.get("accept-encoding", ""))


@get("/favicon.ico", include_in_schema=False)
async def favicon(request: Request) -> ASGIResponse:  # type: ignore[type-arg]
    return answer(built(), built().names.get("mark.svg", ""), request.headers.get("accept-encoding", ""))


HANDLERS: Final = (serve_asset, favicon)
