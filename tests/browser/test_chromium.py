from pathlib import Path


def test_chromium_is_installed(chromium_path: Path) -> None:
    """Fails where the others of this folder are skipped, so that a run without Chromium never looks complete."""
    assert chromium_path.exists(), (
        f"{chromium_path} is missing. Install it: apt-get update && apt-get install -y chromium"
    )
