"""The shell of pages: every template compiles and holds nothing that the policy would block; assets are hashed,
ready, and named clearly when they were not built."""

import gzip
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from dropoff.kernel.errors import PROBLEMS, Problem
from dropoff.receiving.till_forms import Unpaired
from dropoff.web import assets, people, shell, words
from dropoff.web.shell import ENVIRONMENT, render, render_problem, ticks

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "src" / "dropoff" / "web" / "templates"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def build(target: Path) -> Path:
    """As `make install` does it: by the Node of .venv, else the machine's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    node = shutil.which("node", path=path)
    assert node is not None, "run `make install`"
    subprocess.run([node, str(ROOT / "static" / "build.mjs"), str(target)], check=True, capture_output=True)
    return target


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built") / "assets")


@pytest.mark.parametrize("name", ENVIRONMENT.list_templates())
def test_every_template_compiles_and_holds_no_inline_script_and_no_inline_style(name: str) -> None:
    ENVIRONMENT.get_template(name)
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    script = r'<script(?! type="module" src="{{ asset\(| type="application/ld\+json">)'
    blocked = rf"{script}|<style|\sstyle=|\son[a-z]+=|javascript:"
    assert not re.search(blocked, source, re.I)
    assert "|safe" not in source.replace(" ", ""), "nothing escapes the escaping"


@pytest.mark.parametrize("name", ENVIRONMENT.list_templates())
def test_every_form_that_writes_behind_a_login_carries_its_token(name: str) -> None:
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", source, re.S):
        # A shopper has no session: who holds the code may act, and `refuse_other_sites` keeps other pages out.
        open_to_all = name.startswith("shopper/") or re.search(r'action="(/login|\{\{ view\.action \}\})"', form)
        assert open_to_all or "csrf" in form, form[:120]


def test_what_people_typed_is_escaped() -> None:
    html = render_problem(Problem("slug-taken", "<b>\"'&"), "/").decode()
    assert "&lt;b&gt;&#34;&#39;&amp;" in html
    assert "<b>" not in html


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_every_problem_has_its_page(code: str) -> None:
    html = render_problem(Problem(code), "/pass").decode()
    assert "<h1>" in html
    # A form of another site, and a clerk whom a till does not know: no key would help.
    wants_key = PROBLEMS[code].status in (401, 403) and code not in ("csrf-failed", "clerk-unknown")
    assert ("/login" in html) is wants_key


@pytest.mark.parametrize("code", sorted(people.SAID))
def test_what_a_browser_can_meet_is_told_without_the_words_of_the_api(code: str) -> None:
    view = people.error_view(Problem(code, "GET /v1 `x`" if code != "too-many-requests" else ""), "/till/scans")
    jargon = re.compile(r"[`{}]|/v1|\b(GET|POST|API|key|header|request|JSON|MB|tenant|id)\b", re.I)
    assert jargon.search(f"{view.title} {view.text}") is None or code in ("unauthenticated", "forbidden")
    assert view.links == (("/till", "Back to the till"),)


def test_a_refusal_leads_back_to_where_it_happened() -> None:
    assert people.error_view(Problem("csrf-failed"), "/P/ABC/cancel").links[0] == ("/p/ABC", "Back to my return")
    assert people.error_view(Problem("unauthenticated"), "/x").links[0][0] == "/login"


def test_backticks_of_texts_for_programs_become_code_on_pages() -> None:
    assert str(ticks("`data` says <b>")) == "<code>data</code> says &lt;b&gt;"


def test_built_files_carry_their_hash_and_are_served_for_ever(folder: Path) -> None:
    built = assets.read(folder)
    url = built.url("dropoff.css")
    assert re.fullmatch(r"/assets/dropoff\.[0-9a-f]{12}\.css", url)
    answer = assets.answer(built, url.removeprefix("/assets/"), "br, gzip")
    assert answer.status_code == 200
    headers = dict(answer.headers.items())
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-encoding"] == "gzip"
    plain = assets.answer(built, url.removeprefix("/assets/"), "identity")
    assert gzip.decompress(answer.body) == plain.body
    assert "content-encoding" not in dict(plain.headers.items())


def test_a_change_of_the_styles_changes_the_name(folder: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "assets")
    assert json.loads((again / "manifest.json").read_text()) == json.loads((folder / "manifest.json").read_text())
    names = set(json.loads((again / "manifest.json").read_text()).values())
    assert names | {"manifest.json"} == {path.name for path in again.iterdir()}


def test_the_stylesheet_stays_small(folder: Path) -> None:
    built = assets.read(folder)
    assert len(built.files[built.names["dropoff.css"]].packed) < 12_000


def test_without_built_files_the_pages_come_and_the_missing_command_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        none = assets.read(tmp_path / "nowhere")
    assert "make install" in caplog.text
    assert not none.built
    assert none.url("dropoff.css") == "/assets/not-built.dropoff.css"
    answer = assets.answer(none, "not-built.dropoff.css", "")
    assert (answer.status_code, b"make install" in answer.body) == (404, True)


def test_unknown_files_are_not_found(folder: Path) -> None:
    for name in ("dropoff.css", "../manifest.json", "manifest.json", ""):
        assert assets.answer(assets.read(folder), name, "").status_code == 404


def test_pages_are_kept_by_nobody_and_forms_end_in_see_other() -> None:
    headers = dict(shell.page(render("till/unpaired.html", Unpaired(False))).headers.items())
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex"
    answer = shell.see_other("/till", {"set-cookie": "a=b"})
    assert (answer.status_code, dict(answer.headers.items())["location"]) == (303, "/till")


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 11, 22, 22, 30, tzinfo=UTC), "today 23:30"),
        (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "tomorrow 00:30"),
        (datetime(2026, 11, 21, 8, 0, tzinfo=UTC), "yesterday 09:00"),
        (datetime(2026, 12, 4, 16, 4, tzinfo=UTC), "Fri 4 December, 17:04"),
        (datetime(2027, 1, 2, 11, 0, tzinfo=UTC), "Sat 2 January 2027, 12:00"),
    ],
)
def test_times_are_said_in_the_readers_zone(moment: datetime, said: str) -> None:
    assert words.at(moment, "Europe/Copenhagen", NOON) == said


def test_distances() -> None:
    said = [words.distance(metres) for metres in (3, 84, 994, 995, 1240, 9949, 14_400)]
    assert said == ["10 m", "80 m", "990 m", "1.0 km", "1.2 km", "9.9 km", "14 km"]


def test_a_driver_who_is_late_can_be_told_of() -> None:
    missed = "/till/shipments/shp_1/missed"
    leaving = SimpleNamespace(name="Nordlys", state="Due", words="1 bag", links=[], missed=missed)
    view = SimpleNamespace(till=SimpleNamespace(csrf="token"), key="key", shipments=[leaving])
    shown = ENVIRONMENT.get_template("till/leaving.html").render(view=view)
    assert "The driver did not come" in shown
    assert f'action="{missed}"' in shown
    assert 'value="token"' in shown
