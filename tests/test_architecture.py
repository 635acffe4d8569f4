"""What keeps the house in order: the docs know what the code knows, and the rooms keep their distance."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from litestar import Router

from dropoff.access.tables import ROLES
from dropoff.app import JOBS, ROOMS
from dropoff.cases import rules as cases
from dropoff.counter import rules as counter
from dropoff.freight import rules as freight
from dropoff.kernel.errors import PROBLEMS
from dropoff.returns import rules as returns
from dropoff.settings import DOCUMENTED

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "dropoff"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {contract["name"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}

# The public contract, by its words: what clients build on must not vanish by a slip.
EVENT_TYPES = [
    "return.issued",
    "return.cancelled",
    "return.expired",
    "parcel.handed_in",
    "shipment.booked",
    "shipment.handed_over",
    "parcel.received",
    "unit.inspected",
    "refund.due",
    "refund.due_withdrawn",
    "refund.issued",
    "parcel.hand_in_undone",
    "parcel.lost",
    "exchange.requested",
    "exchange.shipped",
    "credit.issued",
    "case.opened",
    "case.resolved",
]
EVENTS_OF_LATER_WORK = {"parcel.lost", "exchange.requested", "exchange.shipped", "credit.issued"}
"""Reserved names: nothing tells of them before searching, exchanges and credits are built."""
RETURN_REASONS = [
    "too_small",
    "too_large",
    "not_as_described",
    "damaged",
    "wrong_item",
    "late",
    "quality",
    "changed_mind",
    "not_stated",
]
REFUSED_UNITS = ["not_presented", "prohibited", "too_large", "wrong_item", "wet_or_leaking", "other"]
REFUSED_VERDICTS = [
    "pass_expired",
    "pass_cancelled",
    "pass_unknown",
    "unit_unknown",
    "unit_expired",
    "tag_used",
    "tag_malformed",
    "tag_foreign_roll",
    "container_unknown",
    "wrong_location",
    "wrong_container",
    "container_not_open",
    "over_weight",
    "location_paused",
    "test_mode",
    "already_planned",
    "undo_too_late",
    "not_booked",
    "count_differs",
    "not_due",
]
LEFT_BY_A_RUN = ["container_open", "no_lane", "over_weight", "carrier_rejected"]
LEFT_BEHIND = ["not_presented", "seal_broken", "not_booked", "wrong_location"]
CASE_KINDS = [
    "missing",
    "unexpected",
    "double_hand_in",
    "booking_unknown",
    "handover_unscanned",
    "seal_broken",
    "lost",
    "driver_missed",
    "help",
    "locker_problem",
]
CASE_OUTCOMES = ["found", "lost", "explained", "written_off"]
CUSTODY = ["expected", "handed_in", "in_transit", "received", "inspected", "lost", "cancelled", "expired"]
RESOLUTION = ["open", "due", "refunded", "exchanged", "credited", "rejected"]
PARCEL = ["tagged", "in_container", "in_transit", "at_hub", "received", "lost", "void"]
CONTAINER = ["open", "sealed", "handed_over", "received", "unpacked"]
SHIPMENT = [
    "planned",
    "booking",
    "booked",
    "rejected",
    "unknown",
    "handed_over",
    "in_transit",
    "delivered",
    "received",
    "cancelled",
]


def _source() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(SRC.rglob("*.py")))


def _doc(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def _rooms() -> list[Path]:
    return sorted(path.parent for path in SRC.glob("*/__init__.py"))


def _adapters() -> list[Path]:
    return sorted(path.parent for kind in ("carriers", "locations") for path in (ROOT / kind).glob("*/pyproject.toml"))


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_made_from_the_code_are_as_new_as_the_code() -> None:
    stale = [
        path.name
        for path, wanted in _generator().pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != wanted
    ]
    assert not stale, f"run `make docs`: {stale}"


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_a_problem_code_is_documented_and_used(code: str) -> None:
    assert f"`{code}`" in _doc("errors.md")
    kind = PROBLEMS[code]
    assert kind.title
    assert kind.help.endswith((".", "`")), "the help is a sentence"
    assert 400 <= kind.status < 600


def test_code_names_only_problems_of_the_list() -> None:
    named = set(re.findall(r'Problem\(\s*"([a-z-]+)"', _source()))
    assert named - set(PROBLEMS) == set()


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_a_setting_is_documented_where_operators_look(name: str) -> None:
    assert f"`{name}`" in _doc("operating.md")


def test_nothing_reads_the_environment_by_itself() -> None:
    readers = {
        path.relative_to(SRC).as_posix()
        for path in SRC.rglob("*.py")
        if re.search(r"os\.environ|getenv", path.read_text(encoding="utf-8"))
    }
    # The commands hand the environment to settings and plug-ins; nobody else looks.
    assert readers <= {"settings.py", "cli.py", "running.py"}


def _port_members() -> list[str]:
    names: set[str] = set()
    for path in (SRC / "ports").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        names |= {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        for node in classes:
            if any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases):
                names |= {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
    return sorted(name for name in names if not name.startswith("_"))


@pytest.mark.parametrize("name", _port_members())
def test_what_the_port_offers_is_documented(name: str) -> None:
    told = _doc("adapters.md") + _doc("sources.md") + _doc("lockers.md")
    assert re.search(rf"\b{name}\b", told), f"neither of docs/adapters.md, sources.md and lockers.md tells of {name}"


@pytest.mark.parametrize("folder", _adapters(), ids=lambda path: path.name)
def test_an_adapter_is_listed_and_guarded(folder: Path) -> None:
    assert f"`{folder.parent.name}/{folder.name}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert (folder / "README.md").exists()
    (package,) = [path.name for path in (folder / "src").iterdir() if (path / "__init__.py").exists()]
    linted = PYPROJECT["tool"]["importlinter"]["root_packages"]
    assert package in linted
    assert package in CONTRACTS["Adapters know ports and kernel only"]["source_modules"]
    assert package in CONTRACTS["The service imports no adapter"]["forbidden_modules"]


def test_import_contracts_hold() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_import_contracts_know_every_room() -> None:
    rooms = {f"dropoff.{room.name}" for room in _rooms()}
    modules = {f"dropoff.{path.stem}" for path in SRC.glob("*.py") if path.stem != "__init__"}
    adapters = set(CONTRACTS["Adapters know ports and kernel only"]["forbidden_modules"])
    assert rooms | modules == adapters | {"dropoff.ports", "dropoff.kernel"}
    inside = set(CONTRACTS["Inside a room: api and pages, service, store, tables, rules"]["containers"])
    business = {f"dropoff.{room.name}" for room in _rooms() if (room / "service.py").exists()}
    assert business <= inside


def test_sql_files_are_named_as_such() -> None:
    """The contract lists the files that may import SQLAlchemy: each is a store, tables or the database's own room."""
    listed = CONTRACTS["SQL lives in tables.py and store.py"]["ignore_imports"]
    named = re.compile(r"dropoff\.(db\.\*\*|(\*|\w+)\.(tables|store|store_\w+|\w+_store))")
    assert all(named.fullmatch(line.split(" -> ")[0]) for line in listed)


