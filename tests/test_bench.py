"""One tiny round of the benchmark, so that it still runs when somebody wants to know. Its figures mean nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROWS = ("issue a return", "confirm a hand-in", "nearby", "QR image, cached", "first QR image")


@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_a_quick_run_prints_the_table(postgres_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--quick", "--postgres", postgres_url, "--folder", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=380, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    lines = [line for line in result.stdout.splitlines() if line.startswith("|")]
    assert all(any(row in line for line in lines) for row in ROWS)
    for database in ("sqlite", "postgresql"):
        for path in ROWS[:2]:
            assert sum(database in line and path in line for line in lines) == 2, "at many connections and at one"
    assert "revision" in result.stdout
    assert "fsync" in result.stdout
    assert list(tmp_path.iterdir()) == [], "it cleans up behind itself"
