"""Server processes to measure, and what they cost."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

START_S = 20
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Server(msgspec.Struct, frozen=True):
    port: int
    pid: int

    def cpu_s(self) -> float:
        """User and system time of the process so far, all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def anonymous_mb(self) -> float:
        """Memory of its own: what is mapped from files, and shared, does not count."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1000
        return float("nan")


@contextlib.contextmanager
def serving(
    module: list[str], env: Mapping[str, str], ready: str, log: Path, start_s: float = START_S
) -> Iterator[Server]:
    """`python -m MODULE… --port N` until the block ends; stopped gracefully."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", *module, "--port", str(port)]
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "DROPOFF_BASE_URL": f"http://127.0.0.1:{port}",
        **env,
    }
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            _wait(process, f"http://127.0.0.1:{port}{ready}", log, start_s)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path, start_s: float) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + start_s
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(urllib.error.URLError, ConnectionError), opener.open(url, timeout=5):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")