def test_the_kernel_needs_only_the_standard_library_and_msgspec() -> None:
    for path in (SRC / "kernel").rglob("*.py"):
        for module in _imports(path):
            top = module.split(".")[0]
            assert top in sys.stdlib_module_names or top == "msgspec" or module.startswith("dropoff.kernel"), path.name


def _imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found


@pytest.mark.parametrize("room", _rooms(), ids=lambda path: path.name)
def test_a_room_says_what_it_is_for(room: Path) -> None:
    docstring = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    assert docstring, f"{room.name}/__init__.py needs a docstring"


def test_what_runs_in_a_transaction_reads_no_clock_and_draws_no_lots() -> None:
    """It may run several times; its times come with the call."""
    calls = {"now", "utcnow", "time", "monotonic", "sleep", "inc", "observe"}
    for path in SRC.rglob("*.py"):
        if path.is_relative_to(SRC / "db"):
            continue
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and [arg.arg for arg in function.args.args][:1] == ["tx"]:
                called = {_name(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
                assert not called & calls, f"{path.name}: {function.name}"


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _handlers() -> list[Any]:
    """Of all rooms. Routers hold pages only."""
    found = [handler for room in ROOMS for handler in room.HANDLERS]
    assert all(not router.path.startswith("/v1") for router in found if isinstance(router, Router))
    return [handler for handler in found if not isinstance(handler, Router)]


def test_every_route_of_the_api_is_in_the_openapi_document() -> None:
    bare = [
        sorted(handler.paths)
        for handler in _handlers()
        if any(path.startswith("/v1/") for path in handler.paths) and "doc" not in handler.opt
    ]
    assert not bare


def test_every_documented_problem_of_a_route_exists() -> None:
    for handler in _handlers():
        item = handler.opt.get("doc")
        if item is not None:
            assert set(item.problems) <= set(PROBLEMS), sorted(handler.paths)


def test_room_lists_are_complete() -> None:
    """A room's api.py, pages.py or jobs.py that the app does not know would be dead code."""
    served = {room.__name__ for room in ROOMS}
    working = {room.__name__ for room in JOBS}
    for room in _rooms():
        for name in ("api", "pages"):
            if (room / f"{name}.py").exists():
                assert f"dropoff.{room.name}.{name}" in served
        if (room / "jobs.py").exists() and "PERIODIC" in (room / "jobs.py").read_text(encoding="utf-8"):
            assert f"dropoff.{room.name}.jobs" in working


def test_event_types_of_the_contract_are_told() -> None:
    told = set(re.findall(r'"([a-z]+\.[a-z_]+)"', _source()))
    assert set(EVENT_TYPES) - EVENTS_OF_LATER_WORK <= told


@pytest.mark.parametrize(
    ("promised", "known"),
    [
        pytest.param(RETURN_REASONS, get_args(returns.Reason), id="return reasons"),
        pytest.param(CUSTODY, returns.CUSTODY, id="custody"),
        pytest.param(RESOLUTION, returns.RESOLUTION, id="resolution"),
        pytest.param(REFUSED_UNITS, counter.REFUSED_UNIT_REASONS, id="refused units"),
        pytest.param(REFUSED_VERDICTS, tuple(counter.REFUSALS), id="refused verdicts"),
        pytest.param(PARCEL, counter.PARCEL_STATES, id="parcels"),
        pytest.param(CONTAINER, counter.CONTAINER_STATES, id="containers"),
        pytest.param(CASE_KINDS, cases.KINDS, id="cases"),
        pytest.param(CASE_OUTCOMES, cases.OUTCOMES, id="outcomes"),
        pytest.param(SHIPMENT, freight.SHIPMENT_STATES, id="shipments"),
        pytest.param(LEFT_BY_A_RUN, freight.LEFT_REASONS, id="left by a run"),
        pytest.param(LEFT_BEHIND, freight.LEFT_BEHIND_REASONS, id="left behind"),
        pytest.param(["operator", "retailer", "device"], ROLES, id="roles"),
    ],
)
def test_closed_lists_are_the_contracts(promised: list[str], known: tuple[str, ...]) -> None:
    assert set(promised) == set(known)


TEMPLATES = sorted((SRC / "web" / "templates").rglob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(SRC / "web" / "templates").as_posix())
def test_a_page_carries_no_inline_script_or_style(template: Path) -> None:
    """The Content-Security-Policy would block it, and nobody would notice before a browser does."""
    text = template.read_text(encoding="utf-8")
    # A block of data is no script: browsers do not run it, and the policy does not forbid it.
    assert not re.search(r'<script(?![^>]*(?:\bsrc=|type="application/ld\+json"))', text), "inline script"
    assert not re.search(r"<style\b|\sstyle=", text), "inline style"
    assert not re.search(r"\son[a-z]+=", text), "inline event handler"
    assert "javascript:" not in text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text), "a third-party address"


def test_pinned_versions_carry_no_addresses() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[^\]]+\])?==[^\s@/]+", line), line


def test_every_dependency_is_pinned() -> None:
    pinned = {
        re.sub(r"[-_.]+", "-", line.split("==")[0]).lower()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    }
    project = PYPROJECT["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=! ]", line)[0]).lower() for line in wanted}
    assert names <= pinned


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=lambda path: path.stem)
def test_a_decision_is_one_page_of_four_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[:4] == ["Context", "Decision", "Consequences", "Alternatives"]
    assert len(text) < 6_000


def test_links_between_the_docs_lead_somewhere() -> None:
    pages = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "carriers").glob("*/README.md"),
        *(ROOT / "locations").glob("*/README.md"),
    ]
    link = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
    targets = [(page, target) for page in pages for target in link.findall(page.read_text(encoding="utf-8"))]
    assert not [(page.name, target) for page, target in targets if not (page.parent / target).exists()]
