"""What a driver took: the same list for the till, for the driver's phone and for the operator; a second driver, an
early one, and what is said of a bag that stays."""

import csv
import io
from datetime import timedelta

from tests import world
from tests.db.test_freight_handovers import Scene
from tests.freight_world import CUTOFF, booked, hand_over
from tests.world import NOW, SECRET, good

from dropoff.db import Database
from dropoff.db.vault import Vault
from dropoff.freight import takings
from dropoff.freight.handovers import Stays
from dropoff.freight.takings import SHOWN_FOR
from dropoff.kernel.errors import Problem

VAULT = Vault(SECRET)


def test_an_early_driver_and_a_second_one_and_what_stays(db: Database) -> None:
    scene = Scene(db)
    first, second, third = scene.bag(), scene.bag(), scene.bag()
    early = hand_over(db, scene.till, first.sscc, at=NOW, left=(Stays(second.sscc, "no_room"),))
    assert (early.verdict, early.reason) == ("refused", "not_booked"), "nothing is planned before its cut-off"
    assert {one.reason for one in early.left_behind} == {"not_booked"}
    booked(db)
    said = (Stays(second.sscc, "no_room"), Stays(third.sscc), Stays("nonsense", "other"))
    one = hand_over(db, scene.till, first.sscc, driver="Marek", driver_count=1, left=said)
    later = CUTOFF + timedelta(hours=2)
    two = hand_over(db, scene.till, second.sscc, third.sscc, driver="K-17", driver_count=2, at=later)
    assert (one.handed_over, two.handed_over) == ([first.sscc], [second.sscc, third.sscc])
    again = hand_over(db, scene.till, third.sscc, at=later)
    assert again.verdict == "already"

    here = (scene.till.location_id, True)
    today = db.read_sync(takings.takings_since, *here, CUTOFF)
    assert [(one.driver, one.count, one.driver_count) for one in today] == [("Marek", 1, 1), ("K-17", 2, 2)]
    whole = good(db.read_sync(takings.show, one.id, *here))
    assert [(bag.sscc, bag.parcels, bag.to, bag.carrier) for bag in whole.bags] == [
        (first.sscc, 1, scene.retailer.name, "courier")
    ]
    assert whole.weight_g == whole.bags[0].weight_g > 0
    assert {(left.sscc, left.reason, left.why) for left in whole.left_behind} == {
        (second.sscc, "not_presented", "no_room"),
        (third.sscc, "not_presented", None),
    }
    assert [one.id for one in db.read_sync(takings.list_takings, None, None, "", 1).items] == [two.id]
    lines = list(csv.reader(io.StringIO(takings.to_csv(whole).decode())))
    assert [line[2] for line in lines[1:]] == [first.sscc, second.sscc, third.sscc]

    # Not another till's, not one of the other mode.
    other = world.make_device(db, world.make_location(db))
    for asked in ((other.location_id, True), (scene.till.location_id, False)):
        assert isinstance(db.read_sync(takings.show, one.id, *asked), Problem)
    assert isinstance(db.read_sync(takings.show, early.id, *here), Problem), "a refused attempt is no manifest"


def test_the_drivers_address_names_no_person_ends_and_cannot_be_guessed(db: Database) -> None:
    scene = Scene(db)
    bag = scene.bag()
    booked(db)
    answer = hand_over(db, scene.till, bag.sscc, driver="Marek Nowak")
    code = takings.driver_code(VAULT, answer.id)
    assert code == code.upper()
    seen = good(db.read_sync(takings.by_driver_code, VAULT, code.lower(), CUTOFF))
    assert (seen.driver, [one.sscc for one in seen.bags]) == (None, [bag.sscc])
    end = CUTOFF + SHOWN_FOR
    for text, at in (
        (code, end + timedelta(seconds=1)),
        (code[:-1] + ("0" if code[-1] != "0" else "1"), CUTOFF),
        (code.partition("-")[0], CUTOFF),
        (takings.driver_code(Vault("another-secret-0123456789012345"), answer.id), CUTOFF),
        (takings.driver_code(VAULT, "hov_0000000000000000000000000"), CUTOFF),
        ("Ω", CUTOFF),
    ):
        assert isinstance(db.read_sync(takings.by_driver_code, VAULT, text, at), Problem), text
