"""The catalog pages: the library, one track, the DNA. They ask the verbs and draw what they answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from catalog import accounts, browsing, bulk_views, intake, progress, track_page
from catalog.analysis.keys import ALL_KEYS
from catalog.audio.ranged import ranged
from catalog.audio.sniff import MIME_TYPES
from catalog.forms import RIGHTS, CorrectionForm
from catalog.models import Artist, DuplicatePair, Track
from catalog.sessions import artist_in

PER_PAGE = 25
STATES = {
    "ready": "Analyzed",
    "waiting": "Waiting",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "metadata": "No audio yet",
}
SORTS = {
    "": "Newest first",
    "added": "Oldest first",
    "title": "Title",
    "bpm": "BPM, slow first",
    "-bpm": "BPM, fast first",
    "key": "Key",
    "-energy": "Most energy",
    "energy": "Least energy",
    "-length": "Longest",
    "length": "Shortest",
    "-plays": "Most played",
    "-rating": "Most stars",
    "-collected": "Latest in your collection",
    "collected": "Earliest in your collection",
}
# What the last column shows: what the list is ordered by, where that has no column of its own.
COLUMNS = {"plays": "Plays", "rating": "Stars", "collected": "Collected"}
FILTERS = ("q", "state", "origin", "key", "bpm_min", "bpm_max")


def _own(request: HttpRequest, pk: str) -> Track:
    """The track, if it is the artist's; for everybody else it does not exist."""
    artist = artist_in(request)
    return get_object_or_404(Track.objects.of(artist).select_related("analysis", "artist"), pk=pk)


def _take_in(artist: Artist, request: HttpRequest) -> list[dict[str, Any]]:
    """The files of a plain form, one fate each."""
    fates: list[dict[str, Any]] = []
    files = request.FILES.getlist("files")
    row = request.POST.get("row", "") if len(files) == 1 else ""
    for file in files:
        fate: dict[str, Any] = {"name": file.name}
        try:
            fate |= {
                "track": intake.accept(artist, stream=file, filename=file.name or "", row=row).track,
                "word": "Taken in",
            }
        except intake.Duplicate as error:
            fate |= {"track": error.track, "word": "Already there", "reason": str(error)}
        except intake.Refused as error:
            fate |= {"word": "Refused", "reason": error.reason}
        fates.append(fate)
    return fates


@login_required
def library(request: HttpRequest) -> HttpResponse:
    """The list; by POST also the way in for a browser without JavaScript."""
    artist = artist_in(request)
    fates: list[dict[str, Any]] = []
    if request.method == "POST":
        if not artist.rights_declared_at and not artist.is_demo and not request.POST.get("rights"):
            messages.error(request, "Confirm first that the recordings are yours. Nothing was taken in.")
        else:
            if request.POST.get("rights"):
                accounts.declare_rights(artist, statement=RIGHTS)
            fates = _take_in(artist, request)
            if not fates:
                messages.error(request, "No file was chosen.")
        artist.refresh_from_db()
    counts = Track.objects.of(artist).aggregate(
        all=Count("pk"),
        own=Count("pk", filter=Q(status=Track.READY) & ~Q(origin=Track.Origin.GENERATED)),
        **{name: Count("pk", filter=Q(status__in=states)) for name, states in browsing.STATES.items()},
    )
    query = request.GET.dict()
    page = Paginator(browsing.browse(artist, query), PER_PAGE).get_page(query.get("page"))
    query.pop("page", None)
    return render(
        request,
        "catalog/library.html",
        {
            "artist": artist,
            "ask_rights": not artist.rights_declared_at and not artist.is_demo,
            "rights": RIGHTS,
            "counts": counts,
            "progress": progress.of(artist) if counts["waiting"] else None,
            "pairs": artist.duplicate_pairs.filter(verdict=DuplicatePair.Verdict.OPEN).count(),
            "needed": settings.STARFORGE_MIN_TRACKS,
            "missing": max(0, settings.STARFORGE_MIN_TRACKS - counts["own"]),
            "page": page,
            "tracks": browsing.rows(page.object_list),
            "query": query,
            "search": urlencode(query),
            "filtered": any(query.get(name) for name in FILTERS),
            "column": COLUMNS.get(query.get("sort", "").lstrip("-"), ""),
            "keys": sorted(ALL_KEYS, key=lambda key: (int(key.camelot[:-1]), key.camelot)),
            "states": [
                (name, words) for name, words in STATES.items() if counts[name] or name == query.get("state")
            ],
            "sorts": SORTS.items(),
            "origins": Track.Origin.choices,
            "verbs": bulk_views.VERBS.items(),
            "said": bulk_views.said(request),
            "limit_mb": settings.STARFORGE_UPLOAD_BYTES // 2**20,
            "limit_minutes": settings.STARFORGE_UPLOAD_SECONDS // 60,
            "fates": fates,
        },
    )


