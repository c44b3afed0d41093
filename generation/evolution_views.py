"""The evolution: how takes drift from the catalog, what the artist marks in it, and the picture as a file."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from catalog.sessions import artist_in
from generation.evolution import drawing, reading
from generation.forms import EvolutionNoteForm
from generation.models import EvolutionNote

MOST_NOTES = 200


@login_required
@require_safe
def evolution(request: HttpRequest) -> HttpResponse:
    found = reading.evolution(artist_in(request))
    return render(
        request,
        "generation/evolution.html",
        {
            "found": found,
            "drift": found.drift,
            "moments": list(enumerate(found.moments, 1)),
            "on": request.GET.get("on", "")[:10] or timezone.localdate().isoformat(),
            "text": request.GET.get("text", "")[:140],
        },
    )


@login_required
@require_safe
def picture(request: HttpRequest, kind: str) -> HttpResponse:
    """The picture as a file, with its sentence."""
    found = reading.evolution(artist_in(request))
    if kind not in {"svg", "png"} or not found.takes:
        raise Http404
    title = "Takes and their catalog"
    if kind == "svg":
        answer = HttpResponse(drawing.as_svg(found.series, title), content_type="image/svg+xml")
    else:
        answer = HttpResponse(drawing.as_png(found.series, title), content_type="image/png")
    answer["Content-Disposition"] = f'attachment; filename="drift.{kind}"'
    return answer


@login_required
@require_POST
def note(request: HttpRequest) -> HttpResponse:
    artist, form = artist_in(request), EvolutionNoteForm(request.POST)
    if not form.is_valid():
        said = " ".join(str(sentence) for found in form.errors.values() for sentence in found)
        messages.error(request, f"Nothing was marked. {said}")
    elif artist.evolution_notes.count() >= MOST_NOTES:
        messages.error(request, f"{MOST_NOTES} marks are the most there can be. Remove one first.")
    else:
        EvolutionNote.objects.create(artist=artist, **form.cleaned_data)
        messages.success(request, "Saved.")
    return redirect(f"{reverse('generation:evolution')}#moments")


@login_required
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """What was written goes back into the form, so that a press of Mark Moment takes this back."""
    mark = get_object_or_404(EvolutionNote, pk=pk, artist=artist_in(request))
    mark.delete()
    messages.success(request, "Removed. It is in the form below once more, should you want it back.")
    words = urlencode({"on": mark.on.isoformat(), "text": mark.text})
    return redirect(f"{reverse('generation:evolution')}?{words}#moments")
