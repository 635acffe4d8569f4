"""What the commands do: long-running processes and one-off calls, on the same services as the API."""

import argparse
import errno
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import uvicorn

from dropoff import demo, locations_command
from dropoff.access import service as access
from dropoff.app import Context, create_app, create_context, create_worker
from dropoff.counter import printed, signing
from dropoff.counter.signed import KeySet
from dropoff.db import NotWritten
from dropoff.db.migrate import upgrade
from dropoff.freight import service as freight
from dropoff.kernel.clock import now
from dropoff.kernel.errors import Problem
from dropoff.kernel.ids import new_id
from dropoff.network import gazetteer_importing, import_reports, import_store, importing, syncing
from dropoff.plugins import load_plugins
from dropoff.ports.locations import Unavailable
from dropoff.settings import Misconfigured, Settings, make_folder
from dropoff.web.health import EXAMPLE_PREFIX
from dropoff.web.logs import configure
from dropoff.web.protocol import BoundedProtocol

TURN_S = 0.0005
"""How long one thread may keep the interpreter while another waits. The write lane lets go of it for each statement;
with the 5 ms of Python it waited for the answering thread longer than for the database."""
CLI = "operator:cli"
GRACE_S = 20
"""How long a stopping process may finish what it has begun."""

log = logging.getLogger("dropoff")


@contextmanager
def _context(settings: Settings, *, install_key: bool = False) -> Iterator[Context]:
    """`install_key`: of the commands only the service itself makes the operator key of its settings the valid one."""
    make_folder(settings.data)
    plugins = load_plugins(os.environ)
    upgrade(settings.database_url)
    try:
        context = create_context(settings, plugins, install_key=install_key)
    except NotWritten as error:
        raise Misconfigured(
            f"the database is too busy or does not answer ({type(error).__name__}); try again."
        ) from error
    try:
        yield context
    finally:
        context.db.close()


