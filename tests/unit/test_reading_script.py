"""The till's script reads a scan as the service does: both against one list, which also holds what goes wrong."""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dropoff.kernel import codes, foreign, gs1, tags
from dropoff.receiving.till_reading import read_once

HERE = Path(__file__).parent
NODE = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
SSCC = gs1.nth_sscc("9521321", 7)
CODE = "7KX2M9QD4TNWZ3YB"
SHORT = "234678ABCDE" + codes.short_check("234678ABCDE")
SLIP = "234678ABCDF" + codes.short_check("234678ABCDE")
TABLE: list[tuple[str, dict[str, Any]]] = [
    (f"HTTPS://RETURNS.EXAMPLE.ORG/P/{CODE}", {"passes": [CODE, CODE.translate(str.maketrans("YZ", "ZY"))]}),
    (f"httpsÖ--returns.example.org-p-{CODE.lower()}", {"passes": [CODE, CODE.translate(str.maketrans("YZ", "ZY"))]}),
    (f"HTTPSÆ&&RETURNS.EXAMPLE.ORG&P&{CODE}", {"passes": [CODE, CODE.translate(str.maketrans("YZ", "ZY"))]}),
    ("7KX2-M9QD-4TNW-33OI", {"passes": ["7KX2M9QD4TNW3301"]}),
    (SHORT, {"short": SHORT}),
    (f" {codes.format_short_code(SHORT).lower()} ", {"short": SHORT}),
    (codes.format_short_code(SLIP), {"slip": True}),
    (SLIP, {"tag": SLIP}),
    (tags.make_tag(12), {"tag": tags.make_tag(12)}),
    (f" {tags.make_tag(12).lower()}\t", {"tag": tags.make_tag(12)}),
    ("TAG-4711", {}),
    ("ABC12", {}),
    (SSCC, {"sscc": SSCC}),
    (f"00{SSCC}", {"sscc": SSCC}),
    (f"(00){SSCC}", {"sscc": SSCC}),
    (f"]C100{SSCC}", {"sscc": SSCC}),
    (f"https://id.gs1.org/00/{SSCC}", {"sscc": SSCC}),
    (SSCC[:-1] + str((int(SSCC[-1]) + 1) % 10), {}),
    ("ßßßßßßßß", {}),
    ("", {}),
]
PAIRS = [
    (f"HTTPS://X.EXAMPLE/P/{CODE}", CODE.lower(), True),
    (f"HTTPS://X.EXAMPLE/P/{CODE}", CODE.translate(str.maketrans("YZ", "ZY")), True),
    (SHORT, codes.format_short_code(SHORT), True),
    (f"HTTPS://X.EXAMPLE/P/{CODE}", f"HTTPS://X.EXAMPLE/P/{CODE[::-1]}", False),
]


def by_script(texts: list[str], pairs: list[tuple[str, str]]) -> dict[str, Any]:
    assert NODE is not None
    asked = json.dumps({"texts": texts, "pairs": pairs})
    done = subprocess.run([NODE, HERE / "read_scans.mjs"], input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def by_service(text: str) -> dict[str, Any]:
    tag = tags.fold_tag(text)
    return {
        "passes": list(codes.code_candidates(text)),
        "short": codes.normalise_short_code(text),
        "sscc": gs1.parse_sscc(text),
        "tag": tag if tags.is_wellformed_tag(tag) else None,
        "once": read_once(text),
    }


@pytest.mark.parametrize(("text", "wanted"), TABLE)
def test_the_service_reads_the_list(text: str, wanted: dict[str, Any]) -> None:
    found = by_service(text)
    # What is a pass by its look alone (any 16 signs) is for the database to say.
    assert found["passes"] == wanted.get("passes", found["passes"])
    for name in ("short", "sscc", "tag"):
        assert found[name] == wanted.get(name), name


def shuffled(count: int) -> list[str]:
    """Seeded: what a bad label, a strange keyboard or a bored child may type."""
    chance = random.Random(11)
    alphabets = ["0123456789", "0123456789ABCDEFGHJKMNPQRSTVWXYZ", codes.SHORT_ALPHABET, "aZ09-/ :ÖÆß]C()"]
    texts = []
    for number in range(count):
        text = "".join(chance.choices(alphabets[number % 4], k=chance.choice([6, 8, 12, 14, 16, 17, 18, 20, 24, 36])))
        texts.append(text + text if number % 7 == 0 else text)
    return texts


@pytest.mark.skipif(NODE is None, reason="node is missing")
def test_the_script_reads_as_the_service_does() -> None:
    texts = [text for text, _ in TABLE] + [text + text for text, _ in TABLE] + shuffled(400)
    told = by_script(texts, [(one, other) for one, other, _ in PAIRS])
    for text, found in zip(texts, told["readings"], strict=True):
        wanted = by_service(text)
        if foreign.recognise(text) is not None:  # other networks' numbers are the service's to name
            wanted["tag"] = found["tag"]
        if found["once"] != text:  # read by halves before anything else
            wanted["sscc"] = found["sscc"]
        slip, whole = found.pop("slip"), found.pop("whole")
        assert whole or text not in dict(TABLE), "what the list holds is whole"
        assert found == wanted, text
        assert not (slip and found["short"])
    slips = [found for (text, wanted), found in zip(TABLE, told["readings"], strict=False) if wanted.get("slip")]
    assert len(slips) == 1
    url = TABLE[0][0]
    typed = by_script([url[:length] for length in range(8, len(url))], [])["readings"]
    assert not any(found["whole"] for found in typed), "an address ends with its code's last sign"
    assert told["same"] == [wanted for _, _, wanted in PAIRS]
