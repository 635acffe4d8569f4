"""Photos of what lay on the counter, and a deadline that a refusal keeps safe."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.counter_world import NOW, World, days

from dropoff.counter import photos
from dropoff.counter import service as counter
from dropoff.counter.photos import PHOTOS_MAX, PhotoQuery, PhotoView
from dropoff.counter.pictures import Picture
from dropoff.counter.tables import counter_photo
from dropoff.db import Database
from dropoff.kernel.errors import Problem

PICTURE = Picture(b"\xff\xd8 a picture", 1600, 1200)


@pytest.fixture
def world(db: Database, tmp_path: Path) -> World:
    return World(db, tmp_path)


def test_a_photo_belongs_to_a_thing_of_a_hand_in_and_its_retailer_alone_sees_it(world: World) -> None:
    db, till = world.db, world.till()
    made = world.give_back(units=3)
    taken = world.hand_in(
        till,
        world.ask(
            made,
            parcels=(counter.ParcelIn(world.tag(), (made.units[0].id,)),),
            refused=(counter.RefusedIn(made.units[1].id, "wet_or_leaking"),),
        ),
    )

    def add(unit: str, at: object = NOW, **more: object) -> PhotoView | Problem:
        asking = more.pop("till", till)
        return db.write_sync(photos.add_photo, asking, PhotoQuery(taken.hand_in, unit, **more), PICTURE, at)

    damaged, refused = add(made.units[0].id, note="The box is torn."), add(made.units[1].id)
    assert isinstance(damaged, PhotoView)
    assert isinstance(refused, PhotoView)
    assert (damaged.refused, damaged.note, refused.refused) == (None, "The box is torn.", "wet_or_leaking")
    owner = world.return_row(made).retailer_id
    stranger = world.retailer()
    held = db.read_sync(photos.photos_of_return, owner, made.id)
    assert not isinstance(held, Problem)
    assert held.items == [damaged, refused]
    assert db.read_sync(photos.photo_body, owner, damaged.id) == PICTURE.body
    assert db.read_sync(photos.photo_body, stranger, damaged.id) is None
    assert isinstance(db.read_sync(photos.photos_of_return, stranger, made.id), Problem)
    told = world.events("unit.photographed")
    assert [(row["retailer_id"], row["data"]["photo"]) for row in told] == [(owner, damaged.id), (owner, refused.id)]
    assert "torn" not in str(told)

    for wrong in (
        add(made.units[2].id),
        add("unt_NOTHING"),
        add(made.units[0].id, till=world.till()),
        add(made.units[0].id, till=world.till(live=False)),
    ):
        assert isinstance(wrong, Problem)
        assert wrong.code == "not-found"
    late = add(made.units[0].id, NOW + timedelta(hours=73))
    assert isinstance(late, Problem)
    assert late.code == "photo-too-late"
    for _ in range(PHOTOS_MAX - 2):
        assert isinstance(add(made.units[0].id), PhotoView)
    full = add(made.units[0].id)
    assert isinstance(full, Problem)
    assert full.code == "photo-limit"


def test_photos_are_erased_by_age(world: World) -> None:
    till = world.till()
    made = world.give_back()
    taken = world.hand_in(till, world.ask(made))
    asked = PhotoQuery(taken.hand_in, made.units[0].id)
    kept = world.db.write_sync(photos.add_photo, till, asked, PICTURE, NOW)
    assert isinstance(kept, PhotoView)
    (row,) = world.rows(counter_photo)
    # Ids carry the real clock's time.
    from dropoff.kernel.clock import now

    assert world.db.write_sync(photos.forget_photos, now() + photos.KEPT_FOR - days(1)) == 0
    assert world.db.write_sync(photos.forget_photos, now() + photos.KEPT_FOR + days(1)) == 1
    assert world.rows(counter_photo) == []
    assert row["id"] == kept.id


def test_who_is_sent_back_at_the_counter_has_two_weeks_from_then(world: World) -> None:
    made, till = world.give_back(units=2), world.till()
    last = world.return_row(made).last_day_at
    day = last - timedelta(hours=2)
    refused = counter.RefusedIn(made.units[1].id, "prohibited")
    ask = world.ask(
        made,
        parcels=(counter.ParcelIn(world.tag(), (made.units[0].id,)),),
        refused=(refused,),
        scanned_at=day,
    )
    assert world.hand_in(till, ask, day).verdict == "accepted"
    row = world.return_row(made)
    assert row.last_day_at == last + days(14)
    assert row.expires_at == last + days(15)
    (told,) = world.events("return.renewed")
    assert told["actor"] == till.actor
    again = world.ask(made, parcels=(counter.ParcelIn(world.tag(), (made.units[1].id,)),), scanned_at=last + days(13))
    assert world.hand_in(till, again, last + days(13)).verdict == "accepted"


def test_what_the_shopper_left_at_home_and_early_refusals_move_no_day(world: World) -> None:
    made, till = world.give_back(units=2), world.till()
    last = world.return_row(made).last_day_at
    for reason, at in (("not_presented", last - timedelta(hours=2)), ("too_large", NOW)):
        refused = counter.RefusedIn(made.units[1].id, reason)  # type: ignore[arg-type]
        assert world.hand_in(till, world.ask(made, parcels=(), refused=(refused,), scanned_at=at), at).verdict
        assert world.return_row(made).last_day_at == last
