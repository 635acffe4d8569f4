"""Who is calling."""

from typing import Any, Literal

import msgspec
from litestar.connection import ASGIConnection

Role = Literal["operator", "retailer", "device"]


class Principal(msgspec.Struct, frozen=True):
    role: Role
    credential_id: str
    name: str
    live: bool
    retailer_id: str | None = None
    device_id: str | None = None
    location_id: str | None = None

    @property
    def actor(self) -> str:
        """As it stands in events: the thing that acts, never a person's name."""
        return f"{self.role}:{self.retailer_id or self.device_id or self.credential_id}"


def remember(connection: ASGIConnection[Any, Any, Any, Any], who: Principal) -> None:
    scope: Any = connection.scope
    scope["dropoff_principal"] = who


def principal(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal:
    """The caller that a guard let in."""
    found = connection.scope.get("dropoff_principal")
    assert isinstance(found, Principal), "a route that asks who calls needs a guard"
    return found


def retailer_id(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The tenant of a retailer's call; every query of its handler names it."""
    found = principal(connection).retailer_id
    assert found, "this route needs the guard for_retailer"
    return found
