"""What every source of drop-off points must keep. Subclass the kit in the plug-in's tests; each promise is one test.

class TestAcme(HttpLocationSourceConformance):
    @pytest.fixture
    def server(self): ...   # a CarrierServer that answers as Acme does, best with two pages or more
    @pytest.fixture
    def source(self, server): ...   # the plug-in, pointed at it, with patience below 2 s
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dropoff.ports.locations import (
    KINDS,
    LeftOut,
    LocationSource,
    Malformed,
    Misconfigured,
    Page,
    Point,
    SourceError,
    Unavailable,
    read_pages,
)
from dropoff.testing.server import Answer, CarrierServer, Fault, Received

_EMPTY_SHAPES = (b"null", b"{}", b"[]", b'"ok"', b"0", b'{"error": "maintenance"}', b"")
BREAKS_TRIED = 12


def points_of(pages: list[Page]) -> list[Point]:
    return [row for page in pages for row in page.rows if isinstance(row, Point)]


class LocationSourceConformance:
    """For every source. Override the fixture `source`; what it gives must hold at least one place."""

    @pytest.fixture
    def source(self) -> Iterator[LocationSource]:
        raise NotImplementedError("the plug-in's tests give the source")

    def test_says_where_its_places_come_from(self, source: LocationSource) -> None:
        assert isinstance(source.host, str)
        assert source.host
        assert "/" not in source.host
        assert "@" not in source.host, "a host is public; credentials are not"

    def test_gives_places_with_what_is_needed(self, source: LocationSource) -> None:
        points = points_of(list(read_pages(source)))
        whole = [point for point in points if _is_whole(point)]
        assert whole, "no row has id, name, kind, country and a position"
        assert all(point.kind in KINDS for point in whole)

    def test_gives_each_place_its_own_id(self, source: LocationSource) -> None:
        ids = [str(point.id) for point in points_of(list(read_pages(source)))]
        assert len(set(ids)) == len(ids), "a source that meets a place twice gives it once"

    def test_gives_the_same_again(self, source: LocationSource) -> None:
        first, second = (points_of(list(read_pages(source))) for _ in range(2))
        assert first == second, "what did not change must look unchanged, or every sync rewrites the network"

    def test_says_why_it_left_something_out(self, source: LocationSource) -> None:
        for page in read_pages(source):
            for row in page.rows:
                if isinstance(row, LeftOut):
                    assert row.reason.replace("_", "").isalnum(), row
                    assert row.reason == row.reason.casefold(), row
                    assert row.detail, row

    def test_tells_facts_or_leaves_them_unsaid(self, source: LocationSource) -> None:
        """None is "nobody said"; the service shows a False as a no."""
        for point in points_of(list(read_pages(source))):
            assert point.step_free in (None, True, False), point
            assert point.has_printer in (None, True, False), point
            assert point.max_weight_g is None or int(point.max_weight_g) > 0, point
            assert point.carriers is None or point.carriers, "an empty list says nothing"
            assert point.refuses is None or point.refuses, "an empty list says nothing"
            assert point.photo_url is None or str(point.photo_url).startswith("https://"), point
            assert point.access_note is None or str(point.access_note).strip(), point

    def test_goes_on_after_any_page(self, source: LocationSource) -> None:
        pages = list(read_pages(source))
        # Each break reads the rest again: of many pages some, spread over all, the first and the last among them.
        step = max(1, len(pages) // BREAKS_TRIED)
        for number, page in enumerate(pages):
            if page.cursor is None or (number % step and number != len(pages) - 2):
                continue
            rest = points_of(list(read_pages(source, page.cursor)))
            wanted = {str(point.id) for point in points_of(pages[number + 1 :])}
            assert wanted <= {str(point.id) for point in rest}, f"places are lost after a break behind page {number}"

    def test_the_last_page_has_no_cursor(self, source: LocationSource) -> None:
        pages = list(read_pages(source))
        assert pages, "a source that has nothing gives one empty page, or raises"
        assert pages[-1].cursor is None


class HttpLocationSourceConformance(LocationSourceConformance):
    """For sources that speak HTTP. Override `server` and `source`."""

    @pytest.fixture
    def server(self) -> Iterator[CarrierServer]:
        raise NotImplementedError("the plug-in's tests give a server that answers as its source does")

    def failed(self, source: LocationSource, server: CarrierServer, fault: Fault, at: int = 0) -> SourceError:
        """Pull with one fault, at that request, and give the error. Anything but an error of the port fails."""
        server.faults.extend([Fault("slow", seconds=0)] * at)
        server.faults.append(fault)
        try:
            with pytest.raises(SourceError) as caught:
                list(read_pages(source))
        finally:
            server.release()
        assert str(caught.value)
        return caught.value

    def requests_of_a_pull(self, source: LocationSource, server: CarrierServer) -> int:
        before = len(server.received)
        list(read_pages(source))
        return len(server.received) - before

    @pytest.mark.parametrize("kind", ["silence", "reset", "cut"])
    def test_a_lost_answer_is_unavailable(self, source: LocationSource, server: CarrierServer, kind: Any) -> None:
        assert isinstance(self.failed(source, server, Fault(kind)), Unavailable)

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_server_error_is_unavailable(self, source: LocationSource, server: CarrierServer, status: int) -> None:
        fault = Fault("status", status, body=b"<html>Bad gateway</html>")
        assert isinstance(self.failed(source, server, fault), Unavailable)

    def test_too_many_requests_tell_how_long_to_wait(self, source: LocationSource, server: CarrierServer) -> None:
        error = self.failed(source, server, Fault("status", 429, {"Retry-After": "17"}))
        assert isinstance(error, Unavailable)
        assert error.retry_after_s == 17

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_a_refusal_is_a_matter_of_settings(
        self, source: LocationSource, server: CarrierServer, status: int
    ) -> None:
        assert isinstance(self.failed(source, server, Fault("status", status)), Misconfigured)

    def test_html_is_malformed(self, source: LocationSource, server: CarrierServer) -> None:
        assert isinstance(self.failed(source, server, Fault("malformed")), Malformed)

    @pytest.mark.parametrize("body", _EMPTY_SHAPES)
    def test_another_shape_is_no_empty_network(
        self, source: LocationSource, server: CarrierServer, body: bytes
    ) -> None:
        """To take it for "no places" would take the whole network out of the search."""
        assert isinstance(self.failed(source, server, Fault("status", 200, body=body)), Malformed)

    def test_a_fault_on_a_later_page_is_told(self, source: LocationSource, server: CarrierServer) -> None:
        self.requests_of_a_pull(source, server)
        requests = self.requests_of_a_pull(source, server)  # the first may have logged in
        for at in range(1, min(requests, 6)):
            assert isinstance(self.failed(source, server, Fault("status", 503), at), Unavailable)

    def test_half_a_document_is_malformed(self, source: LocationSource, server: CarrierServer) -> None:
        whole = server.answers
        server.answers = _changed(whole, lambda body: body[: len(body) // 2])
        with pytest.raises(Malformed):
            list(read_pages(source))

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp1252"])
    def test_another_encoding_loses_no_place(
        self, source: LocationSource, server: CarrierServer, encoding: str
    ) -> None:
        wanted = [str(point.id) for point in points_of(list(read_pages(source)))]
        server.answers = _changed(server.answers, lambda body: body.decode().encode(encoding, "replace"))
        try:
            found = [str(point.id) for point in points_of(list(read_pages(source)))]
        except Malformed:
            return  # a source may refuse it; it may not lose places by it
        assert found == wanted

    def test_endless_pages_end(self, source: LocationSource, server: CarrierServer) -> None:
        """Whatever is asked, it answers what it answered first; and once more with all that it has, for ever."""
        first: dict[tuple[str, str], Answer] = {}
        answers = server.answers

        def always_the_first(request: Received) -> Answer:
            return first.setdefault((request.method, request.path.partition("?")[0]), answers(request))

        server.answers = always_the_first
        try:
            pages = list(read_pages(source, rows_max=50_000))
        except SourceError:
            return
        assert pages[-1].cursor is None

    def test_a_slow_answer_is_an_answer(self, source: LocationSource, server: CarrierServer) -> None:
        server.faults.append(Fault("slow", seconds=0.1))
        assert points_of(list(read_pages(source)))


def _is_whole(point: Point) -> bool:
    placed = point.geometry is not None or (point.lat is not None and point.lon is not None)
    return placed and all((point.id, point.name, point.kind, point.country))


def _changed(answers: Callable[[Received], Answer], change: Callable[[bytes], bytes]) -> Callable[[Received], Answer]:
    def changed(request: Received) -> Answer:
        answer = answers(request)
        return Answer(answer.status, change(answer.body), answer.headers) if _is_places(request) else answer

    return changed


def _is_places(request: Received) -> bool:
    """Not the answer to a log-in, which is no part of what is tested."""
    return "oauth" not in request.path
