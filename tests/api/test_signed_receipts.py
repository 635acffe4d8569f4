"""The signed receipt over HTTP and on the command line: whoever gets one can check it, here or anywhere."""

import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.api.chain import Chain, hand_in, issue
from tests.service import Service
from tests.terminal import Terminal

from dropoff.counter.signed import KeySet, check

KEYS = "/.well-known/dropoff-keys.json"
SIGNATURE_LATER = re.compile(r"(?<=\.)[^.]+$")


@pytest.fixture(scope="module")
def chain(service: Service) -> Chain:
    return Chain(service)


@pytest.fixture(scope="module")
def receipt(service: Service, chain: Chain) -> dict[str, Any]:
    answer: dict[str, Any] = service.public.get(path(chain.verdict))
    return answer


def path(verdict: dict[str, Any]) -> str:
    url: str = verdict["receipt"]["url"]
    return url[url.index("/r/") :]


def keys(service: Service) -> KeySet:
    answer = service.public.call("GET", KEYS)
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == "*"
    return msgspec.json.decode(answer.content, type=KeySet)


def verify(service: Service, text: str = "", **more: Any) -> httpx.Response:
    files = more.pop("files", None) or {"receipt": (None, text)}
    return service.public.http.post("/verify", files=files, **more)


def changed(compact: str) -> str:
    """Another signature of the right form."""
    return SIGNATURE_LATER.sub(lambda found: ("A" if found[0][0] != "A" else "B") + found[0][1:], compact)


def test_the_json_carries_the_signed_form_and_names_the_keys(
    service: Service, chain: Chain, receipt: dict[str, Any]
) -> None:
    assert receipt["keys"] == f"{service.base_url}{KEYS}"
    assert receipt["undo_note"] is None
    found = check(receipt["signed"], keys(service))
    assert found.status == "good"
    assert found.receipt is not None
    assert found.receipt.iss == service.base_url
    assert found.receipt.hand_in == chain.verdict["hand_in"]
    assert [one.tag for one in found.receipt.parcels] == [chain.verdict["tag"]]
    assert found.receipt.retailer.id == chain.retailer_id
    assert service.public.get(path(chain.verdict))["signed"] == receipt["signed"]


def test_the_file_is_the_same_text_and_its_name_tells_of_nobody(
    service: Service, chain: Chain, receipt: dict[str, Any]
) -> None:
    file = service.public.call("GET", f"{path(chain.verdict)}/receipt.jwt")
    assert file.text == f"{receipt['signed']}\n"
    assert file.headers["content-type"] == "application/jwt"
    tail = chain.verdict["hand_in"][-10:].lower()
    assert file.headers["content-disposition"] == f'attachment; filename="receipt-{tail}.jwt"'
    assert service.public.call("GET", f"{path(chain.verdict)}/undo.jwt").status_code == 404
    assert service.public.call("GET", "/r/rcp_nobody/receipt.jwt").status_code == 404


