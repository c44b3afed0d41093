"""The pages of imports: how to export a collection, and what became of one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from catalog import importing, questions
from catalog.imports import ImportRefused
from catalog.imports.limits import MAX_BYTES, MAX_TRACKS
from catalog.models import Import
from catalog.reports import COUNTS, LISTED, LISTS
from catalog.sessions import artist_in

PAST = 20


@login_required
def start(request: HttpRequest) -> HttpResponse:
    """How to export, the form, and earlier imports."""
    artist = artist_in(request)
    error = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        if file is None:
            error = "No file was chosen."
        else:
            try:
                return redirect(
                    "catalog:import-report",
                    importing.submit(artist, stream=file, filename=file.name or "").pk,
                )
            except ImportRefused as refusal:
                error = refusal.reason
    return render(
        request,
        "catalog/import.html",
        {
            "error": error,
            "past": Import.objects.filter(artist=artist).listed()[:PAST],
            "limit_mb": MAX_BYTES // 2**20,
            "limit_tracks": MAX_TRACKS,
        },
        status=422 if error else 200,
    )


@login_required
def report(request: HttpRequest, pk: str) -> HttpResponse:
    """One import: how far it is, what became of it. By POST: decide, cancel, go on."""
    row = get_object_or_404(Import.objects.filter(artist=artist_in(request)).select_related("artist"), pk=pk)
    if request.method == "POST":
        _do(request, row)
        return redirect("catalog:import-report", pk)
    if row.is_over and row.report.get("lists", {}).get("ambiguous"):
        questions.settle_met(row)
    counts: dict[str, int] = dict.fromkeys(COUNTS, 0) | row.report.get("counts", {})
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS} | row.report.get("lists", {})
    unsettled = [one for one in lists["ambiguous"] if not one["settled"]]
    return render(
        request,
        "catalog/import_report.html",
        {
            "row": row,
            "counts": counts,
            "lists": lists,
            "questions": unsettled,
            "unasked": max(0, counts["ambiguous"] - len(unsettled)),
            "left": row.eta(),
            "listed": LISTED,
        },
    )


def _do(request: HttpRequest, row: Import) -> None:
    if entry := request.POST.get("entry"):
        track = request.POST.get("track", "")
        try:
            questions.resolve(row, entry=entry, track=None if track == "none" else track)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except questions.StillReading as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "Saved.")
    elif "cancel" in request.POST and not importing.cancel(row):
        messages.error(request, "This import is over already.")
    elif "again" in request.POST and not importing.retry(row):
        messages.error(request, "This import cannot go on. Send the file again.")
