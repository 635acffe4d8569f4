"""Takes the pictures of `docs/screens/every`: every page that the tests visit, and the gallery that shows them.

    make screens
    python -m docs.screens --out FOLDER --width 320 --dark "till*" "pass*"

The second form is for looking at what one changes: some pages, in any width, in light or dark.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.browser.conftest import CHROMIUM, FLAGS, World, serving, without_script
from tests.browser.test_lockers import Bank, connected
from tests.browser.test_pages import PAGES, shopper, signed_in, till_taken, till_taken_by_script

Setup = Callable[[Page, World], object]

FOLDER: Final = Path(__file__).resolve().parent / "screens" / "every"
PHONE: Final = {"width": 390, "height": 844}
COUNTER: Final = {"width": 1024, "height": 768}
COLOURS: Final = 64
LONGEST: Final = 2_000
GALLERY: Final = """# Every screen

Taken by `make screens` from the pages that the tests visit: a phone's width for shoppers, a tablet's for tills and
operators.

"""


class Scenery(World):
    """A world with a bank of lockers."""

    def __init__(self, base_url: str, database: Path, folder: Path) -> None:
        super().__init__(base_url, database)
        self.bank = Bank(folder, "S:4,M:2,L:2")
        self.locker = connected(self, self.bank)

    def close(self) -> None:
        self.bank.kill()
        super().close()


def is_for_a_counter(name: str) -> bool:
    return name.startswith(("till", "pairing", "unpaired", "counter", "home signed", "network", "shop"))


def of_the_network(path: str) -> Setup:
    """A page that an operator sees; `{place}` is the id of a place where things happened."""

    def show(page: Page, world: World) -> None:
        signed_in(page, world)
        page.goto(path.replace("{place}", world.locations["spaeti"]))

    return show


def of_the_shop(path: str) -> Setup:
    def show(page: Page, world: World) -> None:
        till_taken(page, world)
        page.goto(path)

    return show


def who_is_there(page: Page, world: World) -> None:
    """A shop of its own, so that no other till has to ask who stands there."""
    new = {"name": "Kiosk am Tor", "kind": "store", "address": {"country": "DE"}}
    place = world.post(world.operator, "/v1/locations", {**new, "position": {"lat": 52.5, "lon": 13.3}})["id"]
    signed_in(page, world)
    page.goto(f"/network/places/{place}/people")
    for name, initials in (("Anna", "AN"), ("Bo", "BO")):
        page.get_by_label("First name or nickname").fill(name)
        page.get_by_label("Initials").fill(initials)
        page.get_by_label("PIN", exact=True).fill("4711" if name == "Anna" else "4712")
        page.get_by_role("button", name="Add", exact=True).click()
    page.context.clear_cookies()
    without_script(page)
    page.goto(world.pairing_url(place))
    page.get_by_role("button", name="Yes, this is the till").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who is there?")


def shift_begun(page: Page, world: World) -> None:
    who_is_there(page, world)
    page.get_by_label("Anna").check()
    page.get_by_label("PIN", exact=True).fill("4711")
    page.get_by_role("button", name="Here I am").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Anna")


def in_a_locker(steps: int) -> Setup:
    """How far the shopper came: chosen, held, open, in."""

    def show(page: Page, world: World) -> None:
        assert isinstance(world, Scenery)
        retailer, _ = world.retailer()
        page.goto(f"/p/{world.issue(retailer)['pass']['code']}/locker?at={world.locker}")
        page.get_by_label("Small").check()
        for button in ("Hold a compartment", "Open the door")[:steps]:
            page.get_by_role("button", name=button).click()
        if steps > 2:
            opened = page.get_by_role("heading", level=1).filter(has_text="is open").inner_text()
            world.bank.act(opened.split()[1], "put_in")
            expect(page.get_by_role("heading", level=1)).to_have_text("Handed in")

    return show


def in_danish(page: Page, world: World) -> None:
    shopper(page, world, "?lang=da")


def in_german(page: Page, world: World) -> None:
    till_taken_by_script(page, world)
    page.goto("/till?lang=de")


MORE: Final[dict[str, Setup]] = {
    "pass in Danish": in_danish,
    "locker": in_a_locker(0),
    "locker held": in_a_locker(1),
    "locker open": in_a_locker(2),
    "locker handed in": in_a_locker(3),
    "till in German": in_german,
    "till asks who is there": who_is_there,
    "till with a shift": shift_begun,
    "shop": of_the_shop("/till/store"),
    "shop's earnings": of_the_shop("/till/earnings"),
    "network": of_the_network("/network"),
    "network places": of_the_network("/network/places"),
    "network place": of_the_network("/network/places/{place}"),
    "network new place": of_the_network("/network/places/new"),
    "network hours": of_the_network("/network/places/{place}/hours"),
    "network people": of_the_network("/network/places/{place}/people"),
    "network tills": of_the_network("/network/places/{place}/tills"),
    "network earnings": of_the_network("/network/places/{place}/earnings"),
    "network watch": of_the_network("/network/watch"),
    "network imports": of_the_network("/network/imports"),
    "network sources": of_the_network("/network/sources"),
    "network handovers": of_the_network("/network/handovers"),
}
EVERY: Final[dict[str, Setup]] = {**PAGES, **MORE}


def picture_of(browser: Browser, world: World, name: str, size: dict[str, int], scheme: str) -> bytes:
    """The whole page from its top, as a PNG of few colours."""
    context = browser.new_context(base_url=world.base_url, viewport=size, color_scheme=scheme, reduced_motion="reduce")
    try:
        page = context.new_page()
        EVERY[name](page, world)
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
    wanted = [name for name in EVERY if any(fnmatch(name, pattern) for pattern in asked.names)]
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with closing(Scenery(url, Path(folder) / "dropoff.sqlite3", Path(folder))) as world:
            for number, name in enumerate(wanted, 1):
                usual = COUNTER if is_for_a_counter(name) else PHONE
                size = usual if asked.width is None else {**usual, "width": asked.width}
                picture = picture_of(browser, world, name, size, "dark" if asked.dark else "light")
                (asked.out / file_of(name)).write_bytes(picture)
                sys.stderr.write(f"{number}/{len(wanted)} {name}\n")
        browser.close()
    if asked.out == FOLDER:
        shown = (f"## {name[0].upper()}{name[1:]}\n\n![{name}](screens/every/{file_of(name)})\n" for name in EVERY)
        (FOLDER.parents[1] / "screens.md").write_text(GALLERY + "\n".join(shown))


if __name__ == "__main__":
    main()
