"""The receipt as a page, as JSON and as a signed file, and the page on which anyone checks one.

Whoever has a receipt's address may see it: it names things, tags, a place and a time, and no person.
"""

import re
from typing import Any, Final

import anyio.to_thread
import msgspec
from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from dropoff.access.pages import refuse_other_sites
from dropoff.counter import service as counter
from dropoff.counter import signed
from dropoff.counter.service import ReceiptView, Signed, Signer
from dropoff.db import NotWritten, Tx
from dropoff.kernel import codes
from dropoff.kernel.clock import now
from dropoff.kernel.errors import not_found
from dropoff.returns import qr
from dropoff.shopper import receipts, service, verify_words
from dropoff.shopper.pages import MessageView, unknown_pass
from dropoff.shopper.verify_words import Books, Told
from dropoff.shopper.verifying import WELL_KNOWN
from dropoff.web.answers import answer
from dropoff.web.languages import _
from dropoff.web.problems import problem_response
from dropoff.web.shell import page, render

JWT: Final = "application/jwt"
TOKEN: Final = re.compile(r"rcp_[a-z2-7]{32}")
NO_STORE: Final = {"cache-control": "no-store"}


class ReceiptDocument(ReceiptView, frozen=True, kw_only=True):
    """The receipt for programs."""

    signed: str | None
    """As a JWT; null only while the service cannot write."""
    undo_note: str | None
    keys: str
    """Where the keys are that check it."""


class VerifyView(msgspec.Struct, frozen=True, kw_only=True):
    told: Told | None = None
    error: str = ""


async def _signed(request: Request[Any, Any, Any], token: str) -> tuple[ReceiptView, Signed | None] | None:
    """The receipt, signed now if nobody asked for it before."""
    context = request.app.state.context
    found: tuple[ReceiptView, Signed | None] | None = await context.db.read(counter.signed_already, token)
    if found is None or found[1] is not None:
        return found
    signer = Signer(context.vault, context.settings.base_url)
    try:
        return found[0], await context.db.write(counter.sign_receipt, signer, token, now())
    except NotWritten:  # what happened can be told all the same
        return found


@get("/r/{token:str}", include_in_schema=False)
async def receipt(request: Request[Any, Any, Any], token: FromPath[str]) -> ASGIResponse:
    """A page for people, the same as JSON for programs."""
    found = await _signed(request, token)
    wants_html = "text/html" in request.headers.get("accept", "")
    if found is None and wants_html:
        return _no_receipt()
    if found is None:
        return problem_response(request, not_found("receipt"))
    view, proof = found
    if not wants_html:
        own = {name: getattr(view, name) for name in ReceiptView.__struct_fields__}
        keys = f"{request.app.state.context.settings.base_url}{WELL_KNOWN}"
        told = ReceiptDocument(
            **own, signed=proof.receipt if proof else None, undo_note=proof.undo if proof else None, keys=keys
        )
        return answer(told, headers=NO_STORE)
    return _receipt_page(view, proof, token)


def _no_receipt() -> ASGIResponse:
    said = _("The address may have lost a letter. The return's own page shows the hand-in too.")
    return page(render("shopper/message.html", MessageView(_("We do not know this receipt"), said)), 404)


def _receipt_page(view: ReceiptView, proof: Signed | None, token: str, back: str = "") -> ASGIResponse:
    seal = None
    if proof is not None:
        seal = receipts.Seal(
            compact=proof.receipt,
            file=f"/r/{token}/receipt.jwt",
            undo_file=f"/r/{token}/undo.jwt" if proof.undo else "",
            qr=f"/r/{token}/signed.svg" if qr.fits_large(proof.receipt) else "",
        )
    return page(render("shopper/receipt.html", receipts.receipt_page(view, back=back, seal=seal)))


@get("/p/{code:str}/receipts/{hand_in:str}", include_in_schema=False)
async def receipt_of_pass(request: Request[Any, Any, Any], code: FromPath[str], hand_in: FromPath[str]) -> ASGIResponse:
    """For the bearer of the pass, who need not keep the receipt's own address."""
    context = request.app.state.context
    found = await context.db.read(service.see_receipt, context.passes, code, hand_in)
    if found is None:
        return unknown_pass()
    token = context.passes.receipt_token(hand_in)
    whole = await _signed(request, token)
    return _receipt_page(found, whole[1] if whole else None, token, f"/p/{codes.normalise_code(code)}")