@login_required
def track(request: HttpRequest, pk: str) -> HttpResponse:
    one = _own(request, pk)
    form = CorrectionForm(request.POST or None, initial=_typed(one))
    form.show_measured(one)
    if request.method == "POST":
        changes = _asked_changes(request, form)
        try:
            if changes is not None:
                intake.correct(one, **changes)
                messages.success(request, "Saved.")
                return redirect(one)
        except ValidationError as error:
            form.take_errors(error)
    return render(
        request,
        "catalog/track.html",
        {
            "track": one,
            "form": form,
            "analysis": one.analysis,
            "ask_rights": not one.artist.rights_declared_at and not one.artist.is_demo,
            "rights": RIGHTS,
            **track_page.context(one),
        },
        status=422 if form.errors else 200,
    )


def _typed(one: Track) -> dict[str, str]:
    bpm = "" if one.bpm_override is None else f"{one.bpm_override:g}"
    return {"title": one.title, "bpm": bpm, "key": one.key_override, "genre": one.genre_override}


def _asked_changes(request: HttpRequest, form: CorrectionForm) -> dict[str, Any] | None:
    """What a press of a button asks for, or else the whole form."""
    if (factor := request.POST.get("bpm_factor")) in {"2", "0.5"}:
        return {"bpm_factor": float(factor)}
    if (lock := request.POST.get("lock")) in {"0", "1"}:
        return {"bpm_locked": lock == "1"}
    if (name := request.POST.get("reset")) in {"bpm", "key", "genre"}:
        return {name: ""}
    for name in ("bpm", "key"):
        if value := request.POST.get(f"use_{name}"):
            return {name: value}
    return form.cleaned_data if form.is_valid() else None


@login_required
@require_safe
def track_audio(request: HttpRequest, pk: str) -> HttpResponseBase:
    one = _own(request, pk)
    if not one.path or not one.file.is_file():
        raise Http404
    return ranged(
        request,
        one.file,
        content_type=MIME_TYPES.get(one.format, "application/octet-stream"),
        filename=one.filename or f"{one.title}{one.file.suffix}",
        attachment="download" in request.GET,
    )


@login_required
def delete(request: HttpRequest, pk: str) -> HttpResponse:
    one = _own(request, pk)
    if request.method == "POST":
        title, row = one.title, bool(request.POST.get("row"))
        stays = bool(one.imported_id and one.path) and not row
        intake.withdraw(one, row=row)
        messages.success(request, f"“{title}” is {'known by name again' if stays else 'deleted'}.")
        return redirect("catalog:library")
    return render(request, "catalog/delete.html", {"track": one})


@login_required
@require_POST
def retry(request: HttpRequest, pk: str) -> HttpResponse:
    one = _own(request, pk)
    if not intake.retry(one):
        messages.error(request, f"“{one.title}” did not fail, so there is nothing to try again.")
    return redirect("catalog:library" if request.POST.get("next") == "library" else one)
