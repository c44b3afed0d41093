"""Stamp, verify and certificates over HTTP. Verifying needs no account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.parsers import REFUSAL_STATUS, AnyAccept, refuse_oversize
from catalog.audio.errors import AudioError
from catalog.audio.sniff import sniff
from catalog.problems import Problem
from catalog.turns import Busy
from provenance import api_documents as documents
from provenance import bundle, declared, disclosure, opening, stamping, uploads
from provenance.log import store
from provenance.models import CERTIFICATE_ID, Certificate
from provenance.proof import Audio
from provenance.signing import SigningError
from provenance.verification import NotAudio, by_audio, verify_certificate, verify_file

TAG = "provenance"
MAX_KEY = 64


class Stamp(ArtistView):
    """The plan's stamp contract. The file stays as it is; its hash and your claims are signed and logged."""

    scopes = {"post": "make"}
    parser_classes = [MultiPartParser]

    @operation(
        "stamp",
        "Stamp a recording with what you declare about it",
        tag=TAG,
        description="A repeated Idempotency-Key answers 200 with the first certificate.",
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        request={"multipart/form-data": documents.StampRequest},
        answers={200: documents.StampAnswer, 201: documents.StampAnswer},
        errors=(400, 401, 409, 413, 415, 503, 507),
    )
    def post(self, request: Request) -> Response:
        upload = one_file(request)
        key = str(request.headers.get("Idempotency-Key", "")).strip() or None
        if key and len(key) > MAX_KEY:
            raise Problem(400, "invalid-request", f"Idempotency-Key may have at most {MAX_KEY} characters.")
        replayed = key is not None and self.artist.certificates.filter(idempotency_key=key).exists()
        try:
            metadata = declared.parse(str(request.POST.get("metadata", "")))
        except declared.MetadataError as error:
            raise serializers.ValidationError({"metadata": str(error)}) from None
        try:
            hidden = declared.hidden(str(request.POST.get("private", "")))
        except declared.MetadataError as error:
            raise serializers.ValidationError({"private": str(error)}) from None
        typed = str(request.POST.get("title", "")).replace("\0", "").strip()
        asked = {"title": typed or metadata.get("title")}
        with own_turn(), uploads.on_disk(upload) as path:
            certificate = self._stamp(path, metadata, declared.title(asked, upload.name or ""), key, hidden)
        return Response(documents.stamped(certificate), status=200 if replayed else 201)

    def _stamp(
        self, path: Path, metadata: dict[str, object], title: str, key: str | None, hidden: set[str]
    ) -> Certificate:
        from catalog.audio.decode import decode
        from catalog.audio.fingerprint import fingerprint
        from catalog.audio.peaks import peaks

        try:
            heard = decode(path, sample_rate=None)
            said, private = declared.apart(declared.provenance(metadata), title, hidden)
            return stamping.stamp(
                artist=self.artist,
                provenance=said,
                private=private,
                renditions=[stamping.Rendition(heard.format.name, path, mark=False)],
                title=title,
                idempotency_key=key,
                declared=True,
                peaks=peaks(heard.samples),
                duration=round(heard.duration, 3),
                fingerprint=fingerprint(heard.samples, heard.sample_rate),
            )
        except AudioError as error:
            raise unreadable(error) from None
        except stamping.StampConflict as error:
            raise Problem(409, "idempotency-conflict", str(error), title="This key was used before") from None
        except stamping.StampRefused as error:
            raise Problem(400, "stamp-refused", str(error), title="This cannot be stamped") from None


