"""Origin stamps over HTTP."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.models import Track
from catalog.problems import Problem
from provenance import api_documents as documents
from provenance import origins, stamping
from provenance.api import TAG, own_turn


class TrackOrigin(ArtistView):
    scopes = {"post": "make"}

    @operation(
        "track_origin",
        "Stamp one of your uploads as an origin",
        tag=TAG,
        description="Its audio hash is signed and logged with your word that it is yours. The file stays as it is."
        " Takes made from it later name the certificate among their parents. Sent again: 200, the same certificate.",
        request=None,
        answers={200: documents.StampAnswer, 201: documents.StampAnswer},
        errors=(400, 401, 404, 503),
    )
    def post(self, request: Request, pk: str) -> Response:
        owned = Track.objects.of(self.artist).select_related("artist", "analysis")
        track = get_object_or_404(owned, pk=pk)
        try:
            with own_turn():
                certificate, made = origins.stamp(track)
        except stamping.StampRefused as error:
            raise Problem(400, "stamp-refused", str(error), title="This cannot be stamped") from None
        return Response(documents.stamped(certificate), status=201 if made else 200)
