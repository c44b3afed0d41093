"""The button on a track's page that gives it an origin stamp."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from catalog.models import Track
from catalog.sessions import artist_in
from catalog.turns import Busy
from provenance import origins, uploads
from provenance.stamping import StampRefused


@login_required
@require_POST
def stamp(request: HttpRequest, pk: str) -> HttpResponse:
    """Stamp an upload and show its certificate; back to the track with the reason where that cannot be."""
    owned = Track.objects.of(artist_in(request)).select_related("artist", "analysis")
    track = get_object_or_404(owned, pk=pk)
    try:
        with uploads.AT_WORK.turn():
            certificate, _ = origins.stamp(track)
    except (StampRefused, Busy) as error:
        messages.error(request, str(error))
        return redirect(track)
    return redirect(certificate)
