"""Everything of the artist as one zip: asked for, followed, fetched."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.parsers import AnyAccept
from catalog.audio.ranged import ranged
from catalog.problems import Problem
from generation import archives
from generation.api.take_json import STATES
from generation.models import Export


class ExportJSON(serializers.ModelSerializer[Export]):
    status = serializers.ChoiceField(STATES)
    file = serializers.SerializerMethodField(help_text="Where the zip is; empty while it is not there")

    class Meta:
        model = Export
        fields = [
            "id",
            "status",
            "progress",
            "error",
            "estimate_bytes",
            "size_bytes",
            "left_out",
            "created_at",
            "expires_at",
            "file",
        ]

    def get_file(self, row: Export) -> str:
        return f"/api/export/{row.pk}/file/" if row.is_here else ""


class ExportList(ArtistView):
    @operation("export_list", "Your exports", tag="account", answers={200: ExportJSON(many=True)})
    def get(self, request: Request) -> Response:
        return Response(ExportJSON(Export.objects.filter(artist=self.artist), many=True).data)

    @operation(
        "export_start",
        "Pack everything of yours as one zip",
        tag="account",
        description="A job: follow its `progress`. Asking again while one is under way answers with that one; "
        "an earlier zip goes.",
        request=None,
        answers={202: ExportJSON},
        errors=(401, 507),
    )
    def post(self, request: Request) -> Response:
        try:
            row, _ = archives.start(self.artist)
        except archives.NoRoom as error:
            raise Problem(507, "no-space", str(error)) from None
        headers = {"Location": f"/api/export/{row.pk}/"}
        return Response(ExportJSON(row).data, status=202, headers=headers)


class ExportView(ArtistView):
    def found(self, pk: str) -> Export:
        return get_object_or_404(Export, pk=pk, artist=self.artist)


class ExportItem(ExportView):
    @operation("export_read", "One export", tag="account", answers={200: ExportJSON}, errors=(401, 404))
    def get(self, request: Request, pk: str) -> Response:
        return Response(ExportJSON(self.found(pk)).data)

    @operation(
        "export_delete", "Stop or delete an export", tag="account", answers={204: None}, errors=(401, 404)
    )
    def delete(self, request: Request, pk: str) -> Response:
        archives.delete(self.found(pk))
        return Response(status=204)


class ExportFile(ExportView):
    content_negotiation_class = AnyAccept

    @operation(
        "export_file",
        "The zip (Range works)",
        tag="account",
        parameters=[OpenApiParameter("Range", str, OpenApiParameter.HEADER)],
        answers={
            (200, "application/zip"): OpenApiTypes.BINARY,
            (206, "application/zip"): OpenApiTypes.BINARY,
        },
        errors=(401, 404, 416),
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        row = self.found(pk)
        if not row.is_here:
            raise Problem(404, "no-export", "This zip is not packed, or no longer here. Ask for a new one.")
        archives.fetched(row)
        return ranged(
            request._request,
            row.file,
            content_type="application/zip",
            filename=f"starforge-{row.created_at:%Y-%m-%d}.zip",
            attachment=True,
        )
