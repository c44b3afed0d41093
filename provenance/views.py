"""The verify page, the trust file, and what an owner does with a certificate (certificate_views.py shows it)."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from rest_framework.throttling import AnonRateThrottle

from catalog.turns import Busy
from provenance import (
    anchored,
    events,
    keys,
    opening,
    outbox,
    stamping,
    timestamps,
    uploads,
)
from provenance import disclosure as disclosing
from provenance.models import CERTIFICATE_ID, Certificate
from provenance.standalone import build
from provenance.verification import NotAudio, State, Verdict, verify_certificate, verify_file

FORM_OVERHEAD = 64 * 2**10
STATES = {
    State.INTACT: ("Intact", "good"),
    State.ALTERED: ("Altered", "bad"),
    State.NO_CREDENTIALS: ("No credentials", "warn"),
    State.RECOGNISED: ("Recognised", "warn"),
    State.REVOKED: ("Revoked", "bad"),
    State.SOUND_ONLY: ("Sound intact", "warn"),
}
CHECKS = {
    "manifest": "Content Credentials",
    "form": "Statement readable",
    "signature": "Signature",
    "identity": "Certificate",
    "audio": "Audio",
    "recognition": "Recognised by",
    "log": "Public log",
    "revocation": "Revocation",
    "continuity": "Log unbroken",
    "file": "Whole file",
    "credentials": "Credentials",
    "precedence": "Earlier certificate",
    "timestamp": "Timestamp",
    "anchor": "Blockchain",
    "succession": "Newer certificate",
    "disclosure": "Disclosure",
}
ORDER = (
    "manifest",
    "revocation",
    "disclosure",
    "recognition",
    "audio",
    "signature",
    "log",
    "continuity",
    "timestamp",
    "anchor",
    "identity",
    "form",
    "file",
    "credentials",
    "succession",
    "precedence",
)
MARKS = {True: ("good", "Holds"), False: ("bad", "Fails"), None: ("warn", "Note")}


@require_POST
def open_part(request: HttpRequest, certificate_id: str) -> HttpResponse:
    """Open a private part to anyone, or close it again. For the owner; a 404 for everybody else."""
    found = _owned(request, certificate_id)
    change = opening.close_again if request.POST.get("close") else opening.open_to_anyone
    try:
        change(found, [request.POST.get("part", "")])
    except opening.NotPrivate as error:
        raise Http404(str(error)) from error
    return redirect(f"{found.get_absolute_url()}#private")


@require_POST
def declare(request: HttpRequest, certificate_id: str) -> HttpResponse:
    """Declare on o8, send again or compare: whatever is next. For the owner; a 404 for everybody else."""
    found = _owned(request, certificate_id)
    try:
        row, made = outbox.declare(found)
        if not made:
            outbox.send_again(row)
    except outbox.NothingToDo as error:
        messages.error(request, str(error))
    return redirect(f"{found.get_absolute_url()}#standing")


@require_safe
def disclosure(request: HttpRequest, certificate_id: str) -> HttpResponse:
    """All private parts with their salts as a file, for the owner to hand to whom they choose."""
    found = _owned(request, certificate_id)
    shown = opening.disclosure(found, everything=True)
    if shown is None:
        raise Http404("This certificate has no private parts.")
    return JsonResponse(
        shown.to_json(),
        json_dumps_params={"indent": 2, "ensure_ascii": False},
        headers={
            "Content-Disposition": f'attachment; filename="{found.pk}-disclosure.json"',
            "Cache-Control": "no-store",
        },
    )


def _owned(request: HttpRequest, certificate_id: str) -> Certificate:
    artist = getattr(request.user, "artist", None)
    found = Certificate.objects.filter(pk=certificate_id, owner=artist).first() if artist else None
    if found is None:
        raise Http404("There is nothing of yours at this address.")
    return found


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Check a file or an id. Exempt only until the size of the body is known: reading it checks the token."""
    if request.method == "POST" and _announced(request) > settings.STARFORGE_UPLOAD_BYTES + FORM_OVERHEAD:
        return _answer(request, {"problem": _TOO_LARGE.format(settings.STARFORGE_UPLOAD_BYTES // 2**20)}, 413)
    return _verify(request)


@csrf_protect
def _verify(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        asked = request.GET.get("id", "").strip()
        return _answer(request, {**_by_id(asked), "asked": asked} if asked else {})
    if not AnonRateThrottle().allow_request(request, None):  # type: ignore[arg-type]
        return _answer(
            request, {"problem": "Many files were checked from here. Wait a minute, then try again."}, 429
        )
    upload = request.FILES.get("file")
    if upload is None:
        return _answer(request, {"problem": "No file arrived. Choose a WAV, FLAC or MP3 file."}, 400)
    try:
        with uploads.AT_WORK.turn():
            found, status = _by_file(upload, request.FILES.get("disclosure"))
    except Busy as error:
        busy = _answer(request, {"problem": str(error)}, 503)
        busy.headers["Retry-After"] = str(error.wait)
        return busy
    return _answer(request, found, status)


def _by_file(upload: UploadedFile, shown: UploadedFile | None) -> tuple[dict[str, Any], int]:
    if uploads.too_large(upload):
        return {"problem": _TOO_LARGE.format(settings.STARFORGE_UPLOAD_BYTES // 2**20)}, 413
    try:
        parts = None if shown is None else disclosing.parse(shown.read(disclosing.MAX_BYTES + 1))
    except disclosing.DisclosureError as error:
        return {"problem": str(error)}, 400
    with uploads.on_disk(upload) as path:
        try:
            return _shown(verify_file(path, filename=upload.name or "", disclosure=parts)), 200
        except NotAudio as error:
            return {"problem": str(error)}, 415


def _by_id(asked: str) -> dict[str, Any]:
    """The verdict for an id, or for a pasted address that holds one."""
    match = CERTIFICATE_ID.search(asked)
    try:
        return _shown(verify_certificate(match[0] if match else ""))
    except Certificate.DoesNotExist:
        return {"problem": "There is no certificate with this id here. Check it for typing errors."}


def _shown(verdict: Verdict) -> dict[str, Any]:
    word, mark = STATES[verdict.state]
    checks = sorted(verdict.checks, key=lambda check: ORDER.index(check.name))
    return {
        "verdict": verdict,
        "word": word if verdict.filename else ("Valid" if verdict.valid else word),
        "mark": mark,
        "checks": [
            {
                "label": CHECKS[check.name],
                "mark": MARKS[check.ok][0],
                "word": MARKS[check.ok][1],
                "check": check,
            }
            for check in checks
        ],
    }


def _answer(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The whole page, or only the verdict when the page's own script asked."""
    part = request.headers.get("X-Requested-With") == "verify.js"
    response = render(
        request, "provenance/_verdict.html" if part else "provenance/verify.html", context, status=status
    )
    response.headers["Vary"] = "Cookie, X-Requested-With"
    response.headers["Cache-Control"] = "no-store"
    return response


def _announced(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


@require_safe
def trust(request: HttpRequest) -> HttpResponse:
    """Every public key, for anyone, from any page: what a verifier needs besides the file."""
    keys.ensure()
    document = {
        **keys.trust().to_json(),
        "origin": keys.origin(),
        "checkpoint": stamping.absolute("/api/log/checkpoint"),
        "events": events.published(),
        "blockchain": anchored.published(),
        "timestamp_authorities": timestamps.published(),
    }
    return JsonResponse(
        document,
        json_dumps_params={"indent": 2},
        headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"},
    )


@require_safe
def root_certificate(request: HttpRequest) -> HttpResponse:
    """Our root of Content Credentials, for other programs: c2patool --trust_anchors and the like."""
    keys.ensure()
    anchors = keys.trust().claim_roots
    if not anchors:
        raise Http404("This Starforge gives no Content Credentials.")
    return HttpResponse(
        anchors,
        content_type="application/x-pem-file",
        headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"},
    )


@require_safe
def wheel(request: HttpRequest) -> HttpResponse:
    """The stand-alone verifier, packed from the code that is running here."""
    return HttpResponse(
        _wheel(),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{build.FILENAME}"'},
    )


@cache
def _wheel() -> bytes:
    return build.wheel()


_TOO_LARGE = "The file is larger than {} MB, the limit for one recording."
