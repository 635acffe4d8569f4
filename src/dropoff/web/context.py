"""What the process holds for every request: one object at `app.state.context`, put together in `app.py`."""

from typing import Any, Protocol

from litestar import Request

from dropoff.db import Database
from dropoff.db.vault import Vault
from dropoff.settings import Settings


class Context(Protocol):
    """The rooms above add what is theirs (`passes`, `nearby`, `plugins`); this room uses these three."""

    settings: Settings
    db: Database
    vault: Vault


def context(request: Request[Any, Any, Any]) -> Any:
    """The app's `Context`, with the parts of the rooms above it."""
    return request.app.state.context
