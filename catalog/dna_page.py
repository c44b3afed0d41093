"""The page of the Audio DNA: the newest document, laid out for reading."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog import browsing, snapshots, svg
from catalog.models import Track
from catalog.sessions import artist_in


@login_required
@require_safe
def dna(request: HttpRequest) -> HttpResponse:
    artist = artist_in(request)
    latest = snapshots.latest(artist)
    document: dict[str, Any] = latest.snapshot.document if latest else {}
    counts = Track.objects.of(artist).aggregate(
        all=Count("pk"), waiting=Count("pk", filter=Q(status__in=browsing.STATES["waiting"]))
    )
    return render(
        request,
        "catalog/dna.html",
        {
            "artist": artist,
            "snapshot": latest.snapshot if latest else None,
            "redrawing": latest is not None and latest.redrawing,
            "dna": document or None,
            "counts": counts,
            "needed": settings.STARFORGE_MIN_TRACKS,
            **(_tables(document) if document else {}),
        },
    )


def _tables(document: dict[str, Any]) -> dict[str, Any]:
    """What the pictures show, as rows: each picture has its figures beside it in words."""
    palette, reference = document["sonic_palette"], document["sonic_palette_reference"]
    aspects = document["taste_coherence_detail"]["aspects"]
    keys = [one for one in document["key_profile"]["counts"] if one["count"]]
    drift = document["drift"]
    lineage = {node["id"]: node for node in document["influence_genealogy"]["nodes"]}
    families = document["measured_families"]
    return {
        "genres": [
            {**one, "beside": one["count"] / document["genres"][0]["count"]}
            for one in document["genres"][:10]
        ],
        "unplaced_share": families["unplaced"] / max(1, families["n"]),
        "listed": document["track_count"] - document["analysed_count"],
        "bands": [(name, hertz, palette[band], reference[band]) for band, name, hertz in svg.BANDS],
        "aspects": [(name.replace("_", " ").capitalize(), value) for name, value in aspects.items()],
        "ancestors": [lineage[style.id] for style in svg.chosen(document["influence_genealogy"])],
        "ancestry": len(lineage),
        "keys": sorted(keys, key=lambda one: (-one["count"], one["name"])),
        "periods": [
            {**one, "name": svg.window_name(one["start"], drift["period"])} for one in drift["windows"]
        ],
    }