class VerifyFile(APIView):
    """Check any recording. The upload is looked at in a limited process and removed."""

    scopes = {"post": "read"}
    permission_classes = [AllowAny]
    parser_classes = [MultiPartParser]

    @operation(
        "verify_file",
        "Is this recording what it says it is?",
        tag=TAG,
        request={"multipart/form-data": documents.VerifyRequest},
        answers={200: documents.VerdictShape},
        errors=(400, 401, 413, 415, 503),
        auth=[],
    )
    def post(self, request: Request) -> Response:
        upload = one_file(request)
        shown = request.POST.get("disclosure") or request.FILES.get("disclosure")
        try:
            parts = disclosure.parse(shown if isinstance(shown, str) else shown.read()) if shown else None
        except disclosure.DisclosureError as error:
            raise serializers.ValidationError({"disclosure": str(error)}) from None
        with own_turn(), uploads.on_disk(upload) as path:
            try:
                found = verify_file(path, filename=upload.name or "", disclosure=parts)
            except NotAudio as error:
                raise Problem(
                    415, "not-audio", str(error), title="This is not a recording we can read"
                ) from None
        return Response(documents.verdict(found))


class VerifyCertificate(APIView):
    permission_classes = [AllowAny]

    @operation(
        "verify_certificate",
        "Check a certificate by its id",
        tag=TAG,
        answers={200: documents.VerdictShape},
        errors=(401, 404),
        auth=[],
    )
    def get(self, request: Request, certificate_id: str) -> Response:
        return Response(documents.verdict(verify_certificate(found(certificate_id).pk)))


class CertificateByAudio(APIView):
    permission_classes = [AllowAny]

    @operation(
        "certificate_by_audio",
        "The earliest certificate over a recording, by the hash of its sound",
        tag=TAG,
        description="So that a file without tags can be checked without sending it. docs/audio-hash.md has the hashes.",
        parameters=[documents.AudioQuery],
        answers={200: documents.CertificateShape},
        errors=(400, 401, 404),
        auth=[],
    )
    def get(self, request: Request) -> Response:
        query = documents.AudioQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        known = by_audio(Audio(query.validated_data["kind"], query.validated_data["sha256"]))
        if known is None:
            raise Problem(404, "not-found", "No certificate here was signed over this audio.")
        return Response(documents.described(found(known.pk)))


class CertificateItem(APIView):
    permission_classes = [AllowAny]

    @operation(
        "certificate",
        "A certificate with its provenance, envelope and log proof",
        tag=TAG,
        answers={200: documents.CertificateShape},
        errors=(401, 404),
        auth=[],
    )
    def get(self, request: Request, certificate_id: str) -> Response:
        return Response(documents.described(found(certificate_id)))


class CertificateDisclosure(APIView):
    """Private parts: what the owner opened to anyone; everything, for the owner."""

    permission_classes = [AllowAny]

    @operation(
        "certificate_disclosure",
        "The opened private parts of a certificate, with the salts that prove them",
        tag=TAG,
        description="With the owner's token: all private parts, to hand to whom the owner chooses.",
        answers={200: documents.DisclosureShape},
        errors=(401, 404),
        auth=[],
    )
    def get(self, request: Request, certificate_id: str) -> Response:
        certificate = found(certificate_id)
        mine = opening.owns(getattr(request.user, "artist", None), certificate)
        shown = opening.disclosure(certificate, everything=mine)
        if shown is None:
            raise Problem(404, "not-found", "No private part of this certificate is open to anyone.")
        return Response(shown.to_json())

    @operation(
        "open_certificate",
        "Open private parts to anyone, or close them again",
        tag=TAG,
        request=documents.OpenRequest,
        answers={200: documents.DisclosureShape},
        errors=(400, 401, 404, 413, 415),
    )
    def post(self, request: Request, certificate_id: str) -> Response:
        certificate = found(certificate_id)
        if not opening.owns(getattr(request.user, "artist", None), certificate):
            raise Problem(404, "not-found", "There is nothing of yours at this address.")
        asked = documents.OpenRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            opening.open_to_anyone(certificate, asked.validated_data["open"])
            opening.close_again(certificate, asked.validated_data["close"])
        except opening.NotPrivate as error:
            raise serializers.ValidationError({"open": str(error)}) from None
        return self.get(request, certificate_id) if certificate.private_parts.exists() else Response({})


