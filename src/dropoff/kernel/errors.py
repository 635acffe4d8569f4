"""The one list of problem codes, and `Problem`: a refusal as a value.

Services return a `Problem` when the answer is no; exceptions are faults. Only `web/problems.py` knows HTTP; the status
stands here because codes and statuses are one public contract (RFC 9457).
"""

from typing import Any

import msgspec


class ProblemKind(msgspec.Struct, frozen=True):
    status: int
    title: str
    help: str
    """What the caller can do next, shown on `/problems/<code>`."""


class FieldError(msgspec.Struct, frozen=True):
    pointer: str
    """A JSON pointer (RFC 6901) into the body, or `?name` for a query parameter."""
    detail: str


class Problem(msgspec.Struct, frozen=True):
    code: str
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    data: dict[str, Any] = {}
    """Extension members of the problem document."""
    retry_after_s: int | None = None


def invalid(pointer: str, detail: str) -> Problem:
    return Problem("invalid-request", detail, (FieldError(pointer, detail),))


def not_found(what: str) -> Problem:
    return Problem("not-found", f"There is no such {what}.")


PROBLEMS: dict[str, ProblemKind] = {
    "invalid-request": ProblemKind(
        422,
        "The request does not have the right shape",
        "Read `errors`: each names a field and what it should hold. Mend these and send it again.",
    ),
    "unauthenticated": ProblemKind(
        401,
        "No valid credentials",
        "Send `Authorization: Bearer KEY` with a key that has not been revoked, or sign in at /login.",
    ),
    "forbidden": ProblemKind(
        403,
        "This key may not do that",
        "Use a key of the role that the route asks for: operator, retailer or device.",
    ),
    "clerk-unknown": ProblemKind(
        403, "No clerk of this place", "Choose the clerk again and type the PIN, or scan a badge of this place."
    ),
    "csrf-failed": ProblemKind(403, "The form is too old", "Open the page again and send the form from there."),
    "not-found": ProblemKind(
        404, "There is no such thing here", "Check the id. A thing of another tenant is not found either."
    ),
    "method-not-allowed": ProblemKind(
        405,
        "This address does not take that method",
        "See the OpenAPI document at /schema for the methods of each address.",
    ),
    "body-too-large": ProblemKind(
        413, "The body is too large", "Bodies hold at most 1 MB; photos at most 10 MB, location files at most 1 GiB."
    ),
    "till-too-old": ProblemKind(
        426, "This till is too old", "Load the till's page again, or update its program. What it noted is kept."
    ),
    "unsupported-media-type": ProblemKind(
        415,
        "The content type is not taken here",
        "Send `Content-Type: application/json`; location files as `application/geo+json` or `text/csv`.",
    ),
    "idempotency-key-missing": ProblemKind(
        400,
        "This call needs an Idempotency-Key",
        "Send an `Idempotency-Key` header with a fresh UUID, and the same one when you repeat the call.",
    ),
    "idempotency-key-invalid": ProblemKind(
        400, "The Idempotency-Key cannot be used", "Send 1 to 255 visible ASCII characters, quoted or bare."
    ),
    "idempotency-key-reused": ProblemKind(
        422,
        "The key was used for another request",
        "Make a fresh key for each new request; repeat a key only with the same body.",
    ),
    "idempotency-key-in-use": ProblemKind(
        409,
        "The first request with this key is still running",
        "Wait for the time in Retry-After and send the same request again.",
    ),
    "too-many-requests": ProblemKind(429, "Too many tries", "Wait for the time in Retry-After."),
    "overloaded": ProblemKind(
        503,
        "The service has too much to do",
        "Wait for the time in Retry-After and send the same request again; nothing was written.",
    ),
    "not-saved": ProblemKind(
        503,
        "Nothing can be saved now",
        "The database is full or may only be read; nothing was written. The operator has to act: try again later.",
    ),
    "internal-error": ProblemKind(
        500,
        "Something broke on our side",
        "Send the same request again with the same Idempotency-Key. If it stays, tell the operator the request id.",
    ),
    "order-not-found": ProblemKind(
        404,
        "There is no order with that reference",
        "Send the order first with POST /v1/orders, then the return.",
    ),
    "order-exists": ProblemKind(
        409,
        "An order with that reference exists with other content",
        "Use a new reference, or send the same content again.",
    ),
    "units-already-returned": ProblemKind(
        409,
        "Not enough units of the order are free to return",
        "`data` says which SKU and how many are free. Cancel the open return, or ask for fewer.",
    ),
    "return-window-closed": ProblemKind(
        409, "The return window is closed", "The retailer's policy ended the time for returns of this order."
    ),
    "return-not-open": ProblemKind(
        409,
        "The return cannot be changed any more",
        "Units were handed in, or the return is cancelled, expired or done. Read the return for its state.",
    ),
    "resolution-not-offered": ProblemKind(
        409,
        "The retailer does not offer this resolution",
        "Ask for one of the resolutions in the retailer's policy.",
    ),
    "currency-mismatch": ProblemKind(
        422,
        "The currency is not this order's or this retailer's",
        "Use the currency of the order, which must be one of the retailer's currencies.",
    ),
    "slug-taken": ProblemKind(409, "Another retailer has that slug", "Choose another slug."),
    "unit-not-received": ProblemKind(
        409, "The unit was not received yet", "Post the receipt first, then the inspection."
    ),
    "unit-already-inspected": ProblemKind(
        409, "The unit was inspected with another result", "Read the unit; an inspection is made once."
    ),
    "refund-exceeds-price": ProblemKind(
        409, "The refunds would exceed the price of the units", "`data` says how much can still be refunded."
    ),
    "refund-reference-reused": ProblemKind(
        409,
        "The reference was used for another refund",
        "Use a fresh reference for each refund; the same reference only with the same content.",
    ),
    "refund-not-due": ProblemKind(
        409,
        "The units cannot be settled this way",
        "Rejected, cancelled, expired or otherwise settled units take no refund. Read the return for the state of each unit.",
    ),
    "pairing-code-used": ProblemKind(
        410, "The pairing code was used or has ended", "Ask the operator for a new pairing link."
    ),
    "case-already-resolved": ProblemKind(
        409, "The case is resolved with another outcome", "Read the case; it is resolved once."
    ),
    "location-file-invalid": ProblemKind(
        422,
        "The location file cannot be read to its end",
        "Nothing was changed. Mend the file and send it whole.",
    ),
    "gazetteer-file-invalid": ProblemKind(
        422,
        "The gazetteer file cannot be read to its end",
        "Nothing was changed. Fetch the file from GeoNames again; it is a ZIP, its text, or a CSV, in UTF-8.",
    ),
    "gazetteer-shrinks": ProblemKind(
        409,
        "The gazetteer would lose much of a country",
        "Nothing was changed. Most likely half of the file is missing; if it is right, import it with `--accept-loss`.",
    ),
    "location-source-busy": ProblemKind(
        409,
        "Another import of this source is coming into force",
        "Wait for the time in Retry-After and send it again; nothing was changed.",
    ),
    "location-source-malformed": ProblemKind(
        502,
        "The source of places does not answer with what it should",
        "Nothing was changed. See `detail`; the next sync tries again.",
    ),
    "location-source-misconfigured": ProblemKind(
        502,
        "A setting of the source of places is wrong",
        "Nothing was changed. Mend the setting that `detail` points to and start the processes anew.",
    ),
    "location-source-unknown": ProblemKind(
        404,
        "No source of places has that name",
        "`dropoff plugins` and GET /v1/location-sources list what is set up.",
    ),
    "location-import-not-held": ProblemKind(
        409, "The import is not held", "Only an import that the brake holds can be released. Read it for its state."
    ),
    "location-unknown": ProblemKind(
        404, "There is no such location", "Check the location's id with GET /v1/locations."
    ),
    "location-exists": ProblemKind(
        409,
        "The source has a place with that id",
        "`data` names it: change that one, or give another `external_id`.",
    ),
    "location-not-open": ProblemKind(
        409,
        "The place has left the network",
        "A closed place can be reopened; one that its source took out comes back with its source.",
    ),
    "locker-refused": ProblemKind(
        409,
        "No compartment is given for this pass now",
        "`data` says why: the pass has ended, its things were handed in, the place is paused, or too many were asked for.",
    ),
    "locker-unreachable": ProblemKind(
        502,
        "The bank of lockers does not do it",
        "See `detail`. Nothing was changed here; check power, line, address and key of the bank and try again.",
    ),
    "locker-in-use": ProblemKind(
        409,
        "Something of ours is in this bank of lockers",
        "Empty it first: GET /v1/locations/{id}/lockers names the compartments.",
    ),
    "carrier-unknown": ProblemKind(
        422,
        "No installed carrier has that name or service",
        "`dropoff plugins` lists the installed carriers.",
    ),
    "shipment-not-cancellable": ProblemKind(
        409, "The shipment cannot be cancelled any more", "It was handed over, or is already cancelled."
    ),
    "photo-unreadable": ProblemKind(
        422, "The photo cannot be read", "Send a JPEG, PNG or WebP of at most 10 MB and 40 million points."
    ),
    "photo-limit": ProblemKind(409, "The hand-in has enough photos", "A hand-in holds 20 photos."),
    "photo-too-late": ProblemKind(
        409, "It is too late for a photo", "Photos are taken within three days of the hand-in."
    ),
    "sscc-used": ProblemKind(
        409,
        "The SSCC was used before",
        "An SSCC marks one filling for good. Take a fresh label, or leave `sscc` out and get a new number.",
    ),
    "tag-roll-overlaps": ProblemKind(
        409,
        "Another roll has some of these tags",
        "`roll` names it. Move or retire that one, or register only the tags that are on this roll.",
    ),
    "container-open": ProblemKind(409, "The container is still open", "Seal it first."),
    "window-passed": ProblemKind(409, "The time for this has passed", "Read the return for its state."),
    "job-not-dead": ProblemKind(409, "Only dead jobs can be replayed", "List them with GET /v1/jobs?state=dead."),
}
