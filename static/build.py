"""Builds the browser's files: one stylesheet from the parts in styles/, and the pictures, each under a name that
carries its content's hash, with a manifest beside them. Needs nothing but Python.

    python static/build.py [target folder]
"""

import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "src" / "dropoff" / "web" / "assets"


def stylesheet() -> bytes:
    """The parts in the order of their names, without comments and indentation."""
    parts = [path.read_text(encoding="utf-8") for path in sorted((HERE / "styles").glob("*.css"))]
    text = re.sub(r"/\*.*?\*/", "", "\n".join(parts), flags=re.S)
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line).encode()


def main(target: Path) -> None:
    files = {"dropoff.css": stylesheet()}
    files |= {path.name: path.read_bytes().strip() for path in sorted((HERE / "images").iterdir())}
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    manifest = {}
    for name, body in files.items():
        stem, _, ending = name.rpartition(".")
        manifest[name] = f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{ending}"
        (fresh / manifest[name]).write_bytes(body)
    (fresh / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    sys.stdout.write(f"built {len(manifest)} browser files into {target}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else TARGET)
