"""Takes the pictures of `docs/screens`: every page that the tests visit, and the gallery that shows them.

    make screens
    python -m docs.screens --out FOLDER --width 320 --dark "till*" "pass*"

The second form is for looking at what one changes: some pages, in any width, in light or dark.
"""

import argparse
import io
import sys
import tempfile
from contextlib import closing
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from tests.browser.conftest import CHROMIUM, FLAGS, World, serving
from tests.browser.test_pages import PAGES

FOLDER: Final = Path(__file__).resolve().parent / "screens"
PHONE: Final = {"width": 390, "height": 844}
COUNTER: Final = {"width": 1024, "height": 768}
COLOURS: Final = 64
LONGEST: Final = 2_000
GALLERY: Final = """# Every screen

Taken by `make screens` from the pages that the tests visit: a phone's width for shoppers, a tablet's for tills and
operators.

"""


def is_for_a_counter(name: str) -> bool:
    return name.startswith(("till", "pairing", "unpaired", "counter", "home signed", "network"))


def picture_of(browser: Browser, world: World, name: str, size: dict[str, int], scheme: str) -> bytes:
    """The whole page from its top, as a PNG of few colours."""
    context = browser.new_context(base_url=world.base_url, viewport=size, color_scheme=scheme, reduced_motion="reduce")
    try:
        page = context.new_page()
        PAGES[name](page, world)
        page.evaluate("scrollTo(0, 0)")
        taken = Image.open(io.BytesIO(page.screenshot(full_page=True)))
    finally:
        context.close()
    shown = taken.crop((0, 0, taken.width, min(taken.height, LONGEST)))
    out = io.BytesIO()
    shown.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def file_of(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name).replace("--", "-") + ".png"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m docs.screens")
    parser.add_argument("names", nargs="*", default=["*"], help="which pages, with * for any letters")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--width", type=int)
    parser.add_argument("--dark", action="store_true")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in PAGES if any(fnmatch(name, pattern) for pattern in asked.names)]
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with closing(World(url, Path(folder) / "dropoff.sqlite3")) as world:
            for number, name in enumerate(wanted, 1):
                usual = COUNTER if is_for_a_counter(name) else PHONE
                size = usual if asked.width is None else {**usual, "width": asked.width}
                picture = picture_of(browser, world, name, size, "dark" if asked.dark else "light")
                (asked.out / file_of(name)).write_bytes(picture)
                sys.stderr.write(f"{number}/{len(wanted)} {name}\n")
        browser.close()
    if asked.out == FOLDER:
        shown = (f"## {name[0].upper()}{name[1:]}\n\n![{name}](screens/{file_of(name)})\n" for name in PAGES)
        (FOLDER.parent / "screens.md").write_text(GALLERY + "\n".join(shown))


if __name__ == "__main__":
    main()
