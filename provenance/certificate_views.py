"""The page of a certificate, checked at the moment it is read, and the picture that stands for it elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from catalog import addresses
from catalog.models import Track
from provenance import anchored, card, codes, opening, pictures, reading, standing, statement, wording
from provenance.log import store
from provenance.models import CERTIFICATE_ID, Certificate
from provenance.verification import State, Verdict, verify_certificate
from provenance.views import STATES


@require_safe
def certificate(request: HttpRequest, certificate_id: str) -> HttpResponse:
    """The certificate as a dark document; for an id that nobody here has, what that means."""
    found = _found(certificate_id)
    if found is None:
        return _unknown(request, certificate_id)
    verdict = verify_certificate(found.pk)
    checkpoint = store.latest_checkpoint()
    claimed = found.provenance
    base = addresses.site(request)
    newer = _newer(verdict)
    return render(
        request,
        "provenance/certificate.html",
        {
            "certificate": found,
            "verdict": verdict,
            "revoked": verdict.state is State.REVOKED,
            "newer": newer,
            "succession": verdict.check("succession"),
            "mark": STATES[verdict.state][1],
            "failed": [check for check in verdict.checks if check.ok is False],
            "signature": verdict.check("signature"),
            "log": verdict.check("log"),
            "renditions": list(found.renditions.all()),
            "entry": found.entry_id + 1,
            "checkpoint": checkpoint,
            "picture": pictures.lineage(
                verdict.chain, reading.seed(claimed), _afterwards(request, found, newer)
            ),
            "links": [link for link in verdict.chain if link["kind"] in ("certificate", "more")][1:],
            "claims": reading.claims(claimed, verdict.opened),
            "private": _private(request, found),
            "credits": reading.credits_of(claimed),
            "signed_on": wording.minute(found.created_at),
            "logged_on": wording.minute(checkpoint.created_at),
            "key_since": wording.day(found.key.valid_from),
            "heading": found.public_title or wording.unnamed(claimed),
            "base": base,
            "code": codes.qr(base + found.get_absolute_url()),
            "card": card_of(found, verdict),
            "standing": standing.of(found),
            "written": _written(found),
            "timestamp": verdict.check("timestamp"),
            "mine": opening.owns(getattr(request.user, "artist", None), found),
        },
    )


_QUESTION = "curl -s -H 'Content-Type: application/json' -d '%s' $NODE"


def _written(found: Certificate) -> list[dict[str, Any]]:
    """What of it stands on a chain, and the question anybody may put to any node there."""
    told = anchored.described(found) or {}
    return [
        {
            "kind": kind,
            **said,
            "ask": _QUESTION
            % json.dumps(
                {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [said["call"], "latest"]}
            ),
        }
        for kind, said in told.items()
    ]


@require_safe
def card_image(request: HttpRequest, certificate_id: str) -> HttpResponse:
    """The card as PNG. Drawn once for what it says: another title, state or fingerprint is another picture."""
    found = _found(certificate_id)
    if found is None:
        raise Http404("There is no certificate with this id.")
    wanted = card_of(found, verify_certificate(found.pk))
    tag = f'"{wanted.digest[:32]}"'
    unchanged = get_conditional_response(request, etag=tag)
    if unchanged is None:
        kept = caches["pictures"]
        drawn = kept.get(wanted.digest)
        if drawn is None:
            drawn = card.png(wanted)
            kept.set(wanted.digest, drawn)
        unchanged = HttpResponse(drawn, content_type="image/png", headers={"ETag": tag})
    unchanged.headers["Cache-Control"] = "public, max-age=300"
    return unchanged


def _found(certificate_id: str) -> Certificate | None:
    rows = Certificate.objects.select_related("entry", "key").prefetch_related("renditions", "private_parts")
    return rows.filter(pk=certificate_id).first() if CERTIFICATE_ID.fullmatch(certificate_id) else None


def _unknown(request: HttpRequest, certificate_id: str) -> HttpResponse:
    asked = {
        "asked": wording.clip(certificate_id),
        "possible": CERTIFICATE_ID.fullmatch(certificate_id) is not None,
    }
    return render(request, "provenance/unknown.html", asked, status=404)


def _newer(verdict: Verdict) -> str:
    """The id of the certificate that took this one's place, or ""."""
    check = verdict.check("succession")
    return "" if check is None else str(check.detail["certificate_id"])


def card_of(found: Certificate, verdict: Verdict) -> card.Card:
    """Only what anybody may read: a private title is not on it, for its owner neither.

    A name whose letters the typefaces at hand do not have is left out rather than drawn as boxes.
    """
    title, artist = found.public_title, found.artist_name
    shown = title if card.drawable(title) else ""
    whose = artist if card.drawable(artist) else ""
    other = wording.clip(wording.partner(found.provenance).get("artist", ""))
    both = f"{wording.clip(whose)} with {other}" if whose and other and card.drawable(other) else whose
    said = verdict.sentence
    if verdict.valid:
        claim = statement.read(found.statement)
        named = claim.title if shown else ""
        said = wording.origin(replace(claim, title=named, artist=whose or "the artist"), shown)
    state, mark = STATES[verdict.state]
    if verdict.valid:
        state = "Superseded by a newer certificate" if _newer(verdict) else "Signed and publicly logged"
        mark = "warn" if _newer(verdict) else mark
    sounds = found.renditions.all()
    return card.Card(
        heading=f"“{wording.clip(shown)}”" if shown else wording.unnamed(found.provenance),
        artist=wording.clip(both),
        sentence=said if card.drawable(said) else "",
        state=state,
        mark=mark,
        fingerprint=f"sha256 {sounds[0].audio_sha256}" if sounds else "",
        peaks=tuple(found.peaks),
    )


def _afterwards(request: HttpRequest, found: Certificate, newer: str) -> list[pictures.Box]:
    """What became of the recording: a newer certificate, and for its owner its place in the library."""
    out = []
    if newer:
        out.append(
            pictures.Box(
                "Newer certificate", "of the same sound", reverse("provenance:certificate", args=[newer])
            )
        )
    if opening.owns(getattr(request.user, "artist", None), found):
        sounds = [row.audio_sha256 for row in found.renditions.all() if row.kind == "pcm"]
        kept = Track.objects.filter(
            artist=found.owner_id, origin=Track.Origin.GENERATED, audio_sha256__in=sounds
        ).first()
        if kept is not None:
            out.append(pictures.Box("In your library", kept.title, kept.get_absolute_url()))
    return out


def _private(request: HttpRequest, found: Certificate) -> list[dict[str, Any]]:
    """What only the owner sees of the private parts; [] for everybody else."""
    if not opening.owns(getattr(request.user, "artist", None), found):
        return []
    return [
        {
            "name": part.name,
            "label": reading.part_label(part.name),
            "value": part.value,
            "opened_at": part.opened_at,
        }
        for part in found.private_parts.all()
    ]
