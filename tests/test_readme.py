"""The README's tour is run as it stands, so that it stays true."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.service import OPERATOR_KEY, running

README = Path(__file__).resolve().parents[1] / "README.md"


def tour() -> str:
    text = README.read_text(encoding="utf-8")
    section = text.split("## A five-minute tour")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"```bash\n(.*?)```", section, re.DOTALL))


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour needs curl")
def test_the_tour_works_as_printed(database_url: str, tmp_path: Path) -> None:
    with running(database_url, tmp_path / "data") as service:
        script = re.sub(r"^BASE=.*$", f"BASE={service.base_url}", tour(), count=1, flags=re.MULTILINE)
        script = re.sub(r"^KEY=.*$", f"KEY={OPERATOR_KEY}", script, count=1, flags=re.MULTILINE)
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "NO_PROXY": "*", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert result.returncode == 0, f"{result.stdout[-3000:]}\n{result.stderr[-2000:]}"
        assert '"verdict":"accepted"' in result.stdout
        assert (tmp_path / "label.pdf").read_bytes().startswith(b"%PDF-")
        for told in ("return.issued", "parcel.handed_in", "shipment.handed_over", "parcel.received", "refund.issued"):
            assert f'"{told}"' in result.stdout, f"the log does not tell of {told}"
