"""Words that operators find places by

Revision ID: 0014
Revises: 0013
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

AT_ONCE = 2_000
LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def upgrade() -> None:
    by_bytes = sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql")
    op.create_table(
        "location_word",
        sa.Column("word", by_bytes, nullable=False),
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.PrimaryKeyConstraint("word", "location_id", name=op.f("pk_location_word")),
        sqlite_with_rowid=False,
    )
    for table in ("location", "location_stage"):
        op.add_column(table, sa.Column("words", sa.String(length=1000), server_default="", nullable=False))
    op.drop_index("ix_location_place_key", "location")
    op.drop_index("ix_location_postcode_key", "location")
    _fill(op.get_bind())


def _fill(bind: sa.Connection) -> None:
    place = sa.table(
        "location",
        *map(sa.column, ("id", "name", "external_id", "place_key", "postcode_key", "words")),
    )
    word = sa.table("location_word", sa.column("word"), sa.column("location_id"))
    after = ""
    change = sa.update(place).where(place.c.id == sa.bindparam("key")).values(words=sa.bindparam("said"))
    while rows := bind.execute(sa.select(place).where(place.c.id > after).order_by(place.c.id).limit(AT_ONCE)).all():
        told = {row.id: _words(row) for row in rows}
        bind.execute(change, [{"key": key, "said": "".join(f" {one}" for one in words)} for key, words in told.items()])
        parts = [{"word": one, "location_id": key} for key, words in told.items() for one in words]
        if parts:
            bind.execute(sa.insert(word), parts)
        after = rows[-1].id


def _words(row: sa.Row[tuple[str, ...]]) -> list[str]:
    known = {_fold(row.external_id).replace(" ", "")[:40], row.postcode_key, *row.place_key.split()}
    told = [word[:40] for word in (*_fold(row.name).split(), *sorted(known)) if word]
    return list(dict.fromkeys(told[:24]))


def _fold(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold().translate(LETTERS))
    kept = "".join(c if c.isalnum() else " " for c in parts if not unicodedata.combining(c))
    return " ".join(kept.split())[:200]


def downgrade() -> None:
    op.create_index("ix_location_postcode_key", "location", ["postcode_key"])
    op.create_index("ix_location_place_key", "location", ["place_key"])
    for table in ("location_stage", "location"):
        op.drop_column(table, "words")
    op.drop_table("location_word")
