"""The command line: `dropoff serve | worker | migrate | import | locations | sync | consolidate | plugins | …`."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dropoff import __version__
from dropoff.plugins import PluginFailed
from dropoff.settings import Misconfigured, Settings, data_folder, load, make_folder

if TYPE_CHECKING:
    from dropoff.counter.signed import KeySet

# pykdtree would take every core for each query otherwise; it reads this when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        if "alone" in arguments:
            return int(arguments.alone(arguments))
        settings = load(port=getattr(arguments, "port", 8000))
        return int(arguments.run(arguments, settings))
    except (Misconfigured, PluginFailed) as error:
        print(f"dropoff: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dropoff", description="The open network for e-commerce returns.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="answer HTTP, with a worker inside")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=_port, default=8000)
    serve.add_argument("--no-worker", action="store_true", help="leave jobs to `dropoff worker` processes")
    serve.add_argument("--demo", action="store_true", help="fill in a fictional network and print keys and addresses")
    serve.set_defaults(run=_serve)

    worker = commands.add_parser("worker", help="run jobs and deliver webhooks")
    worker.set_defaults(run=_worker)

    migrate = commands.add_parser("migrate", help="bring the database to the newest revision")
    migrate.set_defaults(run=_migrate)

    imports = commands.add_parser("import", help="import drop-off points, or a gazetteer, from a file")
    _imports(imports.add_subparsers(required=True, metavar="WHAT"))

    labels = commands.add_parser("labels", help="print rolls of tags, or bag labels, with fresh numbers")
    _labels(labels.add_subparsers(required=True, metavar="WHAT"))
    places = commands.add_parser("locations", help="list, show, pause, close and edit drop-off points")
    _locations(places.add_subparsers(required=True, metavar="WHAT"))

    bridge = commands.add_parser("print-bridge", help="on a till: hand labels from its page to the label printer")
    bridge.add_argument(
        "--printer", required=True, help="host, host:port (default 9100) or a device such as /dev/usb/lp0"
    )
    bridge.add_argument("--origin", required=True, help="the address of the service, as the till's browser shows it")
    bridge.add_argument("--port", type=_port, default=9109, help="on the loopback address; the page asks at 9109")
    bridge.add_argument("--token-file", type=Path, default=Path.home() / ".dropoff-print-bridge")
    bridge.set_defaults(run=_print_bridge)

    _lockers(commands)

    sync = commands.add_parser("sync", help="bring in what a source of drop-off points has now")
    sync.add_argument("source", help="its name; `dropoff plugins` lists what is set up")
    sync.add_argument("--dry-run", action="store_true", help="only say what would change")
    sync.add_argument("--release", action="store_true", help="put the held sync of this source in force")
    sync.set_defaults(run=_sync)

    consolidate = commands.add_parser("consolidate", help="plan and book the departures that are due")
    consolidate.add_argument("--as-of", type=datetime.fromisoformat, help="a time with an offset; default now")
    consolidate.set_defaults(run=_consolidate)

    plugins = commands.add_parser("plugins", help="list the installed carriers and sources of drop-off points")
    plugins.set_defaults(run=_plugins)

    keys = commands.add_parser("keys", help="make, list or revoke keys, or let a new one sign the receipts")
    keys.add_argument("action", choices=["operator", "list", "revoke", "rotate-receipts"])
    keys.add_argument("name", nargs="?", help="name of the new operator key, or id of the key to revoke")
    keys.set_defaults(run=_keys)

    verify = commands.add_parser("verify-receipt", help="check a signed hand-in receipt")
    verify.add_argument("file", help="the receipt; - reads it from standard input")
    verify.add_argument("--keys", help="the network's keys, a file or an address; default those of this installation")
    verify.set_defaults(alone=_verify)
    return parser


def _imports(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    locations = kinds.add_parser("locations", help="drop-off points: GeoJSON, or .csv; plain, .gz or .zip")
    locations.add_argument("file", type=Path)
    locations.add_argument("--source", required=True, help="the name the points are kept under")
    locations.add_argument("--replace", action="store_true", help="remove points that the file no longer has")
    locations.add_argument("--dry-run", action="store_true", help="only say what would change")
    locations.set_defaults(run=_import)

    gazetteer = kinds.add_parser("gazetteer", help="postal codes by GeoNames, as ZIP, text or CSV (.csv.gz)")
    gazetteer.add_argument("file", type=Path)
    gazetteer.add_argument("--replace", action="store_true", help="forget countries that the file does not hold")
    gazetteer.add_argument("--accept-loss", action="store_true", help="even if a country loses many of its codes")
    gazetteer.add_argument("--attribution", help="to be shown with what is found; default GeoNames, CC BY 4.0")
    gazetteer.set_defaults(run=_import_gazetteer)


def _labels(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, told, size in (
        ("tags", "rolls of tags, each with a head label that registers it at a till", "60x25"),
        ("sscc", "bag labels: an SSCC as GS1-128", "100x60"),
    ):
        kind = kinds.add_parser(name, help=told)
        kind.add_argument("--count", type=int, required=True, help="how many, at most 100,000")
        kind.add_argument("--out", type=Path, help="a .pdf or .zpl file; default a name with the numbers, as PDF")
        kind.add_argument("--location", help="the id of the place that gets them: they are registered there")
        kind.add_argument("--size", type=_size, default=size, help=f"of a label, in millimetres; default {size}")
        kind.set_defaults(run=_print_labels, kind=name)
        if name == "tags":
            kind.add_argument("--per-roll", type=int, default=500, help="tags on a roll; default 500")


def _lockers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    lockers = commands.add_parser("simulate-lockers", help="a simulated bank of lockers, to try out and to test with")
    lockers.add_argument("--port", type=_port, default=9210, help="on the loopback address; default 9210")
    lockers.add_argument("--bank", default="demo", help="its name; default demo")
    lockers.add_argument("--compartments", default="S:4,M:4,L:2", help="how many of each size; default S:4,M:4,L:2")
    lockers.add_argument("--key", default="", help="what callers must show; default none")
    lockers.add_argument("--state", type=Path, help="the file that keeps its doors; default lockers-BANK.json here")
    lockers.add_argument("--no-sensors", action="store_true", help="the bank cannot tell what lies in a compartment")
    lockers.set_defaults(alone=_simulate_lockers)


def _size(text: str) -> tuple[float, float]:
    parts = text.lower().split("x")
    try:
        width, height = (float(part) for part in parts)
    except ValueError:
        raise argparse.ArgumentTypeError("a size is WIDTHxHEIGHT in millimetres, for example 60x25") from None
    if not (10 <= width <= 300 and 10 <= height <= 300):
        raise argparse.ArgumentTypeError("a label is 10 to 300 mm wide and high")
    return width, height


def _locations(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    def verb(name: str, told: str, *, takes_id: bool = True) -> argparse.ArgumentParser:
        parser = verbs.add_parser(name, help=told)
        if takes_id:
            parser.add_argument("id", help="the place's id")
        parser.add_argument("--json", action="store_true", help="the whole answer as JSON")
        parser.set_defaults(run=_keep_locations, verb=name)
        return parser

    listed = verb("list", "those that fit, in the order of their ids", takes_id=False)
    listed.add_argument(
        "text", nargs="?", default="", help="an id, or beginnings of words of name, town, postcode and source id"
    )
    listed.add_argument("--state", choices=["active", "paused", "closed", "removed"])
    listed.add_argument("--kind", choices=["store", "locker", "post_office", "hub"])
    listed.add_argument("--source")
    listed.add_argument("--full", action="store_true", help="only where there is no room for another parcel")
    listed.add_argument(
        "--silent-days",
        type=int,
        choices=range(1, 367),
        metavar="1-366",
        help="only where nothing was handed in or fetched for so many days, if ever",
    )
    listed.add_argument("--after", default="", help="the id of the last one seen")
    listed.add_argument("--limit", type=int, choices=range(1, 1_001), default=50, metavar="1-1000")
    verb("show", "one place, and how it is kept")
    pause = verb("pause", "take it out of the search for a while")
    pause.add_argument("--until", type=datetime.fromisoformat, help="a time with an offset; without it: until resumed")
    pause.add_argument("--reason", default="")
    verb("resume", "end the pause")
    verb("close", "close it for good, and tell what lies there").add_argument("--reason", default="")
    verb("reopen", "take a closed place in again")
    closure = verb("closure", "days on which it is closed or keeps other hours")
    closure.add_argument("first_day", nargs="?", type=date.fromisoformat, help="without it, closures are listed")
    closure.add_argument("last_day", nargs="?", type=date.fromisoformat)
    closure.add_argument("--hours", default="off", help="such as 10:00-14:00; default off")
    closure.add_argument("--reason", default="")
    closure.add_argument("--remove", metavar="CLOSURE", help="take this one back")
    hours = verb("hours", "what its hours come to, day by day")
    hours.add_argument("--from", dest="first", type=date.fromisoformat)
    hours.add_argument("--days", type=int, choices=range(1, 63), default=14, metavar="1-62")
    hours.add_argument("--look-at", metavar="HOURS", help="as if these were its usual hours")
    hours.add_argument("--set", metavar="HOURS", help="make these its usual hours")


def _keep_locations(arguments: argparse.Namespace, settings: Settings) -> int:
    from dropoff import running

    return running.keep_locations(settings, arguments)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def _serve(arguments: argparse.Namespace, settings: Settings) -> int:
    from dropoff import running

    return running.serve(
        settings, arguments.host, arguments.port, worker=not arguments.no_worker, demo_network=arguments.demo
    )


def _worker(_: argparse.Namespace, settings: Settings) -> int:
    from dropoff import running

    return running.work(settings)


def _migrate(_: argparse.Namespace, settings: Settings) -> int:
    from dropoff.db.migrate import upgrade

    make_folder(settings.data)
    upgrade(settings.database_url)
    print("The database is at the newest revision.")
    return 0


def _import(arguments: argparse.Namespace, settings: Settings) -> int:
    from dropoff import running

    return running.import_locations(
        settings, arguments.file, arguments.source, replace=arguments.replace, dry_run=arguments.dry_run
    )


def _import_gazetteer(arguments: argparse.Namespace, settings: Settings) -> int:
    from dropoff import running

    return running.import_gazetteer(
        settings,
        arguments.file,
        replace=arguments.replace,
        accept_loss=arguments.accept_loss,
        attribution=arguments.attribution,
    )


def _print_labels(arguments: argparse.Namespace, settings: Settings) -> int:
    from dropoff import running

    out = arguments.out
    if out is not None and out.suffix.lower() not in (".pdf", ".zpl"):
        raise Misconfigured("--out ends in .pdf or .zpl.")
    if not 1 <= arguments.count <= 100_000:
        raise Misconfigured("--count is 1 to 100000.")
    per_roll = getattr(arguments, "per_roll", 1)
    if not 1 <= per_roll <= 10_000:
        raise Misconfigured("--per-roll is 1 to 10000.")
    return running.print_labels(
        settings, arguments.kind, arguments.count, out, arguments.location, arguments.size, per_roll
    )


def _print_bridge(arguments: argparse.Namespace, _: Settings) -> int:
    from dropoff import print_bridge

    try:
        printer, origin = print_bridge.printer_of(arguments.printer), print_bridge.origin_of(arguments.origin)
        token = print_bridge.token_in(arguments.token_file)
        told = partial(print, file=sys.stderr, flush=True)
        bridge = print_bridge.Bridge(arguments.port, printer, origin, token, told)
    except (OSError, ValueError) as error:
        raise Misconfigured(str(error)) from None
    with bridge:
        print(f"Labels from {origin} go to {printer.name}. Pairing token: {token}", flush=True)
        bridge.serve_forever()
    return 0


def _simulate_lockers(arguments: argparse.Namespace) -> int:
    from dropoff.locker_bank.serving import BankServer
    from dropoff.locker_bank.simulated import SimulatedBank, doors_of

    file = arguments.state or Path(f"lockers-{arguments.bank}.json")
    try:
        doors = doors_of(arguments.compartments)
        bank = SimulatedBank(arguments.bank, doors, file, key=arguments.key, has_sensors=not arguments.no_sensors)
        server = BankServer(bank, arguments.port)
    except (OSError, ValueError) as error:
        raise Misconfigured(str(error)) from None
    with server:
        print(
            f"Lockers {arguments.bank} at {server.url}, with a page of its doors; its state is in {file}.", flush=True
        )
        server.serve_forever()
    return 0


def _sync(arguments: argparse.Namespace, settings: Settings) -> int:
    from dropoff import running

    if arguments.dry_run and arguments.release:
        raise Misconfigured("--dry-run and --release exclude each other.")
    if arguments.release:
        return running.release_sync(settings, arguments.source)
    return running.sync(settings, arguments.source, dry_run=arguments.dry_run)


def _consolidate(arguments: argparse.Namespace, settings: Settings) -> int:
    from dropoff import running

    if arguments.as_of is not None and arguments.as_of.tzinfo is None:
        raise Misconfigured("--as-of needs an offset, for example 2026-11-22T18:00+01:00.")
    return running.consolidate(settings, arguments.as_of)


def _plugins(_: argparse.Namespace, settings: Settings) -> int:
    from dropoff.plugins import load_plugins

    registry = load_plugins(os.environ)
    for name, carrier in sorted(registry.carriers.items()):
        print(f"carrier\t{name}\t{', '.join(sorted(carrier.services))}\t{registry.distributions[name]}")
    for name, origin in sorted(registry.locker_plugins.items()):
        print(f"lockers\t{name}\tadapter\t{origin}")
    for name, origin in sorted(registry.source_plugins.items()):
        print(f"source\t{name}\tplug-in\t{origin}")
    for name, installed in sorted(registry.sources.items()):
        every = f"every {installed.every_s:g} s" if installed.every_s else "when asked"
        print(f"set up\t{name}\t{installed.plugin}\t{installed.source.host}, {every}")
    return 0


def _keys(arguments: argparse.Namespace, settings: Settings) -> int:
    from dropoff import running

    return running.keys(settings, arguments.action, arguments.name)


def _verify(arguments: argparse.Namespace) -> int:
    """With keys at hand it needs neither settings nor a database, so that anyone can run it anywhere."""
    from dropoff.counter.signed import LONGEST, check
    from dropoff.shopper.verify_words import EXIT, lines, told
    from dropoff.shopper.verifying import NoKeys, read_keys

    try:
        raw = sys.stdin.buffer.read(LONGEST + 1) if arguments.file == "-" else Path(arguments.file).read_bytes()
        keys = read_keys(arguments.keys) if arguments.keys else _own_keys()
    except OSError as error:
        raise Misconfigured(f"{arguments.file} cannot be read: {error.strerror}.") from None
    except NoKeys as error:
        raise Misconfigured(str(error)) from None
    checked = check(raw.decode("utf-8", "replace"), keys)
    print("\n".join(lines(told(checked, keys.issuer))))
    return EXIT[checked.status]


def _own_keys() -> "KeySet":
    from dropoff import running

    if not os.environ.get("DROPOFF_DATABASE_URL") and not (data_folder(os.environ) / "dropoff.sqlite3").exists():
        raise Misconfigured("no network is installed here; say whose keys to use with --keys FILE or --keys ADDRESS.")
    return running.receipt_keys(load())


if __name__ == "__main__":
    sys.exit(main())
