"""`dropoff locations` and a file only compared, as an operator types them."""

import json
from pathlib import Path

import pytest
from tests.db.test_sync_command import Shell


@pytest.fixture
def shell(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    return Shell(tmp_path, database_url, monkeypatch, capsys)


def test_a_place_is_kept_from_the_shell(shell: Shell) -> None:
    shell.file.write_text("id,name,kind,country,lat,lon\nk1,Kiosk 1,store,DE,52.5,13.4\nk2,Laden,store,DE,52.6,13.5\n")
    bring = ("import", "locations", str(shell.file), "--source", "kiosks")
    code, said, told = shell.run(*bring, "--dry-run")
    assert code == 0, told
    assert "dry run: 2 created" in said
    assert "would create k1: Kiosk 1" in told
    assert shell.run("locations", "list")[1] == "", "a dry run changes nothing"
    assert shell.run(*bring)[0] == 0

    listed = shell.run("locations", "list", "kiosk")[1].rstrip("\n").split("\t")
    place = listed[0]
    assert listed[1:] == ["active", "store", "Kiosk 1", "", "", "DE", "kiosks"]
    assert shell.run("locations", "list", place)[1].rstrip("\n").split("\t") == listed
    assert shell.run("locations", "list", "--full")[1] == ""
    assert shell.run("locations", "list", "--silent-days", "1")[1] == "", "new today"
    assert shell.run("locations", "pause", place, "--reason", "Full")[1] == f"{place}\tpaused\n"
    kept = json.loads(shell.run("locations", "show", place, "--json")[1])
    assert (kept["state"], kept["pause"]["reason"], kept["pause"]["by"]) == ("paused", "Full", "operator:cli")
    assert shell.run("locations", "resume", place)[1] == f"{place}\tactive\n"
    assert shell.run("locations", "closure", place, "2099-01-01")[0] == 1, "too far ahead"
    assert "2020-12-24" not in shell.run("locations", "closure", place)[1]
    code, said, _ = shell.run("locations", "hours", place, "--set", "Mo-Su 10:00-12:00", "--days", "2")
    assert [line.split("\t")[2] for line in said.splitlines()] == ["10:00-12:00"] * 2
    assert "by_hand\topening_hours\t\n" in shell.run("locations", "show", place)[1]
    assert shell.run("locations", "close", place)[1] == f"{place}\tclosed\n"
    code, _, told = shell.run("locations", "pause", place)
    assert (code, "closed" in told) == (1, True)
    assert shell.run("locations", "show", "loc_nothing")[0] == 1
