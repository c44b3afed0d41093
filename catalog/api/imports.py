"""Collections over HTTP: send, follow, read the report, decide, cancel."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import importing, questions
from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.fields import Text, refused
from catalog.api.import_json import ImportDetail, ImportRow
from catalog.api.parsers import refuse_oversize
from catalog.imports import ImportRefused
from catalog.imports.limits import MAX_BYTES
from catalog.models import Import, ImportQuerySet
from catalog.problems import Problem

REFUSAL_STATUS = {
    "too_large": 413,
    "unsupported": 415,
    "database": 415,
    "other_kind": 415,
    "no_space": 507,
}
ABOUT = (
    "`created`, `updated` and `unchanged` say what became of the rows; `matched` (a recording of yours), `ambiguous` "
    "(yours to decide) and `metadata_only` (known by name only) say what they are."
)


class ImportUpload(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="Rekordbox XML, CSV or M3U, told by content; at most 64 MB")


class ImportDecision(serializers.Serializer[Any]):
    entry = Text(allow_blank=False, max_length=64, help_text="`entry` of an ambiguous row")
    track = Text(allow_blank=False, allow_null=True, max_length=64, help_text="null: none of the candidates")


class ImportView(ArtistView):
    """What every view of imports shares: the artist's own, and a file taken in."""

    def imports(self) -> ImportQuerySet:
        return Import.objects.filter(artist=self.artist)

    def found(self, pk: str) -> Import:
        return get_object_or_404(self.imports().select_related("artist"), pk=pk)

    def take_in(self, request: Request, *, only: str = "") -> Response:
        """`importing.submit`, its refusals said as problems."""
        refuse_oversize(request, limit=MAX_BYTES, what="a collection")
        if not (request.content_type or "").startswith("multipart/"):
            raise UnsupportedMediaType(
                request.content_type or "nothing", "Send multipart/form-data with the field file."
            )
        files = request.FILES.getlist("file")
        if len(files) != 1:
            raise serializers.ValidationError({"file": "Send one file in the field file."})
        try:
            row = importing.submit(self.artist, stream=files[0], filename=files[0].name or "", only=only)
        except ImportRefused as error:
            raise Problem(
                REFUSAL_STATUS.get(error.code, 400),
                error.code.replace("_", "-"),
                error.reason,
                title="This collection was not taken in",
            ) from None
        return Response(
            ImportDetail(row).data, status=202, headers={"Location": reverse("api-import", args=[row.pk])}
        )


class ImportList(ImportView, GenericAPIView[Import]):
    serializer_class = ImportRow
    parser_classes = [MultiPartParser]

    @operation(
        "imports_list",
        "Your imports, newest first",
        tag="catalog",
        answers={200: ImportRow(many=True)},
        errors=(401, 404),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.imports().listed())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @operation(
        "imports_create",
        "Import a collection: Rekordbox XML, CSV or M3U",
        tag="catalog",
        description=f"The file is stored and read by a worker; `Location` is where to follow it. {ABOUT}",
        request={"multipart/form-data": ImportUpload},
        answers={202: ImportDetail},
        errors=(400, 401, 413, 415, 507),
    )
    def post(self, request: Request) -> Response:
        return self.take_in(request)


class RekordboxImport(ImportView):
    parser_classes = [MultiPartParser]

    @operation(
        "imports_rekordbox",
        "Import a Rekordbox XML file, and nothing else",
        tag="catalog",
        description=f"In Rekordbox: File > Export Collection in xml format. {ABOUT}",
        request={"multipart/form-data": ImportUpload},
        answers={202: ImportDetail},
        errors=(400, 401, 413, 415, 507),
    )
    def post(self, request: Request) -> Response:
        return self.take_in(request, only=Import.Source.REKORDBOX.value)


class ImportItem(ImportView):
    @operation(
        "imports_read",
        "One import: how far it is, and its report",
        tag="catalog",
        answers={200: ImportDetail},
        errors=(401, 404),
    )
    def get(self, request: Request, pk: str) -> Response:
        # Asked every second while it is read, when nobody asks for its lists.
        return Response(ImportDetail(get_object_or_404(self.imports().listed(), pk=pk)).data)


class ImportResolve(ImportView):
    @operation(
        "imports_resolve",
        "Say which of several recordings a row is",
        tag="catalog",
        request=ImportDecision,
        answers={200: ImportDetail},
        errors=(400, 401, 404, 409, 413, 415),
    )
    def post(self, request: Request, pk: str) -> Response:
        row = self.found(pk)
        asked = ImportDecision(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            row = questions.resolve(row, **asked.validated_data)
        except DjangoValidationError as error:
            raise refused(error) from None
        except questions.StillReading as error:
            raise Problem(409, "still-reading", str(error)) from None
        return Response(ImportDetail(row).data)


class ImportCancel(ImportView):
    @operation(
        "imports_cancel",
        "Stop reading; what was read stays",
        tag="catalog",
        request=None,
        answers={202: ImportDetail},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, pk: str) -> Response:
        row = self.found(pk)
        if not importing.cancel(row):
            raise Problem(409, "already-over", f"This import is {row.status}: there is nothing to stop.")
        return Response(ImportDetail(self.found(pk)).data, status=202)


class ImportRetry(ImportView):
    @operation(
        "imports_retry",
        "Go on with an import that stopped",
        tag="catalog",
        request=None,
        answers={202: ImportDetail},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, pk: str) -> Response:
        row = self.found(pk)
        if not importing.retry(row):
            raise Problem(
                409,
                "not-failed",
                f"This import is {row.status} and cannot go on. Send the file again.",
                title="Nothing to try again",
            )
        return Response(ImportDetail(self.found(pk)).data, status=202)
