"""The camera as a scanner: Chromium's fake camera plays a clip of a real pass and tag, as a phone's screen and a
sticker look in a shop: tilted, blurred, with glare."""

import io
import re
from pathlib import Path

import httpx
import numpy
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Page, expect, sync_playwright
from tests.browser.conftest import CHROMIUM, FLAGS, Complaints, World, pair

SIZE = (1280, 720)
WITH_A_LIGHT = """
  const own = MediaStreamTrack.prototype.getCapabilities;
  window.asked = [];
  MediaStreamTrack.prototype.getCapabilities = function () { return { ...own.call(this), torch: true }; };
  MediaStreamTrack.prototype.applyConstraints = async function (wanted) { asked.push(wanted.advanced[0].torch); };
"""
"""Chromium's fake camera has none."""


def pass_picture(world: World, issued: dict) -> Image.Image:
    with httpx.Client(base_url=world.base_url, trust_env=False) as client:
        png = client.get(f"/p/{issued['pass']['code']}/qr.png").raise_for_status().content
    return Image.open(io.BytesIO(png)).convert("RGB").resize((330, 330))


def tag_picture(tag: str) -> Image.Image:
    code = zxingcpp.create_barcode(tag, zxingcpp.BarcodeFormat.Code128)
    return (
        Image.fromarray(numpy.array(zxingcpp.write_barcode_to_image(code, scale=3)))
        .convert("RGB")
        .resize((520, 150), Image.Resampling.NEAREST)
    )


def frame(number: int, code: Image.Image, tag: Image.Image | None) -> bytes:
    """A hand that trembles: each frame a little different."""
    scene = Image.new("RGB", SIZE, (96, 88, 80))
    phone = Image.new("RGB", (390, 470), (20, 22, 26))
    phone.paste(Image.new("RGB", (366, 446), "white"), (12, 12))
    phone.paste(code, (30, 70))
    glare = Image.new("L", phone.size, 0)
    ImageDraw.Draw(glare).ellipse((150, -60, 460, 190), fill=150)
    phone.paste(Image.new("RGB", phone.size, "white"), (0, 0), glare.filter(ImageFilter.GaussianBlur(40)))
    tilted = phone.rotate(9 + number % 3, expand=True, resample=Image.Resampling.BICUBIC, fillcolor=(96, 88, 80))
    scene.paste(tilted, (90 + 3 * (number % 4), 90))
    if tag is not None:
        sticker = tag.rotate(-6, expand=True, resample=Image.Resampling.BICUBIC, fillcolor=(96, 88, 80))
        scene.paste(sticker, (640, 300 + 2 * (number % 3)))
    out = io.BytesIO()
    scene.filter(ImageFilter.GaussianBlur(1.3 + 0.2 * (number % 3))).save(out, "JPEG", quality=72)
    return out.getvalue()


def test_pass_and_tag_in_one_picture_are_a_whole_hand_in(world: World, tmp_path: Path) -> None:
    retailer, _ = world.retailer()
    issued = world.issue(retailer)
    tag = world.tag()
    code, sticker = pass_picture(world, issued), tag_picture(tag)
    clip = tmp_path / "counter.mjpeg"
    clip.write_bytes(b"".join(frame(number, code, sticker) for number in range(12)))
    camera = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *camera])
        context = browser.new_context(base_url=world.base_url, viewport={"width": 390, "height": 844})
        complaints = Complaints()
        complaints.watch(context)
        context.add_init_script(WITH_A_LIGHT)
        page = context.new_page()
        pair(page, world)
        _policies(page, world)
        page.get_by_label("Fast mode").check()
        page.get_by_role("button", name="Scan with the camera").click()
        expect(page.locator("#desk").get_by_role("heading", level=1)).to_have_text("Taken in", timeout=20_000)
        expect(page.locator("#desk").get_by_text(f"3 things in tag {tag}.")).to_be_visible()
        # Both stay in sight and are not scanned again.
        expect(page.get_by_label("Scan a pass, a tag or a bag")).to_be_focused()
        for pressed in ("true", "false"):
            page.get_by_role("button", name="Light").click()
            expect(page.get_by_role("button", name="Light")).to_have_attribute("aria-pressed", pressed)
        assert page.evaluate("asked") == [True, False]
        page.get_by_role("button", name="Camera off").click()
        expect(page.locator("#camera")).to_have_count(0)
        expect(page.get_by_role("button", name="Scan with the camera")).to_be_visible()
        browser.close()
    assert complaints == []
    assert {unit["status"] for unit in retailer.get(f"/v1/returns/{issued['id']}").json()["units"]} == {"handed_in"}


def _policies(page: Page, world: World) -> None:
    """WebAssembly may run in the one worker that reads codes, and in no page."""
    worker = page.locator("#till").get_attribute("data-worker")
    wasm = page.locator("#till").get_attribute("data-wasm")
    with httpx.Client(base_url=world.base_url, trust_env=False) as client:
        allowed = client.get(str(worker)).headers["content-security-policy"]
        assert "script-src 'self' 'wasm-unsafe-eval';" in allowed
        assert "unsafe" not in client.get("/find").headers["content-security-policy"]
        assert "unsafe" not in page.request.get("/till").headers["content-security-policy"]
        served = client.get(str(wasm))
        assert served.headers["content-type"] == "application/wasm"
        assert re.search("immutable", served.headers["cache-control"])


def test_without_a_camera_the_page_says_what_to_do(desk: Page) -> None:
    desk.get_by_role("button", name="Scan with the camera").click()
    expect(desk.get_by_text(re.compile("lets this page use no camera|camera does not work"))).to_be_visible()
    expect(desk.get_by_role("button", name="Scan with the camera")).to_be_visible()
