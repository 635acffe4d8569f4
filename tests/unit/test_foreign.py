"""Other networks' numbers are named, and nothing of ours ever is.

The published numbers are the networks' own examples, or those that the open collection jkeen/tracking_number_data tests
its formats with (named `collection` below).
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropoff.counter import elsewhere
from dropoff.counter.reading import is_likely_foreign, read
from dropoff.kernel import codes, foreign, gs1, tags
from dropoff.kernel.foreign import Foreign, identify

CERTAIN = [
    ("1Z999AA10123456784", "UPS"),  # UPS's own developer documents
    ("1z 999 aa1 01 2345 6784", "UPS"),
    ("1Z5R89390357567127", "UPS"),  # collection
    ("1Z8V92A70367203024", "UPS"),  # collection
    ("9400111201080805483016", "USPS"),  # collection: "9400 1112 0108 0805 4830 16"
    ("9205590006662200704797", "USPS"),  # the label API's own example
    ("420 22153 9101026837331000039521", "USPS"),  # collection: with the ZIP code in front
    ("4201002334249200190132607600833457", "USPS"),  # collection: with ZIP+4
    ("92748931507708513018050063", "USPS"),  # collection: 26 digits
    ("9611020987654312345672", "FedEx"),  # collection: Ground 96
    ("1001921334250001000300779017972697", "FedEx"),  # collection: Express, as its barcode says it
    ("9622001900000000000000776632517510", "FedEx"),  # collection: Ground GSN
    ("JVGL1234567800001339", "DHL"),  # DHL eCommerce's API example
    ("JJD 0003 9000 7882 4561 23", "DHL"),
    ("JVGL0999999990", "DHL"),  # collection
    ("RR123456785DK", "PostNord"),
    ("RR 123 456 785 SE", "PostNord"),
    ("RR123456785NO", "post"),  # Norway's designated operator is Posten
    ("RR123456785US", "USPS"),
    ("EE876543216CH", "post"),  # by UPU S10
    ("RB123456785GB", "post"),  # UPU S10
]
MAYBE = [
    ("986578788855", "FedEx"),  # collection: Express, 12 digits
    ("790535312317", "FedEx"),  # collection
    ("0414 4176 0228 964", "FedEx"),  # collection: Ground, 15 digits
    ("61299998820821171811", "FedEx"),  # collection: SmartPost, 20 digits
    ("0307 1790 0005 2348 3741", "USPS"),  # collection: 20 digits
    ("7196 9010 7560 0307 7385", "USPS"),  # collection: 20 digits that want 91 in front
    ("3318810025", "DHL"),  # collection: an Express waybill
    ("8487135506", "DHL"),  # collection
    ("GM295117494011169042", "DHL"),  # collection: eCommerce
    ("JJD1410302937991", "DHL"),  # paketda.de; of the shape of a pass, so not for certain
    ("954928772800409758129169", "InPost"),  # a public project's sample of an InPost parcel
]
WRONG = [
    "1Z999AA10123456785",
    "9400111201080805483017",
    "420221539101026837331000039522",
    "9611020987654312345673",
    "1001921334250001000300779017972698",
    "RR123456784DK",
    "JVGL12345",
    "JJDX00390007882456123",
    "996578788855",  # collection: invalid
    "568283610012732",  # collection: invalid
    "3318810010",  # collection: invalid
    "",
    "１Z999AA10123456784",
]


@pytest.mark.parametrize(("text", "network"), CERTAIN)
def test_what_is_certain_is_named(text: str, network: str) -> None:
    found = identify(text)
    assert found is not None
    assert (found.network, found.strength) == (network, "certain")
    assert foreign.recognise(text) == network
    assert elsewhere.say(found).startswith("This is a label of ")


@pytest.mark.parametrize(("text", "network"), MAYBE)
def test_what_digits_alone_say_is_said_with_maybe(text: str, network: str) -> None:
    found = identify(text)
    assert found is not None
    assert (found.network, found.strength) == (network, "likely")
    assert foreign.recognise(text) is None
    assert elsewhere.say(found).startswith("This may be a label of ")
    assert is_likely_foreign(text)


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_check_digit_names_nobody(text: str) -> None:
    found = identify(text)
    assert found is None or found.network not in ("UPS", "USPS", "FedEx", "PostNord", "DHL")


def test_numbers_that_fit_several_networks_name_them_all() -> None:
    # paketda.de's example of a DHL parcel number; the check digits of two others would be the same.
    assert identify("201298452277") == Foreign("FedEx", "likely", ("DHL", "GLS"))


def test_a_gls_number_is_read_by_its_check_digit() -> None:
    # As its interface computes it: weights 3 and 1 from the right, one more, modulo 10 (akretion/roulier, pull 158).
    assert identify("012345678904") == Foreign("GLS", "likely")
    assert identify("90273617527") == Foreign("GLS", "possible")  # an 11-digit one from a shop's public report
    # paketda.de: a Track ID. It has the shape of many a tag, and no check digit: named, never refused.
    assert identify("XHAX4HDA") == Foreign("GLS", "possible")
    assert not is_likely_foreign("XHAX4HDA")


def test_an_sscc_tells_its_company_by_its_prefix() -> None:
    assert foreign.holder("340433836442636597") == Foreign("DHL")  # paketda.de, without its 00
    assert foreign.holder("340434310428091700").network == "DHL"  # DHL's own API example
    assert foreign.holder(gs1.nth_sscc("7350012", 3)) == Foreign("PostNord", "likely", ("SSCC",))
    assert foreign.holder("376130321109103420") == Foreign("SSCC")


def test_every_network_has_a_name_and_says_where_its_parcels_go() -> None:
    assert set(elsewhere.NAMES) == set(elsewhere.WHERE) == set(foreign.Network.__args__)


@given(st.integers(0, 10**9 - 1))
def test_no_tag_of_ours_is_foreign(number: int) -> None:
    assert identify(tags.make_tag(number)) is None


@given(st.binary(min_size=10, max_size=10).map(codes.encode_code))
def test_no_pass_is_foreign(code: str) -> None:
    assert foreign.recognise(code) is None
    assert read(f"HTTPS://RETURNS.EXAMPLE/P/{code}").may_be_pass
    assert read(code).may_be_pass


digits_of_a_short_code = st.text("2346789", min_size=11, max_size=11)


@given(st.one_of(st.text(codes.SHORT_ALPHABET, min_size=11, max_size=11), digits_of_a_short_code))
def test_no_short_code_is_foreign(signs: str) -> None:
    assert identify(signs + codes.short_check(signs)) is None


@given(st.integers(0, 10**9 - 1), st.sampled_from(["9521321", "4012345", "7300000", "57000001"]))
def test_no_sscc_of_ours_is_foreign_by_its_look(number: int, prefix: str) -> None:
    sscc = gs1.nth_sscc(prefix, number)
    assert read(sscc).sscc == sscc
    assert foreign.recognise(sscc) is None


@given(st.text(st.sampled_from("0123456789AZT 1-"), max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    identify(text)