@get("/r/{token:str}/receipt.jwt", include_in_schema=False)
async def receipt_file(request: Request[Any, Any, Any], token: FromPath[str]) -> ASGIResponse:
    return await _file(request, token, undo=False)


@get("/r/{token:str}/undo.jwt", include_in_schema=False)
async def undo_file(request: Request[Any, Any, Any], token: FromPath[str]) -> ASGIResponse:
    return await _file(request, token, undo=True)


async def _file(request: Request[Any, Any, Any], token: str, *, undo: bool) -> ASGIResponse:
    found = await _signed(request, token)
    if found is None or found[1] is None:
        return _no_receipt()
    text = found[1].undo if undo else found[1].receipt
    if text is None:
        return _no_receipt()
    name = f"{'taken-back' if undo else 'receipt'}-{found[0].hand_in[-10:].lower()}.jwt"
    headers = NO_STORE | {"content-disposition": f'attachment; filename="{name}"'}
    return ASGIResponse(body=f"{text}\n".encode(), media_type=JWT, headers=headers)


@get("/r/{token:str}/qr.svg", include_in_schema=False)
async def address_qr(request: Request[Any, Any, Any], token: FromPath[str]) -> ASGIResponse:
    """Says what the address says, so no look-up is needed. No browser keeps it: it stands on a shop's screen."""
    if not TOKEN.fullmatch(token):
        return _no_receipt()
    picture = qr.pass_svg(f"{request.app.state.context.settings.base_url}/r/{token}")
    return ASGIResponse(body=picture.body, media_type=picture.media_type, headers=NO_STORE)


@get("/r/{token:str}/signed.svg", include_in_schema=False)
async def signed_qr(request: Request[Any, Any, Any], token: FromPath[str]) -> ASGIResponse:
    """The whole receipt, to be read without any network."""
    found = await _signed(request, token)
    if found is None or found[1] is None or not qr.fits_large(found[1].receipt):
        return _no_receipt()
    picture = await anyio.to_thread.run_sync(qr.large_svg, found[1].receipt)
    return ASGIResponse(body=picture.body, media_type=picture.media_type, headers=NO_STORE)


@get("/verify", include_in_schema=False)
async def verify_page() -> ASGIResponse:
    return page(render("shopper/verify.html", VerifyView()))


@post("/verify", include_in_schema=False)
async def verify(request: Request[Any, Any, Any]) -> ASGIResponse:
    refuse_other_sites(request)
    text = await _sent(request)
    if not text:
        error = _("Choose the receipt's file, or paste its text.")
        return page(render("shopper/verify.html", VerifyView(error=error)), 422)
    context = request.app.state.context
    issuer = context.settings.base_url
    keys = await context.db.read(counter.key_set, issuer)
    checked = signed.check(text, keys)
    content = checked.receipt or checked.note
    books = await context.db.read(_books, content.hand_in, text) if content is not None else None
    return page(render("shopper/verify.html", VerifyView(told=verify_words.told(checked, issuer, books))))


def _books(tx: Tx, hand_in: str, text: str) -> Books:
    undone_at, held = counter.in_the_books(tx, hand_in)
    return Books(undone_at, "".join(text.split()) in held)


async def _sent(request: Request[Any, Any, Any]) -> str:
    """What was pasted, else what the file says."""
    try:
        form = await request.form()
    except HTTPException as error:
        if error.status_code == 413:
            raise
        return ""  # no form that can be read
    pasted, file = form.get("receipt"), form.get("file")
    text = pasted.strip() if isinstance(pasted, str) else ""
    if not text and isinstance(file, UploadFile):
        text = (await file.read()).decode("utf-8", "replace").strip()
    return text[: signed.LONGEST + 1]


HANDLERS: Final[list[Any]] = [
    receipt,
    receipt_of_pass,
    receipt_file,
    undo_file,
    address_qr,
    signed_qr,
    verify_page,
    verify,
]
