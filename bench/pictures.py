"""Reads that need no database: the nearest places, and the QR code of a pass."""

import io
import random
import statistics
import time
import urllib.request

import msgspec

from bench import chain, load
from bench.measure import Case, in_turn
from bench.servers import Server, serving
from dropoff.returns import qr

FLOOR_A = "a handler answering the same bytes"


class Reads:
    def __init__(self, world: chain.World) -> None:
        self.world = world
        self.code = ""

    def examples(self) -> tuple[bytes, bytes]:
        """What the floor answers: a real answer of each kind."""
        env = chain.environment(self.world.url, self.world.folder)
        log = self.world.folder / "servers.log"
        with serving(["dropoff.cli", "serve", "--no-worker"], env, "/health/ready", log) as ours:
            made = load.run(ours.port, [load.request("GET", "/v1/returns?limit=1", self.world.shop_key)], 1).bodies[0]
            self.code = msgspec.json.decode(made)["items"][0]["pass"]["code"]
            return _get(ours, _near(random.Random(1))), _get(ours, f"/p/{self.code}/qr.png")

    def measure(self, ours: Server, floor: Server, rounds: int, count: int, connections: int) -> list[Case]:
        nearby = Case("nearby, 10 of the network", "in memory", connections, FLOOR_A)
        picture = Case("QR image, cached", "in memory", connections, FLOOR_A)
        chance = random.Random(7)

        def near_ours(_: int) -> None:
            paths = [_near(chance) for _ in range(count)]
            nearby.ours.take(ours, [load.request("GET", path) for path in paths], connections)

        def near_floor(_: int) -> None:
            paths = [_near(chance).replace("/v1/locations", "/a/nearby") for _ in range(count)]
            nearby.floor.take(floor, [load.request("GET", path) for path in paths], connections)

        def qr_ours(_: int) -> None:
            picture.ours.take(ours, [load.request("GET", f"/p/{self.code}/qr.png")] * count, connections)

        def qr_floor(_: int) -> None:
            picture.floor.take(floor, [load.request("GET", f"/a/qr/{self.code}")] * count, connections)

        in_turn(rounds, near_ours, near_floor)
        in_turn(rounds, qr_ours, qr_floor)
        return [nearby, picture]


def _near(chance: random.Random) -> str:
    """Another query string each time: the framework remembers those it has seen."""
    lat, lon = chance.choice(chain.CITIES)
    return f"/v1/locations?near={lat + chance.uniform(-0.2, 0.2):.6f},{lon + chance.uniform(-0.2, 0.2):.6f}&limit=10"


def _get(server: Server, path: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{server.port}{path}", timeout=10) as response:
        return bytes(response.read())


def first_png(count: int) -> list[str]:
    """In process, one at a time: a picture nobody has asked for yet."""
    import qrcode

    case = Case("first QR image, in process", "-", 1, "stock qrcode.make")
    texts = [f"HTTPS://EXAMPLE.ORG/P/{number:016}" for number in range(count)]

    def stock(text: str) -> None:
        image = qrcode.make(text)
        image.save(io.BytesIO(), "PNG")

    for number in range(5):
        for side, draw in ((case.ours, lambda text: qr.png(qr.modules(text))), (case.floor, stock)):
            took = []
            began, cpu = time.perf_counter(), time.process_time()
            for text in texts[number::5]:
                once = time.perf_counter()
                draw(text)
                took.append(time.perf_counter() - once)
            side.rates.append(len(took) / (time.perf_counter() - began))
            side.cpus_ms.append((time.process_time() - cpu) * 1000 / len(took))
            side.p50s_ms.append(statistics.median(took) * 1000)
    return case.row()
