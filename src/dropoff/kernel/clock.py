"""Time enters at the edges (HTTP, jobs, commands) through `now` and travels in commands as an aware UTC datetime."""

from datetime import UTC, datetime


def now() -> datetime:
    """UTC, cut to milliseconds, so that what is answered equals what is stored."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def rfc3339(moment: datetime) -> str:
    """For example `2026-11-22T09:30:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
