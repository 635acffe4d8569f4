"""All routes of the network."""

from typing import Any, Final

from dropoff.network import (
    device_api,
    import_api,
    lane_api,
    location_api,
    places_api,
    search_api,
    sources_api,
    stock_api,
)

HANDLERS: Final[list[Any]] = [
    *search_api.HANDLERS,
    *location_api.HANDLERS,
    *places_api.HANDLERS,
    *import_api.HANDLERS,
    *sources_api.HANDLERS,
    *lane_api.HANDLERS,
    *device_api.HANDLERS,
    *stock_api.HANDLERS,
]