def serve(settings: Settings, host: str, port: int, *, worker: bool, demo_network: bool) -> int:
    """Answers until SIGTERM or SIGINT; then takes no new connections, finishes what runs and closes the lanes."""
    _check_port(host, port)
    sys.setswitchinterval(TURN_S)
    if demo_network:
        print(f"Preparing the database in {settings.data} ...", flush=True)
    with _context(settings, install_key=True) as context:
        configure("warning" if demo_network else settings.log_level)
        if settings.gs1_is_example and not demo_network:
            log.warning(EXAMPLE_PREFIX)
        if demo_network:
            demo.fill(context, print)
        config = uvicorn.Config(
            create_app(context, worker=worker),
            host=host,
            port=port,
            http=BoundedProtocol,
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        server = uvicorn.Server(config)
        # uvicorn raises the signal again once it has stopped; by default that would end the process before the lanes
        # are closed.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        # What is there now stays: looking through all of it again and again would stop every answer for a while.
        gc.collect()
        gc.freeze()
        server.run()
        return 0 if server.started else 1


def _check_port(host: str, port: int) -> None:
    """Said before a minute of set-up, not after."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with closing(socket.socket(family)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Misconfigured(f"port {port} on {host} is taken; choose another with --port.") from None
        raise Misconfigured(f"cannot listen on {host}, port {port}: {error.strerror}.") from None


def work(settings: Settings) -> int:
    configure(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _context(settings) as context:
        worker = create_worker(context)
        worker.start()
        log.info("worker started")
        stop.wait()
        worker.stop()
    return 0


def import_locations(settings: Settings, path: Path, source: str, *, replace: bool, dry_run: bool) -> int:
    if not path.is_file():
        raise Misconfigured(f"there is no file {path}.")
    ids: list[str] = []
    bring = importing.try_file if dry_run else importing.import_file
    when = importing.Moments(begun=ids.append)
    with _context(settings) as context:
        report = bring(context.db, path, importing.kind_of(path), source, replace=replace, at=now(), when=when)
        tried = context.db.read_sync(import_store.find, ids[0]) if dry_run and ids else None
        if tried is not None and not isinstance(report, Problem):
            return _told(context, tried)
    if isinstance(report, Problem):
        print(f"dropoff: {report.detail}", file=sys.stderr)
        return 1
    for row in report.rejected:
        print(f"rejected {row.index} {row.external_id or '-'}: {row.reason}: {row.detail}", file=sys.stderr)
    print(
        f"{report.created} created, {report.updated} updated, {report.unchanged} unchanged, {report.removed} removed, "
        f"{len(report.rejected)} rejected, {len(report.repaired)} repaired"
    )
    return 0


def keep_locations(settings: Settings, arguments: argparse.Namespace) -> int:
    with _context(settings) as context:
        return locations_command.run(context, arguments)


def sync(settings: Settings, source: str, *, dry_run: bool) -> int:
    with _context(settings) as context:
        installed = context.plugins.sources.get(source)
        if installed is None:
            known = ", ".join(sorted(context.plugins.sources)) or "none"
            raise Misconfigured(f"no source {source!r} is set up, only: {known}. `dropoff plugins` lists them.")
        command = syncing.SyncCommand(at=now(), runner=f"{new_id('run')}/1", trial=dry_run)
        try:
            outcome = syncing.sync(context.db, installed, command)
        except Unavailable as error:
            print(f"dropoff: {error}. What was read is kept: the next sync goes on.", file=sys.stderr)
            return 1
        return _told(context, outcome)


def release_sync(settings: Settings, source: str) -> int:
    with _context(settings) as context:
        held = context.db.read_sync(import_store.listed, source, "held", "", 1)
        if not held:
            raise Misconfigured(f"no sync of the source {source!r} is held.")
        return _told(context, syncing.release(context.db, held[0].id, CLI, now()))


def _told(context: Context, outcome: import_store.Import | Problem) -> int:
    if isinstance(outcome, Problem):
        print(f"dropoff: {outcome.detail or outcome.code}", file=sys.stderr)
        return 1
    view = context.db.read_sync(import_reports.view, outcome.id)
    assert not isinstance(view, Problem), "it was just made"
    for change in view.would:
        print(f"would {change.change} {change.external_id}: {change.name}", file=sys.stderr)
    counted = context.db.read_sync(import_store.reasons, outcome.id)
    for reason, count in counted:
        print(f"{count} rejected: {reason}", file=sys.stderr)
    state = "dry run" if view.kind == "trial" else view.state
    print(
        f"{outcome.id} {state}: {view.created} created, {view.updated} updated, {view.unchanged} unchanged, "
        f"{view.removed} removed, {view.progress.rejected} rejected, {view.progress.repaired} repaired"
    )
    if view.detail:
        print(view.detail, file=sys.stderr)
    if view.state == "held":
        print(f"To put it in force: dropoff sync {view.source} --release", file=sys.stderr)
    return 0 if view.state == "done" else 1


def import_gazetteer(
    settings: Settings, path: Path, *, replace: bool, accept_loss: bool, attribution: str | None
) -> int:
    if not path.is_file():
        raise Misconfigured(f"there is no file {path}.")
    credit = gazetteer_importing.GEONAMES if attribution is None else attribution
    command = gazetteer_importing.GazetteerCommand(
        replace=replace, accept_loss=accept_loss, attribution=credit, at=now()
    )
    with _context(settings) as context:
        report = gazetteer_importing.import_gazetteer(
            context.db, path, command, lambda told: print(told, file=sys.stderr, flush=True)
        )
    if isinstance(report, Problem):
        hint = " If the file is right, say --accept-loss." if report.code == "gazetteer-shrinks" else ""
        print(f"dropoff: {report.code}: {report.detail}{hint}", file=sys.stderr)
        return 1
    for row in report.wrong:
        print(f"left out line {row.line}: {row.detail}", file=sys.stderr)
    print("In force: " + ", ".join(f"{country} {count:,}" for country, count in report.codes.items()))
    if report.forgotten:
        print(f"Forgotten: {', '.join(report.forgotten)}")
    print(f"{sum(report.codes.values()):,} rows, {report.left_out:,} left out. {credit}")
    return 0


def print_labels(
    settings: Settings,
    kind: str,
    count: int,
    out: Path | None,
    location_id: str | None,
    size: tuple[float, float],
    per_roll: int,
) -> int:
    """Draws the numbers first: if the printing fails, they are lost, and none is ever printed twice."""
    if kind == "sscc" and settings.gs1_is_example:
        print(f"dropoff: {EXAMPLE_PREFIX}", file=sys.stderr)
    try:
        printed.probe(kind, size)
    except ValueError as error:
        raise Misconfigured(str(error)) from None
    with _context(settings) as context:
        at, actor = now(), "operator:cli"
        if kind == "tags":
            drawn = context.db.write_sync(printed.draw_tags, count, per_roll, location_id, at, actor)
        else:
            drawn = context.db.write_sync(printed.draw_bag_labels, settings.gs1_prefix, count, location_id, at, actor)
    if isinstance(drawn, Problem):
        raise Misconfigured(drawn.detail)
    path = out or Path(printed.file_name(kind, drawn))
    written = path.with_name(f"{path.name}.part")
    written.write_bytes(printed.draw(drawn, size, path.suffix.lower(), _progress(count)))
    written.replace(path)
    for run in drawn:
        print(f"{run.first_text} to {run.last_text}: {run.count}{f', roll {run.roll}' if run.roll else ''}")
    print(path)
    return 0


def _progress(count: int) -> Callable[[int], None]:
    """A line for every thousandth label, when there are that many."""

    def told(done: int) -> None:
        if count >= 2_000 and done % 1_000 == 0:
            print(f"{done:,} of {count:,} drawn", file=sys.stderr, flush=True)

    return told


def consolidate(settings: Settings, as_of: datetime | None) -> int:
    with _context(settings) as context:
        run = freight.run_now(context, as_of or now(), actor=CLI)
    print(msgspec.json.format(msgspec.json.encode(run), indent=2).decode())
    return 0


def receipt_keys(settings: Settings) -> KeySet:
    with _context(settings) as context:
        return context.db.read_sync(signing.key_set, settings.base_url)


def keys(settings: Settings, action: str, name: str | None) -> int:
    with _context(settings) as context:
        if action == "rotate-receipts":
            new_key = context.db.write_sync(signing.rotate_key, context.vault, now(), CLI)
            print(f"{new_key} signs receipts from now on. Those that were signed before stay valid.")
            return 0
    with _context(settings) as context:
        if action == "operator":
            new = access.NewCredential(role="operator", name=name or "operator", live=True, at=now())
            issued = context.db.write_sync(access.issue_key, new)
            print(f"{issued.id}  {issued.token}  (shown once)")
            return 0
        if action == "list":
            for key in context.db.read_sync(access.list_keys, "", 10_000).items:
                state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "valid"
                print(f"{key.id}  {key.role:9}  {state:18}  {key.name}")
            for one in context.db.read_sync(signing.list_keys):
                print(f"{one.id}  receipts   {one.state:18}  since {one.created_at:%Y-%m-%d}")
            return 0
        if not name:
            raise Misconfigured("say which key: `dropoff keys revoke crd_…`; `dropoff keys list` shows them.")
        if name.startswith("key_"):
            signs = context.db.write_sync(signing.revoke_key, context.vault, name, now(), CLI)
            told = signs.detail if isinstance(signs, Problem) else f"{name} is revoked; {signs} signs receipts."
            print(told)
            return 1 if isinstance(signs, Problem) else 0
        revoked = context.db.write_sync(access.revoke_key, name, now())
        print(revoked.detail if isinstance(revoked, Problem) else f"{revoked.id} is revoked.")
        return 1 if isinstance(revoked, Problem) else 0