class CertificateBundle(APIView):
    permission_classes = [AllowAny]
    content_negotiation_class = AnyAccept

    @operation(
        "certificate_bundle",
        "Everything needed to check a certificate offline, as a zip",
        tag=TAG,
        answers={(200, "application/zip"): OpenApiTypes.BINARY},
        errors=(401, 404),
        auth=[],
    )
    def get(self, request: Request, certificate_id: str) -> HttpResponse:
        certificate = found(certificate_id)
        return HttpResponse(
            bundle.packed(certificate),
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{certificate.pk}.zip"'},
        )


class CertificateFile(ArtistView):
    """For recordings stamped through POST /api/stamp, whose files stay with their owner."""

    scopes = {"post": "make"}
    parser_classes = [MultiPartParser]
    content_negotiation_class = AnyAccept

    @operation(
        "mark_file",
        "Hand in the recording of a certificate, and get it back with its credentials in it",
        tag=TAG,
        description="Tags, and in WAV, FLAC, MP3 and M4A a C2PA manifest. The sound is not touched. Owners only.",
        request={"multipart/form-data": documents.MarkRequest},
        answers={(200, "application/octet-stream"): OpenApiTypes.BINARY},
        errors=(400, 401, 404, 413, 415, 503, 507),
    )
    def post(self, request: Request, certificate_id: str) -> FileResponse:
        certificate = found(certificate_id)
        if not opening.owns(self.artist, certificate):
            raise Problem(404, "not-found", "There is nothing of yours at this address.")
        upload = one_file(request)
        with own_turn(), uploads.on_disk(upload) as path, uploads.copy_of(path) as copy:
            try:
                kind = sniff(path)
                stamping.hand_back(certificate, copy)
            except AudioError as error:
                raise unreadable(error) from None
            except stamping.StampRefused as error:
                raise Problem(400, "stamp-refused", str(error), title="This cannot be marked") from None
            except SigningError as error:
                raise Problem(503, "signing-failed", str(error), title="The key does not answer") from None
            held = copy.open("rb")  # stays readable when its name is gone
        answer = FileResponse(held, content_type=kind.mime)
        answer["Content-Disposition"] = f'attachment; filename="{certificate.pk}{kind.extension}"'
        return answer


class CertificateProof(APIView):
    permission_classes = [AllowAny]
    content_negotiation_class = AnyAccept

    @operation(
        "certificate_proof",
        "Proof that a certificate is in the log (C2SP tlog-proof)",
        tag=TAG,
        description="Text, checked offline against the envelope and the log's key in the trust file.",
        answers={(200, "text/plain"): OpenApiTypes.STR},
        errors=(401, 404),
        auth=[],
    )
    def get(self, request: Request, certificate_id: str) -> HttpResponse:
        proof = store.proof_text(found(certificate_id).entry, store.latest_checkpoint())
        return HttpResponse(proof, content_type="text/plain; charset=utf-8")


def found(certificate_id: str) -> Certificate:
    rows = Certificate.objects.select_related("entry", "key").prefetch_related("renditions", "private_parts")
    certificate = rows.filter(pk=certificate_id).first() if CERTIFICATE_ID.fullmatch(certificate_id) else None
    if certificate is None:
        raise Problem(404, "not-found", "There is no certificate with this id. Check it for typing errors.")
    return certificate


def one_file(request: Request) -> UploadedFile:
    refuse_oversize(request)
    files = request.FILES.getlist("file")
    if len(files) != 1:
        raise serializers.ValidationError({"file": "Send one file in the field file."})
    if uploads.too_large(files[0]):
        raise Problem(413, "too-large", "The file is larger than the limit for one recording.")
    return files[0]


@contextmanager
def own_turn() -> Iterator[None]:
    """A turn of `uploads.AT_WORK`. Where none comes in time: 503, with the time to wait in Retry-After."""
    try:
        with uploads.AT_WORK.turn():
            yield
    except Busy as error:
        busy = Problem(503, "busy", str(error), title="Busy", retry_after_seconds=error.wait)
        busy.wait = error.wait  # type: ignore[attr-defined]  # DRF writes it into Retry-After
        raise busy from None


def unreadable(error: AudioError) -> Problem:
    status = REFUSAL_STATUS.get(error.code, 400)
    return Problem(status, error.code.replace("_", "-"), error.reason, title="This file cannot be read")
