"""Settings are read once; what is wrong is named with what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from dropoff.settings import Misconfigured, load


def test_the_defaults_are_sqlite_in_the_data_folder_with_a_secret_made_once(tmp_path: Path) -> None:
    first = load({"DROPOFF_DATA": str(tmp_path)})
    again = load({"DROPOFF_DATA": str(tmp_path)})
    assert first == again
    assert first.database_url == f"sqlite:///{tmp_path}/dropoff.sqlite3"
    assert len(first.secret) == 64
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert first.operator_key.startswith("op_")
    assert first.gs1_is_example


def test_parallel_first_starts_agree_on_one_secret(tmp_path: Path) -> None:
    code = f"from dropoff.settings import load; print(load({{'DROPOFF_DATA': {str(tmp_path)!r}}}).secret)"
    starts = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(4)]
    assert len({start.communicate()[0] for start in starts}) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"DROPOFF_SECRET": "short"}, "DROPOFF_SECRET"),
        ({"DROPOFF_DATABASE_URL": "postgresql://h/d"}, "DROPOFF_SECRET is required"),
        ({"DROPOFF_DATABASE_URL": "mysql://h/d"}, "DROPOFF_DATABASE_URL"),
        ({"DROPOFF_BASE_URL": "returns.example.org"}, "DROPOFF_BASE_URL"),
        ({"DROPOFF_BASE_URL": "https://example.org/returns"}, "DROPOFF_BASE_URL"),
        ({"DROPOFF_WEBHOOK_ALLOW_PRIVATE": "maybe"}, "DROPOFF_WEBHOOK_ALLOW_PRIVATE"),
        ({"DROPOFF_GS1_PREFIX": "12a"}, "DROPOFF_GS1_PREFIX"),
        ({"DROPOFF_OPERATOR_KEY": "short"}, "DROPOFF_OPERATOR_KEY"),
        ({"DROPOFF_LOG_LEVEL": "loud"}, "DROPOFF_LOG_LEVEL"),
        ({"DROPOFF_DATABSE_URL": "x"}, "DROPOFF_DATABSE_URL"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, environment: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        load({"DROPOFF_DATA": str(tmp_path)} | environment)


def test_a_damaged_secret_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    with pytest.raises(Misconfigured, match="damaged"):
        load({"DROPOFF_DATA": str(tmp_path)})
