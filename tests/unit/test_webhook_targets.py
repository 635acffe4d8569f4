"""Which addresses webhooks may go to: as written, and as really connected to."""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dropoff.events import targets
from dropoff.events.targets import CheckedBackend, Deadline, Refused, check_url, connections, is_public

PRIVATE = [
    "127.0.0.1", "127.8.9.10", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::a9fe:a9fe",
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2001:0:53aa:64c::1", "2001:10::1", "100::1", "3fff::1", "5f00::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_of_the_own_network_is_refused(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_allowed(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/",
        "http://127.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[fe80::1%25eth0]/", "http://localhost/",
        "http://localhost./", "http://app.localhost/", "http://db.internal/", "http://printer.local/", "http://intranet/",
        "http://134744072/", "http://8.8.8/", "http://010.8.8.8/", "http://8.8.8.8.:80@127.0.0.1/",
        "http://user:secret@example.com/", "http://example.com@127.0.0.1/", "ftp://example.com/", "file:///etc/passwd",
        "gopher://example.com/", "//example.com/", "https://", "https:///path", "https://example.com:22/",
        "https://example.com:0/", "https://example.com:99999/", "https://example.com:x/", "https://exa mple.com/",
        "https://example.com/\nHost: x", "https://example.com\\@127.0.0.1/", "https://-bad-.com/",
        "https://" + "a" * 64 + ".com/", "https://example.com/#part", "https://１２７.0.0.1/", "https://[zz]/",
        "https://169.254.169.254/latest/meta-data", "https://ex\u0000ample.com/",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_meant_for_the_world_is_refused(url: str) -> None:
    assert check_url(url) is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook", "http://example.com:8080/a?b=c", "https://8.8.8.8/x", "https://bücher.example/",
        "https://[2606:4700:4700::1111]:8443/", "https://a_b.example.com/", "https://shop.example.co.uk:443/hooks/1",
    ],
)  # fmt: skip
def test_a_usual_url_is_taken(url: str) -> None:
    assert check_url(url) is None


def test_private_targets_are_allowed_when_the_operator_says_so() -> None:
    for url in ("http://127.0.0.1:9/", "http://localhost:81/", "http://intranet/", "http://[::1]:8000/"):
        assert check_url(url, allow_private=True) is None
    for url in ("http://2130706433/", "http://user@127.0.0.1/", "ftp://127.0.0.1/"):
        assert check_url(url, allow_private=True) is not None


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


def _names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The name server's answers, one after the other; the list grows with the names that were asked."""
    asked: list[str] = []
    left = list(answers)

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return left.pop(0) if len(left) > 1 else left[0]

    monkeypatch.setattr(targets, "resolve", resolve)
    return asked


def test_a_name_that_leads_inside_is_refused_when_connecting(
    monkeypatch: pytest.MonkeyPatch, listener: socket.socket
) -> None:
    port = listener.getsockname()[1]
    for addresses in (["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["10.0.0.1"]):
        _names(monkeypatch, addresses)
        with pytest.raises(Refused):
            CheckedBackend(Deadline()).connect_tcp("rebind.example.com", port, 1.0)
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()  # nobody came


def test_the_checked_address_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch, listener: socket.socket) -> None:
    """DNS rebinding: the name is looked up once, so a second answer has no say."""
    port = listener.getsockname()[1]
    asked = _names(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(targets, "is_public", lambda address: str(address) == "127.0.0.1")
    stream = CheckedBackend(Deadline()).connect_tcp("rebind.example.com", port, 5.0)
    peer = stream.get_extra_info("server_addr")
    stream.close()
    assert peer[0] == "127.0.0.1"
    assert asked == ["rebind.example.com"]


def test_numeric_spellings_are_seen_through_when_connecting(listener: socket.socket) -> None:
    for host in ("2130706433", "0x7f.1", "0177.0.0.1", "localhost"):
        with pytest.raises((Refused, httpcore.ConnectError)):
            CheckedBackend(Deadline()).connect_tcp(host, listener.getsockname()[1], 1.0)


def test_a_dripping_server_is_cut_off_by_the_whole_exchanges_deadline(listener: socket.socket) -> None:
    """Every single read is in time, the whole never ends."""
    stop = threading.Event()

    def drip() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"HTTP/1.1 200 OK\r\n")
            try:
                while not stop.wait(0.05):
                    peer.sendall(b"x: y\r\n")
            except OSError:
                return

    thread = threading.Thread(target=drip)
    thread.start()
    deadline = Deadline()
    pool = connections(deadline, allow_private=True)
    deadline.at = time.monotonic() + 0.5
    began = time.monotonic()
    with pytest.raises(httpcore.ReadTimeout):
        pool.request("POST", f"http://127.0.0.1:{listener.getsockname()[1]}/", extensions={"timeout": {"read": 5.0}})
    assert time.monotonic() - began < 5
    stop.set()
    thread.join()
    pool.close()


NAME = "hooks.example.org"


def _certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize("name", [NAME, "another.example.org"])
def test_tls_asks_for_the_name_and_checks_it_although_an_address_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listener: socket.socket, name: str
) -> None:
    certificate = _certificate(tmp_path, name)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    asked: list[str | None] = []
    server.sni_callback = lambda _socket, wanted, _context: asked.append(wanted)
    requests: list[bytes] = []

    def answer() -> None:
        peer, _ = listener.accept()
        with peer, contextlib.suppress(OSError), server.wrap_socket(peer, server_side=True) as stream:
            request = stream.recv(65536)
            while not request.endswith(b"{}"):  # closing with something unread would reset the answer away
                request += stream.recv(65536)
            requests.append(request)
            stream.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    _names(monkeypatch, ["127.0.0.1"])
    client = ssl.create_default_context(cafile=str(certificate))
    url = f"https://{NAME}:{listener.getsockname()[1]}/hook"
    with connections(Deadline(), allow_private=True, tls=client) as pool:
        if name == NAME:
            assert pool.request("POST", url, content=b"{}").status == 204
            assert f"Host: {NAME}".encode() in requests[0]
        else:
            with pytest.raises(httpcore.ConnectError, match="CERTIFICATE"):
                pool.request("POST", url, content=b"{}")
            assert requests == []
    thread.join()
    assert asked == [NAME]
