"""GS1 keys: check digits, SSCC and GRAI, and how a scanner or a web link spells them.

Follows the GS1 General Specifications (keys in 3.3 and 7.9) and the GS1 Digital Link URI syntax. It knows
nothing of who owns a number: whether an SSCC is ours is the database's answer.
"""

import re

EXAMPLE_PREFIX = "9521321"
"""In GS1's range 952 for demonstrations: no such number identifies anything outside an example."""

PREFIX_LENGTHS = range(4, 13)

_FNC1 = "\x1d"
_SYMBOLOGY = re.compile(r"\A\][A-Za-z][0-9A-Za-z]")
_LINK_SSCC = re.compile(r"\Ahttps?://[^\s?#]*?/00/([0-9]{18})(?:[/?#].*)?\Z", re.IGNORECASE)
_LINK_GRAI = re.compile(r"\Ahttps?://[^\s?#]*?/8003/(0[0-9]{13}[^\s/?#]{0,16})(?:[/?#].*)?\Z", re.IGNORECASE)
_GRAI = re.compile(r"\A0[0-9]{13}[A-Za-z0-9]{0,16}\Z")
_PREFIX = re.compile(r"\A[0-9]{4,12}\Z")
_DIGITS = re.compile(r"\A[0-9]+\Z")


def check_digit(payload: str) -> str:
    """The mod-10 digit that GS1 puts behind `payload`: weights 3, 1, 3, … from the right."""
    if not _DIGITS.match(payload):
        raise ValueError("a check digit needs the digits 0-9")
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(payload)))
    return str(-total % 10)


def has_check_digit(number: str) -> bool:
    return len(number) > 1 and bool(_DIGITS.match(number)) and check_digit(number[:-1]) == number[-1]


def is_company_prefix(text: str) -> bool:
    return bool(_PREFIX.match(text))


def is_example_prefix(prefix: str) -> bool:
    """True for 952…, whose numbers must not travel with real goods."""
    return prefix.startswith("952")


def compose_sscc(prefix: str, serial: int, extension: int = 0) -> str:
    """The 18 digits: extension, company prefix (4-12 digits), serial filled up to 16 digits with it, check
    digit."""
    if not is_company_prefix(prefix):
        raise ValueError("a GS1 company prefix has 4 to 12 digits")
    if not 0 <= extension <= 9:
        raise ValueError("the extension digit of an SSCC is 0 to 9")
    places = 16 - len(prefix)
    if not 0 <= serial < 10**places:
        raise ValueError(f"the serial of this prefix has {places} digits")
    payload = f"{extension}{prefix}{serial:0{places}d}"
    return payload + check_digit(payload)


def nth_sscc(prefix: str, number: int) -> str:
    """The SSCC of a running number: when the serials of one extension digit are used up, the next digit
    begins."""
    if not is_company_prefix(prefix):
        raise ValueError("a GS1 company prefix has 4 to 12 digits")
    extension, serial = divmod(number, 10 ** (16 - len(prefix)))
    return compose_sscc(prefix, serial, extension)


def split_sscc(sscc: str, prefix_length: int) -> tuple[str, int]:
    """What `nth_sscc` was told, if the company's prefix has so many digits: nothing in the number says how many."""
    prefix, serial = sscc[1 : 1 + prefix_length], sscc[1 + prefix_length : 17]
    return prefix, int(sscc[0]) * 10 ** len(serial) + int(serial)


def is_sscc(text: str) -> bool:
    """18 digits with the right check digit, nothing around them."""
    return len(text) == 18 and has_check_digit(text)


def parse_sscc(text: str) -> str | None:
    """The SSCC in whatever a scanner sent: bare, `00…`, `(00)…`, with `]C1` or FNC1 in front, or a Digital
    Link.

    Further element strings behind the SSCC are ignored. A wrong check digit gives None: scanners accept it,
    we do not.
    """
    text = text.strip(" \t\r\n")
    link = _LINK_SSCC.match(text)
    if link:
        return link[1] if is_sscc(link[1]) else None
    marked = _SYMBOLOGY.match(text) is not None or text.startswith(_FNC1)
    element = _element(text)
    if element.startswith("00") and is_sscc(element[2:20]) and (len(element) == 20 or marked):
        return element[2:20]
    return element if is_sscc(element) else None


def parse_grai(text: str) -> str | None:
    """The GRAI (0, 12 digits, check digit, up to 16 characters of serial) in a scan, or None."""
    text = text.strip(" \t\r\n")
    link = _LINK_GRAI.match(text)
    element = link[1] if link else _element(text)
    if not link and element.startswith("8003"):
        element = element[4:].partition(_FNC1)[0]
    return element if is_grai(element) else None


def is_grai(text: str) -> bool:
    return bool(_GRAI.match(text)) and has_check_digit(text[1:14])


def gs1_digital_link(sscc: str) -> str:
    """The canonical web form of an SSCC, as EPCIS 2.0 wants it."""
    if not is_sscc(sscc):
        raise ValueError("not an SSCC")
    return f"https://id.gs1.org/00/{sscc}"


def human_readable_sscc(sscc: str) -> str:
    """The line under a barcode: application identifier in brackets, as GS1 prints it."""
    return f"(00) {sscc[0]} {sscc[1:9]} {sscc[9:17]} {sscc[17]}"


def _element(text: str) -> str:
    """The element string: without symbology identifier and leading FNC1, without the brackets and gaps of
    print."""
    text = _SYMBOLOGY.sub("", text, count=1).lstrip(_FNC1)
    return re.sub(r"[() ]", "", text)
