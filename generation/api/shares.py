"""Links to takes."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.fields import Text
from catalog.problems import Problem
from generation import sharing
from generation.api.takes import owned
from generation.models import Share
from provenance.stamping import absolute


class ShareJSON(serializers.ModelSerializer[Share]):
    take = serializers.CharField(source="take_id")
    url = serializers.SerializerMethodField(help_text="For whoever shall hear it")

    class Meta:
        model = Share
        fields = ["id", "take", "url", "created_at", "expires_at"]

    def get_url(self, row: Share) -> str:
        return absolute(row.get_absolute_url())


class NewShare(serializers.Serializer[Any]):
    take = Text(allow_blank=False, max_length=32)
    days = serializers.IntegerField(min_value=1, max_value=max(sharing.DAYS), default=7)


class ShareList(ArtistView, GenericAPIView[Share]):
    serializer_class = ShareJSON

    @operation(
        "shares_list",
        "Links to your takes that work",
        tag="generation",
        answers={200: ShareJSON(many=True)},
        errors=(401, 404),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(sharing.of(self.artist).open())
        return self.get_paginated_response(ShareJSON(page, many=True).data)

    @operation(
        "shares_create",
        "Share a take by a link that expires",
        tag="generation",
        request=NewShare,
        answers={201: ShareJSON},
        errors=(400, 401, 404, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        asked = NewShare(data=request.data)
        asked.is_valid(raise_exception=True)
        take = get_object_or_404(owned(self.artist), pk=asked.validated_data["take"])
        try:
            row = sharing.share(take, asked.validated_data["days"])
        except sharing.TooMany as error:
            raise Problem(409, "too-many-links", str(error)) from None
        return Response(ShareJSON(row).data, status=201, headers={"Location": f"/api/shares/{row.pk}/"})


class ShareItem(ArtistView):
    @operation("shares_revoke", "Revoke a link", tag="generation", answers={204: None}, errors=(401, 404))
    def delete(self, request: Request, pk: str) -> Response:
        sharing.revoke(get_object_or_404(sharing.of(self.artist), pk=pk))
        return Response(status=204)
