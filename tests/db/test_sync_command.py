"""`dropoff sync`, as an operator types it: what it says and how it ends."""

from pathlib import Path

import pytest
from tests.terminal import Terminal


class Shell(Terminal):
    def __init__(
        self, folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.file = folder / "kiosks.csv"
        environment = {
            "DROPOFF_DATABASE_URL": database_url,
            "DROPOFF_DATA": str(folder),
            "DROPOFF_SECRET": "a-secret-for-tests-only-0123456789",
            "DROPOFF_LOCATIONS_KIOSKS_PLUGIN": "files",
            "DROPOFF_LOCATIONS_KIOSKS_PATH": str(self.file),
            "DROPOFF_LOCATIONS_KIOSKS_DEFAULTS": "kind=store, country=DE",
            "DROPOFF_LOCATIONS_KIOSKS_EVERY": "1d",
        }
        super().__init__(monkeypatch, capsys, environment)

    def holds(self, *numbers: int) -> None:
        rows = [f"k{number},Kiosk {number},52.5,{13.4 + number / 1000}\n" for number in numbers]
        self.file.write_text("id,name,y,x\n" + "".join(rows))


@pytest.fixture
def shell(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    return Shell(tmp_path, database_url, monkeypatch, capsys)


def test_a_source_from_dry_run_to_release(shell: Shell) -> None:
    shell.holds(*range(10))
    code, said, told = shell.run("sync", "kiosks", "--dry-run")
    assert code == 0
    assert "dry run: 10 created, 0 updated, 0 unchanged, 0 removed, 0 rejected" in said
    assert "would create k0: Kiosk 0" in told
    code, said, _ = shell.run("sync", "kiosks")
    assert code == 0
    assert "done: 10 created" in said
    shell.holds(*range(7))
    code, said, told = shell.run("sync", "kiosks")
    assert code == 1
    assert "held: 0 created, 0 updated, 7 unchanged, 3 removed" in said
    assert "3 of 10 places" in told
    assert "dropoff sync kiosks --release" in told
    code, said, _ = shell.run("sync", "kiosks", "--release")
    assert code == 0
    assert "done: 0 created, 0 updated, 7 unchanged, 3 removed" in said


def test_what_cannot_be_done_is_one_line(shell: Shell) -> None:
    code, _, told = shell.run("sync", "nobody")
    assert (code, told.count("\n")) == (2, 1)
    assert "only: kiosks" in told
    code, _, told = shell.run("sync", "kiosks", "--release")
    assert (code, told.count("\n")) == (2, 1)
    assert "held" in told
    code, _, told = shell.run("sync", "kiosks")
    assert code == 1
    assert "the file cannot be read" in told
    shell.file.write_text('{"type":"FeatureCollection","fea')
    code, _, told = shell.run("sync", "kiosks")
    assert code == 1
    assert "Nothing was changed." in told


def test_plugins_lists_sources_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.holds(1)
    code, said, _ = shell.run("plugins")
    assert code == 0
    assert "carrier\tcourier\tstandard" in said
    assert "source\tinpost\t" in said
    assert "set up\tkiosks\tfiles\tfile, every 86400 s" in said
    monkeypatch.setenv("DROPOFF_LOCATIONS_KIOSKS_COLOUR", "red")
    code, _, told = shell.run("plugins")
    assert (code, told.count("\n")) == (2, 1)
    assert "DROPOFF_LOCATIONS_KIOSKS_COLOUR" in told
