"""What a page may cost on the way to a phone, packed: read from the built files."""

import gzip

from dropoff.web.assets import built

KB = 1_000
FRAME = ("dropoff.css", "mark.svg")


def packed(*names: str) -> int:
    files = built()
    return sum(len(files.files[files.names[name]].packed) for name in names)


def test_the_finder_with_its_map_and_the_outline_in_place_of_tiles() -> None:
    page = 5 * KB  # twenty places, packed
    assert packed(*FRAME, "find.js", "map.js", "map.css", "outline.json") + page < 120 * KB


def test_the_finder_before_its_map() -> None:
    assert packed(*FRAME, "find.js") < 15 * KB


def test_the_till_and_its_camera() -> None:
    page = 12 * KB  # the front page with its words, packed
    assert packed(*FRAME, "till.js") + page < 40 * KB
    assert packed("camera.js", "scan-worker.js") < 20 * KB
    assert packed("zxing_reader.wasm") < 450 * KB


def test_what_every_page_needs() -> None:
    assert packed(*FRAME) < 10 * KB


def test_files_are_packed_once_and_for_all() -> None:
    for asset in built().files.values():
        assert gzip.decompress(asset.packed) == asset.body
