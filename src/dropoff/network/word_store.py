"""SQL of the operator's search for places: the words that each is found by, and the question itself.

Every word of a place stands in `location_word` and, for a look at many words at once, all of them beside the place. A
question reads so many entries and no more, however many places there are.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from dropoff.db import Tx
from dropoff.network.folding import WORD_MAX, fold, fold_postcode, words_of
from dropoff.network.tables import location, location_word

SEEN_MAX: Final = 20_000
"""Places looked at for the rarest word of a question. Whoever asks for a word that more have sees only some of them."""
ASKED_MAX: Final = 6
_LAST: Final = "\U0010ffff"
_IDS_AT_ONCE: Final = 500


def words_at(tx: Tx, source: str, external_ids: Sequence[str]) -> dict[str, str]:
    """By place."""
    query = sa.select(location.c.id, location.c.words).where(location.c.source == source)
    return {row.id: row.words for row in tx.read(query.where(location.c.external_id.in_(external_ids)))}


def note(tx: Tx, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Places are found by other words now; whoever is not in `before` is new."""
    fresh = []
    for location_id, words in after.items():
        was, now = set(before.get(location_id, "").split()), set(words.split())
        if was - now:
            of_place = location_word.c.location_id == location_id
            tx.change(sa.delete(location_word).where(location_word.c.word.in_(sorted(was - now)), of_place))
        fresh += [{"word": word, "location_id": location_id} for word in sorted(now - was)]
    tx.claim(location_word, fresh)


def refresh(tx: Tx, location_id: str) -> None:
    """After fields of a single place were set."""
    was, words = reword(tx, location_id)
    note(tx, {location_id: was}, {location_id: words})


def reword(tx: Tx, location_id: str) -> tuple[str, str]:
    """The column follows the fields; what it held, and what it holds. `note` is the caller's."""
    parts = [location.c[name] for name in ("words", "name", "external_id", "place_key", "postcode_key")]
    row = tx.first(sa.select(*parts).where(location.c.id == location_id))
    if row is None:
        return "", ""
    words = words_of(row._asdict())
    if words != row.words:
        tx.change(sa.update(location).where(location.c.id == location_id).values(words=words))
    return row.words, words


def says(tx: Tx, text: str, after: str) -> sa.ColumnElement[bool]:
    """Places behind the id `after` that a text means: an id, or the beginnings of words of the name, the town, the
    postcode and the source's id, in any order."""
    if text.startswith("loc_"):
        return location.c.id == text
    words = [word[:WORD_MAX] for word in fold(text).split()][:ASKED_MAX]
    if not words:
        return sa.false()
    # A postcode or an id of the source is one word, however it is parted: `S70 2RE`, `DK-1234`.
    whole = fold_postcode(text)
    joined = _begins(whole, after)
    if len(words) == 1:
        return location.c.id.in_(joined)
    rarest = min(words, key=lambda word: _count(tx, word, after))
    place, some = location.alias(), _some(rarest, after)
    others = [place.c.words.contains(f" {word}", autoescape=True) for word in words if word != rarest]
    parted = sa.select(place.c.id).join(some, some.c.location_id == place.c.id).where(*others)
    return location.c.id.in_(sa.union(joined, parted))


def _count(tx: Tx, word: str, after: str) -> int:
    row = tx.first(sa.select(sa.func.count()).select_from(_some(word, after)))
    return int(row[0]) if row else 0


def _begins(word: str, after: str) -> sa.Select[Any]:
    return sa.select(_some(word, after).c.location_id)


def _some(word: str, after: str) -> sa.Subquery:
    between = sa.and_(location_word.c.word >= word, location_word.c.word < word + _LAST)
    query = sa.select(location_word.c.location_id).where(between, location_word.c.location_id > after)
    return query.order_by(location_word.c.word, location_word.c.location_id).limit(SEEN_MAX).subquery()
