"""One attempt to deliver one event to one endpoint, exactly as Standard Webhooks has it.

Only 2xx is success. Redirects are not followed, 410 ends the endpoint, Retry-After is honoured up to a day. The id is
the event's own and stays the same over all attempts, so a receiver knows a repetition.
"""

import logging
import random
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
import httpx
import msgspec
from standardwebhooks import Webhook

from dropoff.db import Database, Tx
from dropoff.db.vault import Vault
from dropoff.events import webhook_store as store
from dropoff.events import webhooks
from dropoff.events.jobs import Job, Retry
from dropoff.events.targets import Deadline, Refused, check_url, connections
from dropoff.kernel.clock import now, rfc3339

EXCHANGE_S = 15.0
"""The whole of connecting, sending and being answered, but for looking up the name."""
STEP_S = 10.0
BODY_S = 1.0
BODY_MAX = 16_384
"""An answer's body is read only so that the connection can be used again; beyond this it is not worth it."""
RETRY_AFTER_MAX_S = 86_400.0

log = logging.getLogger("dropoff.webhooks")


class Outcome(msgspec.Struct, frozen=True):
    status: int | None = None
    error: str | None = None
    """None: delivered."""
    retry_after_s: float | None = None
    gone: bool = False


class Sender:
    """Holds the connections of a process. Its `deliver` handles jobs of the kind `webhooks.JOB`."""

    def __init__(self, db: Database, vault: Vault, *, allow_private: bool, user_agent: str = "dropoff") -> None:
        self._db = db
        self._vault = vault
        self._allow_private = allow_private
        self._user_agent = user_agent
        self._deadline = Deadline()
        self._pool = connections(self._deadline, allow_private=allow_private)

    def close(self) -> None:
        self._pool.close()

    def deliver(self, job: Job) -> None:
        delivery_id = job.payload["delivery"]
        row = self._db.read_sync(store.delivery, delivery_id)
        if row is None or row.state == "delivered":
            return
        if row.disabled_at is not None:
            self._db.write_sync(_note, delivery_id, "dropped", Outcome(error="the endpoint is disabled"), now())
            return
        outcome = self._post(row)
        at = now()
        if outcome.error is None:
            self._db.write_sync(_note, delivery_id, "delivered", outcome, at)
        elif outcome.gone:
            self._db.write_sync(_note_gone, row, outcome, at)
        else:
            state = "failed" if job.is_last_attempt else "pending"
            self._db.write_sync(_note, delivery_id, state, outcome, at)
            raise Retry(_pause_s(job.attempt, outcome.retry_after_s), outcome.error)

    def _post(self, row: Any) -> Outcome:
        wrong = check_url(row.url, allow_private=self._allow_private)
        if wrong is not None:
            return Outcome(error=wrong)
        body = msgspec.json.encode({"type": row.type, "timestamp": rfc3339(row.at), "data": row.data})
        url = httpx.URL(row.url)
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers = self._headers(row, body)
        # The port belongs into Host unless it is the scheme's own; `netloc` has it so.
        headers["host"] = url.netloc.decode("ascii")
        timeouts = {"connect": STEP_S, "read": STEP_S, "write": STEP_S, "pool": STEP_S}
        ends_at = self._deadline.at = time.monotonic() + EXCHANGE_S
        try:
            with self._pool.stream(
                "POST", target, headers=headers, content=body, extensions={"timeout": timeouts}
            ) as response:
                outcome = _judge(response)
                self._deadline.at = min(ends_at, time.monotonic() + BODY_S)
                _read_a_little(response)
        except Refused as error:
            return Outcome(error=str(error))
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Outcome(error=f"{type(error).__name__}: {error}"[:300])
        finally:
            self._deadline.at = None
        return outcome

    def _headers(self, row: Any, body: bytes) -> dict[bytes | str, bytes | str]:
        at = datetime.now(UTC)
        keys = webhooks.signing_secrets(self._vault, row.endpoint_id, row.sealed_secret, at)
        signatures = [Webhook(key).sign(row.event_id, at, body.decode()) for key in keys]
        return {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "user-agent": self._user_agent,
            "webhook-id": row.event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


def _judge(response: httpcore.Response) -> Outcome:
    status = response.status
    if 200 <= status < 300:
        return Outcome(status)
    if status == 410:
        return Outcome(status, "the receiver answered 410", gone=True)
    header = next((v.decode("latin-1") for k, v in response.headers if k.lower() == b"retry-after"), None)
    return Outcome(status, f"the receiver answered {status}", _retry_after_s(header))


def _retry_after_s(header: str | None) -> float | None:
    """Seconds or an HTTP date (RFC 9110); None when it cannot be read."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), RETRY_AFTER_MAX_S)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(0.0, (at - datetime.now(UTC)).total_seconds()), RETRY_AFTER_MAX_S)


def _read_a_little(response: httpcore.Response) -> None:
    """The status says it all: a body that is long, slow or broken changes nothing, it only costs the connection."""
    left = BODY_MAX
    try:
        for chunk in response.iter_stream():
            left -= len(chunk)
            if left < 0:
                return
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        log.debug("the answer's body broke off: %s", type(error).__name__)


def _pause_s(attempt: int, retry_after_s: float | None) -> float:
    """After attempt n (from 1) the schedule's nth pause, a little more so that many do not come at once, and never
    earlier than the receiver asked."""
    planned = webhooks.SCHEDULE_S[min(attempt, len(webhooks.SCHEDULE_S) - 1)]
    return max(planned * (1 + 0.1 * random.random()), retry_after_s or 0.0)  # noqa: S311 - guards nothing


def _note(tx: Tx, delivery_id: str, state: str, outcome: Outcome, at: datetime) -> None:
    error = outcome.error[:500] if outcome.error else None
    store.note_attempt(tx, delivery_id, state, outcome.status, error, at)


def _note_gone(tx: Tx, row: Any, outcome: Outcome, at: datetime) -> None:
    _note(tx, row.id, "failed", outcome, at)
    webhooks.disable_gone(tx, row, at)
