"""The only place that wires everything: settings and plug-ins in, an application out."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import Litestar, get
from litestar.response.base import ASGIResponse

from dropoff import __version__
from dropoff.access import api as access_api
from dropoff.access import jobs as access_jobs
from dropoff.access import pages as access_pages
from dropoff.access.guards import PrincipalCache
from dropoff.access.service import install_operator_key, is_right_secret
from dropoff.cases import api as cases_api
from dropoff.counter import api as counter_api
from dropoff.counter import earnings_api as counter_earnings_api
from dropoff.counter import earnings_page as counter_earnings_page
from dropoff.counter import jobs as counter_jobs
from dropoff.counter import pages as counter_pages
from dropoff.counter import pausing_api as counter_pausing_api
from dropoff.counter import people_api as counter_people_api
from dropoff.counter import people_page as counter_people_page
from dropoff.counter import photo_api as counter_photo_api
from dropoff.counter import place_page as counter_place_page
from dropoff.counter import signing
from dropoff.counter import tills_page as counter_tills_page
from dropoff.db import Database
from dropoff.db.vault import Vault
from dropoff.events import api as events_api
from dropoff.events import work as events_work
from dropoff.events.worker import Worker
from dropoff.freight import api as freight_api
from dropoff.freight import jobs as freight_jobs
from dropoff.freight import pages as freight_pages
from dropoff.freight import takings_api as freight_takings_api
from dropoff.kernel.clock import now
from dropoff.lockers import api as lockers_api
from dropoff.lockers import jobs as lockers_jobs
from dropoff.lockers import pages as lockers_pages
from dropoff.network import api as network_api
from dropoff.network import jobs as network_jobs
from dropoff.network import pages as network_pages
from dropoff.network.geocoding import geocoder_of
from dropoff.network.nearby import Nearby
from dropoff.network.nearby_door import Door
from dropoff.network.places import Places
from dropoff.plugins import PluginRegistry
from dropoff.receiving import api as receiving_api
from dropoff.receiving import jobs as receiving_jobs
from dropoff.receiving import pages as receiving_pages
from dropoff.retailers import api as retailers_api
from dropoff.returns import api as returns_api
from dropoff.returns import jobs as returns_jobs
from dropoff.returns.passes import PassKeys
from dropoff.settings import Misconfigured, Settings
from dropoff.shopper import find_pages as shopper_find_pages
from dropoff.shopper import locker_pages as shopper_locker_pages
from dropoff.shopper import pages as shopper_pages
from dropoff.shopper import receipt_pages as shopper_receipt_pages
from dropoff.shopper import visit_pages as shopper_visit_pages
from dropoff.web import assets, health, problem_pages
from dropoff.web import jobs as web_jobs
from dropoff.web.middleware import Edge
from dropoff.web.openapi import document
from dropoff.web.problems import HANDLERS as EXCEPTION_HANDLERS
from dropoff.web.speaking import Speaker

BODY_MAX = 1_000_000

ROOMS = (
    assets,
    problem_pages,
    health,
    access_api,
    access_pages,
    events_api,
    cases_api,
    retailers_api,
    network_api,
    network_pages,
    returns_api,
    counter_api,
    counter_photo_api,
    counter_pages,
    counter_pausing_api,
    counter_place_page,
    counter_earnings_api,
    counter_earnings_page,
    lockers_api,
    lockers_pages,
    counter_people_api,
    counter_people_page,
    counter_tills_page,
    freight_api,
    freight_pages,
    freight_takings_api,
    receiving_api,
    receiving_pages,
    shopper_find_pages,
    shopper_locker_pages,
    shopper_pages,
    shopper_receipt_pages,
    shopper_visit_pages,
)
JOBS = (
    web_jobs,
    access_jobs,
    events_work,
    network_jobs,
    returns_jobs,
    counter_jobs,
    lockers_jobs,
    freight_jobs,
    receiving_jobs,
)


class Context(msgspec.Struct, kw_only=True):
    """Everything a handler or a job may need, made once for each process."""

    settings: Settings
    db: Database
    vault: Vault
    principals: PrincipalCache
    passes: PassKeys
    plugins: PluginRegistry
    nearby: Nearby
    places: Places

    def readiness(self) -> dict[str, str]:
        """What must be loaded before the process is of use, by name: `ok` or what it waits for."""
        loaded = {"network": self.nearby.snapshot.revision >= 0, "gazetteer": self.places.gazetteer.revision >= 0}
        return {name: "ok" if is_loaded else "loading" for name, is_loaded in loaded.items()}


def create_context(settings: Settings, plugins: PluginRegistry, *, install_key: bool = True) -> Context:
    """`install_key`: a command beside the service leaves the operator key as the service has set it. Raises
    `Misconfigured` when the database was made with another secret."""
    vault = Vault(settings.secret)
    db = Database(settings.database_url)
    if not db.write_sync(is_right_secret, vault.derive("secret mark").hex()):
        db.close()
        raise Misconfigured(
            "DROPOFF_SECRET is not the one that this database was made with: its passes and webhook secrets could not "
            "be read. Set the former secret, or another DROPOFF_DATABASE_URL."
        )
    if install_key:
        db.write_sync(install_operator_key, settings.operator_key, now())
        db.write_sync(signing.ensure_key, vault, now())
    return Context(
        settings=settings,
        db=db,
        vault=vault,
        principals=PrincipalCache(),
        passes=PassKeys(vault),
        plugins=plugins,
        nearby=Nearby(settings.data),
        places=Places(geocoder_of(settings)),
    )


def create_worker(context: Context) -> Worker:
    handlers: dict[str, Callable[..., None]] = {}
    consumers: list[Any] = []
    periodic: dict[str, int] = {}
    for room in JOBS:
        handlers |= room.handlers(context)
        consumers += room.consumers(context)
        periodic |= room.PERIODIC
    return Worker(context.db, handlers, consumers, periodic)


def create_app(context: Context, *, worker: bool = True) -> Litestar:
    """`worker`: run jobs inside this process, beside the answers."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        inside = create_worker(context) if worker else None
        refresher = network_jobs.start_refresher(context)
        if inside is not None:
            inside.start()
        try:
            yield
        finally:
            if inside is not None:
                inside.stop()
            refresher.stop()

    @get("/schema", name="schema")
    async def schema() -> ASGIResponse:
        return ASGIResponse(body=_schema(), media_type="application/json")

    def _schema() -> bytes:
        return msgspec.json.encode(document(app, __version__, context.settings.base_url))

    app = Litestar(
        route_handlers=[schema, *(handler for room in ROOMS for handler in room.HANDLERS)],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[lifespan],
        openapi_config=None,
        request_max_body_size=BODY_MAX,
        middleware=[],
        logging_config=None,
    )
    app.state.context = context
    https = context.settings.base_url.startswith("https:")
    app.asgi_handler = Edge(Door(Speaker(app.asgi_handler, https=https), context.nearby), https)
    return app
