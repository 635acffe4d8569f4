"""The nearest places of one or two layers, in the geodesic's order, exactly.

Trees shortlist by the straight chord. Up to `NEAR_M` a chord tells the geodesic so well that the gap between two chords
settles who is nearer; where it does not, and farther away, the geodesic itself is computed. An answer stands when
nothing beyond the shortlist can belong into it; else the shortlist grows, in the end to all that pass.

What changes by the minute (hours on arrival, room, proof) is asked of the shortlist, never made into a filter.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import compress, groupby
from operator import itemgetter
from typing import Final, NamedTuple, TypeVar

import numpy as np

from dropoff.network import walking
from dropoff.network.evidence import UNPROVEN_M, score
from dropoff.network.nearby_columns import Column
from dropoff.network.nearby_evidence import Book
from dropoff.network.nearby_filters import Attributes, Mask
from dropoff.network.nearby_geometry import (
    CHORD_ERROR,
    EVERYWHERE_M,
    NEAR_M,
    SAME_M,
    Floats,
    Origin,
    geodesic,
    geodesics,
    longest_chord,
    longest_distance,
)
from dropoff.network.nearby_hours import OPEN
from dropoff.network.nearby_layer import Layer
from dropoff.network.walking import WALK_MAX_M

SHORTLIST_MAX: Final = 1_024
"""Beyond, comparing every place is cheaper than a tree that keeps so long a list in order."""
QUICK_MAX: Final = 20_000
"""Layers up to this size may be looked through while others wait for their answers."""
ONE_BY_ONE_MAX: Final = 16
LAYER_BITS: Final = 32
_ROW: Final = (1 << LAYER_BITS) - 1

V = TypeVar("V")
Refs = list[int]
"""Places as numbers: the layer's above `LAYER_BITS`, the row's below, so that a row of the base stands for itself."""


class Question(NamedTuple):
    here: Origin
    limit: int
    radius_m: float | None
    wanted: Attributes
    minute: int | None
    """Only what is surely open then."""
    patient: bool
    """Else `Slow` is raised rather than let others wait."""
    now: int = 0
    """The minute of asking, for what follows."""
    on_arrival: bool = False
    """Only what is surely open when somebody gets there on foot, and no farther than one walks."""
    has_room: bool = False
    """Not what is known to be full."""
    prefer_proven: bool = False
    """In the order of `evidence.score` instead of the distance."""
    only_proven: bool = False

    @property
    def asks_the_moment(self) -> bool:
        return self.on_arrival or self.has_room or self.only_proven


class Found(NamedTuple):
    metres: list[float]
    refs: Refs


class Slow(Exception):
    """The answer takes longer than others should have to wait for theirs."""


class Ranking:
    def __init__(self, layers: Sequence[Layer], alive: Mask | None, book: Book) -> None:
        """`alive`: which places of the first layer still stand."""
        self._layers = layers
        self._alive = alive
        self._book = book

    def nearest(self, question: Question) -> Found:
        if question.on_arrival:
            reach = WALK_MAX_M if question.radius_m is None else min(question.radius_m, WALK_MAX_M)
            question = question._replace(radius_m=reach)
        return self._proven_first(question) if question.prefer_proven else self._nearest(question)

    def _proven_first(self, question: Question) -> Found:
        """The first by score are among the nearest, and the proven ones at most `UNPROVEN_M` behind the last of these:
        whatever else is farther away scores worse than all of the nearest."""
        found = self._nearest(question)
        refs = set(found.refs)
        if len(refs) == question.limit:
            reach = found.metres[-1] + UNPROVEN_M + 1.0
            if question.radius_m is not None:
                reach = min(reach, question.radius_m)
            refs.update(self._nearest(question._replace(radius_m=reach, only_proven=True)).refs)
        if not refs:
            return found
        candidates = sorted(refs)
        metres = self._metres(question.here, candidates)
        proven = self._are_proven(candidates, question.now)
        scores = [score(far, proven=is_proven) for far, is_proven in zip(metres, proven, strict=True)]
        best = self._in_order(scores, candidates, question.limit).refs
        far_of = dict(zip(candidates, metres, strict=True))
        return Found([far_of[ref] for ref in best], best)

    def _nearest(self, question: Question) -> Found:
        count = question.limit + 3
        if question.minute is not None or self._alive is not None or question.asks_the_moment:
            # Some of the shortlist will not do; a second one costs more than a longer first one.
            count += question.limit if question.asks_the_moment else question.limit // 2 + 2
        strictly = False
        while count <= SHORTLIST_MAX:
            chords, refs, horizon = self._shortlist(question, count, strictly)
            found = self._settled(question, chords, refs, horizon)
            if found is not None:
                return found
            # Where opening hours keep letting too few pass, they belong into the filter.
            strictly = count > 4 * question.limit
            count *= 4
        return self._among_all(question)

    def _shortlist(self, question: Question, count: int, strictly: bool) -> tuple[list[float], Refs, float]:
        """Those nearest by the chord, shortest first, and up to which chord surely none is missing."""
        chords, refs, horizon = self._from_layer(0, question, count, strictly)
        for number in range(1, len(self._layers)):
            more_chords, more_refs, its_horizon = self._from_layer(number, question, count, strictly)
            horizon = min(horizon, its_horizon)
            if more_refs:
                both = sorted(zip(chords + more_chords, refs + more_refs, strict=True))
                chords, refs = [chord for chord, _ in both], [ref for _, ref in both]
        if chords and chords[-1] > horizon:
            # Another layer has seen less far, and may have one that is nearer than these.
            seen = bisect_right(chords, horizon)
            chords, refs = chords[:seen], refs[:seen]
        return chords, refs, horizon

    def _from_layer(
        self, number: int, question: Question, count: int, strictly: bool
    ) -> tuple[list[float], Refs, float]:
        layer, wanted, minute = self._layers[number], question.wanted, question.minute
        selection = layer.selection(wanted, minute)
        asks_hours = selection is None and minute is not None and not strictly
        if asks_hours:
            selection = layer.selection(wanted, None)
            if selection is not None and selection.are_few:
                selection, asks_hours = layer.select(wanted, minute), False
        if selection is None:
            _only_if(question.patient or len(layer) <= QUICK_MAX)
            selection = layer.select(wanted, None if asks_hours else minute)
        reach = None if question.radius_m is None else question.radius_m + 1.0
        chords, rows = selection.near(question.here.point, count, reach)
        horizon = chords[-1] if len(rows) == count < selection.size else EVERYWHERE_M
        if number == 0 and self._alive is not None and rows:
            standing = np.take(self._alive, rows).tolist()
            chords, rows = _only(chords, standing), _only(rows, standing)
        if asks_hours and minute is not None and rows:
            enough = len(rows) if question.asks_the_moment else question.limit + 3
            found = layer.states(minute).open_among(layer.patterns(rows), enough)
            if len(found) == enough < len(rows):
                horizon = min(horizon, chords[found[-1]])  # the rest was not looked at
            chords, rows = [chords[at] for at in found], [rows[at] for at in found]
        if question.asks_the_moment and rows:
            passes = self._passing_now(layer, question, rows)
            chords, rows = _only(chords, passes), _only(rows, passes)
        if number:
            rows = [row + (number << LAYER_BITS) for row in rows]
        return chords, rows, horizon

    def _passing_now(self, layer: Layer, question: Question, rows: list[int]) -> list[bool]:
        passing = np.ones(len(rows), np.bool_)
        slots = np.take(layer.slots.of_row, rows)
        if question.has_room:
            passing &= ~self._book.are_full(slots)
        if question.only_proven:
            passing &= self._book.are_proven(slots, question.now)
        if question.on_arrival:
            metres = geodesics(question.here.lat, question.here.lon, *layer.positions(np.array(rows))).tolist()
            for at, far in enumerate(metres):
                # Places farther than one walks are cut off by the radius.
                if passing[at] and far <= WALK_MAX_M:
                    states = layer.states(question.now + walking.minutes(far))
                    passing[at] = states.of(layer.patterns([rows[at]])) == [OPEN]
        passes: list[bool] = passing.tolist()
        return passes

    def _settled(self, question: Question, chords: list[float], refs: Refs, horizon: float) -> Found | None:
        """The answer; None when more of it may lie beyond the horizon."""
        limit, radius = question.limit, question.radius_m
        if not refs:
            return Found([], []) if horizon >= EVERYWHERE_M else None
        if chords[min(limit, len(chords) - 1)] > NEAR_M:
            if len(refs) > limit:
                # Those beyond are surely farther away than the first `limit`.
                refs = refs[: bisect_right(chords, longest_chord(longest_distance(chords[limit - 1])) + 0.001)]
            return self._measured(question, refs, horizon)
        bend = question.here.bend
        metres: list[float] = []
        last, tied = -1.0, False
        for chord, ref in zip(chords, refs, strict=True):
            cube = chord * chord * chord
            far, unsure = chord + bend * cube, CHORD_ERROR * cube + SAME_M
            if radius is not None and far > radius - unsure:
                if far <= radius + unsure:
                    return self._measured(question, refs, horizon)
                break
            if chord - last <= unsure:
                if self._position(refs[len(metres) - 1]) != self._position(ref):
                    return self._measured(question, refs, horizon)
                tied, far = True, metres[-1]
            elif len(metres) >= limit:
                break
            metres.append(far)
            last = chord
        else:
            if horizon < EVERYWHERE_M and (len(metres) < limit or horizon - last <= unsure):
                return None
        if tied:
            return self._in_order(metres, refs[: len(metres)], limit)
        return Found(metres, refs[: len(metres)])

    def _measured(self, question: Question, refs: Refs, horizon: float) -> Found | None:
        """The same, by the geodesic of each."""
        metres = self._metres(question.here, refs) if refs else []
        radius = question.radius_m
        if radius is not None:
            within = [far <= radius for far in metres]
            metres, refs = _only(metres, within), _only(refs, within)
        found = self._in_order(metres, refs, question.limit)
        if horizon < EVERYWHERE_M:
            furthest = found.metres[-1] if len(found.refs) == question.limit else radius
            if furthest is None or horizon <= longest_chord(furthest) + 0.001:
                return None
        return found

    def _among_all(self, question: Question) -> Found:
        """Looks at every place that passes: from the far side of the earth a chord says little about the geodesic."""
        _only_if(question.patient or len(self._layers[0]) <= QUICK_MAX)
        chords, refs = self._everyone(question)
        within = EVERYWHERE_M if question.radius_m is None else longest_chord(question.radius_m) + 0.001
        if len(refs) > question.limit:
            # The `limit` shortest chords bound the distance of the `limit`th hit.
            bar = np.partition(chords, question.limit - 1)[question.limit - 1]
            metres = self._metres(question.here, refs[chords <= bar].tolist())
            within = min(within, longest_chord(max(metres)) + 0.001)
        found = self._measured(question, refs[chords <= within].tolist(), EVERYWHERE_M)
        assert found is not None, "nothing lies beyond everywhere"
        return found

    def _everyone(self, question: Question) -> tuple[Floats, Column]:
        parts = []
        for number, layer in enumerate(self._layers):
            chords, rows = layer.chords(question.here.point, layer.select(question.wanted, question.minute))
            if number == 0 and self._alive is not None:
                standing = np.take(self._alive, rows)
                chords, rows = chords[standing], rows[standing]
            if question.asks_the_moment and len(rows):
                if question.radius_m is not None:
                    within = chords <= question.radius_m + 1.0
                    chords, rows = chords[within], rows[within]
                passing = np.array(self._passing_now(layer, question, rows.tolist()), np.bool_)
                chords, rows = chords[passing], rows[passing]
            parts.append((chords, rows.astype(np.int64) + (number << LAYER_BITS)))
        return np.concatenate([chords for chords, _ in parts]), np.concatenate([refs for _, refs in parts])

    def _are_proven(self, refs: Refs, now: int) -> list[bool]:
        slots = [self._layers[ref >> LAYER_BITS].slots.view[ref & _ROW] for ref in refs]
        proven: list[bool] = self._book.are_proven(np.array(slots, np.uint32), now).tolist()
        return proven

    def _metres(self, here: Origin, refs: Refs) -> list[float]:
        if len(refs) <= ONE_BY_ONE_MAX:
            return [geodesic(here.lat, here.lon, *self._position(ref)) for ref in refs]
        lats, lons = np.empty(len(refs)), np.empty(len(refs))
        places = np.array(refs, dtype=np.int64)
        for number, layer in enumerate(self._layers):
            its = np.flatnonzero(places >> LAYER_BITS == number)
            lats[its], lons[its] = layer.positions(places[its] & _ROW)
        metres: list[float] = geodesics(here.lat, here.lon, lats, lons).tolist()
        return metres

    def _in_order(self, metres: list[float], refs: Refs, limit: int) -> Found:
        """By distance; equally far ones by id, which is looked up for these alone."""
        hits = sorted(zip(metres, refs, strict=True))
        if len(set(metres)) < len(metres):
            hits = [(far, ref) for _, some in groupby(hits, itemgetter(0)) for far, ref in self._by_id(list(some))]
        return Found([far for far, _ in hits[:limit]], [ref for _, ref in hits[:limit]])

    def _by_id(self, hits: list[tuple[float, int]]) -> list[tuple[float, int]]:
        return hits if len(hits) == 1 else sorted(hits, key=lambda hit: self._id(hit[1]))

    def _position(self, ref: int) -> tuple[float, float]:
        return self._layers[ref >> LAYER_BITS].position(ref & _ROW)

    def _id(self, ref: int) -> str:
        return self._layers[ref >> LAYER_BITS].id(ref & _ROW)


def layer_and_row(ref: int) -> tuple[int, int]:
    return ref >> LAYER_BITS, ref & _ROW


def _only(values: list[V], keep: list[bool]) -> list[V]:
    return list(compress(values, keep))


def _only_if(allowed: bool) -> None:
    if not allowed:
        raise Slow