def test_the_till_is_told_of_a_picture_of_the_address(service: Service, chain: Chain) -> None:
    picture = chain.verdict["receipt"]["qr"]
    assert picture == f"{chain.verdict['receipt']['url']}/qr.svg"
    answer = service.public.call("GET", f"{path(chain.verdict)}/qr.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["cache-control"] == "no-store"
    assert service.public.call("GET", "/r/nothing/qr.svg").status_code == 404
    assert service.public.call("GET", f"{path(chain.verdict)}/signed.svg").status_code == 200


def test_the_page_checks_what_is_pasted_or_sent_as_a_file(service: Service, receipt: dict[str, Any]) -> None:
    for answer in (
        verify(service, receipt["signed"]),
        verify(service, files={"receipt": (None, ""), "file": ("r.jwt", receipt["signed"] + "\n")}),
        service.public.http.post("/verify", data={"receipt": receipt["signed"]}),
    ):
        assert answer.status_code == 200
        assert "This receipt is genuine" in answer.text
        assert "By the network&#39;s books it stands" in answer.text
    assert "Do not trust this receipt" in verify(service, changed(receipt["signed"])).text
    assert "This is no receipt" in verify(service, "<script>alert(1)</script>").text


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        pytest.param(b"", "multipart/form-data; boundary=x", 422, id="empty"),
        pytest.param(b"--x\r\nbroken", "multipart/form-data; boundary=x", 422, id="broken"),
        pytest.param(b"\xff\xfe", "multipart/form-data", 422, id="no boundary"),
        pytest.param(b"receipt=", "application/x-www-form-urlencoded", 422, id="nothing typed"),
        pytest.param(b"{}", "application/json", 422, id="json"),
        pytest.param(b"receipt=%FF%00", "application/x-www-form-urlencoded", 200, id="no text"),
        pytest.param(b"receipt=" + b"x" * 1_100_000, "application/x-www-form-urlencoded", 413, id="far too long"),
    ],
)
def test_whatever_is_sent_is_answered(service: Service, content: bytes, kind: str, status: int) -> None:
    answer = service.public.http.post("/verify", content=content, headers={"content-type": kind})
    assert answer.status_code == status, answer.text[:300]


def test_another_site_cannot_send_the_form(service: Service) -> None:
    assert verify(service, "x", headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_an_undo_is_told_by_the_page_and_proven_by_a_note(service: Service, chain: Chain) -> None:
    verdict = hand_in(chain.till, issue(chain.shop, "SOCKS"))
    before = service.public.get(path(verdict))["signed"]
    chain.till.post(f"/v1/counter/hand-ins/{verdict['hand_in']}/undo", None, 200)
    told = verify(service, before).text
    assert "This receipt is genuine" in told
    assert "the receipt counts no more" in told
    after = service.public.get(path(verdict))
    assert after["signed"] == before
    assert check(after["undo_note"], keys(service)).status == "undone"
    page = service.public.call("GET", path(verdict), headers={"accept": "text/html"}).text
    assert "/undo.jwt" in page
    assert service.public.call("GET", f"{path(verdict)}/undo.jwt").text == after["undo_note"] + "\n"
    assert "taken back" in verify(service, after["undo_note"]).text


def test_the_command_needs_the_file_and_the_keys_and_nothing_else(
    service: Service,
    receipt: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where there is no network: no settings, an empty folder."""
    monkeypatch.chdir(tmp_path)
    here = Terminal(monkeypatch, capsys, {})
    (tmp_path / "receipt.jwt").write_text(receipt["signed"] + "\n")
    (tmp_path / "keys.json").write_bytes(service.public.call("GET", KEYS).content)
    code, said, _ = here.run("verify-receipt", "receipt.jwt", "--keys", "keys.json")
    assert code == 0
    assert said.startswith("This receipt is genuine.\n")
    assert here.run("verify-receipt", "receipt.jwt", "--keys", f"{service.base_url}{KEYS}")[:2] == (0, said)
    code, said, _ = here.run("verify-receipt", "-", "--keys", "keys.json", text=changed(receipt["signed"]))
    assert code == 6
    assert said.startswith("Do not trust this receipt.\n")
    foreign = msgspec.json.encode(KeySet("https://other.example", ()))
    (tmp_path / "other.json").write_bytes(foreign)
    assert here.run("verify-receipt", "receipt.jwt", "--keys", "other.json")[0] == 8
    for arguments, why in (
        (("receipt.jwt",), "--keys"),
        (("receipt.jwt", "--keys", "receipt.jwt"), "no keys of a network"),
        (("receipt.jwt", "--keys", "missing.json"), "cannot be read"),
        (("missing.jwt", "--keys", "keys.json"), "cannot be read"),
        (("receipt.jwt", "--keys", f"{service.base_url}/nothing"), "answered 404"),
    ):
        code, said, told = here.run("verify-receipt", *arguments)
        assert (code, said) == (2, "")
        assert why in told
    assert sorted(one.name for one in tmp_path.iterdir()) == ["keys.json", "other.json", "receipt.jwt"]
