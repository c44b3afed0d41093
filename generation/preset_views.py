"""Presets on pages: saved from the studio's form, renamed and deleted where they are listed."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from catalog.sessions import artist_in
from generation import presets, starting
from generation.engines import engines
from generation.forms import StudioForm
from generation.models import Preset
from generation.prompting import BadWishes
from generation.studio_views import JSON, desk_page, dna_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """All of them. By POST: the studio's form, whose settings are kept."""
    artist = artist_in(request)
    if request.method != "POST":
        rows = [{"preset": one, "words": presets.words(one)} for one in presets.of(artist)]
        starts = starting.starting_points(dna_of(artist))
        return render(request, "generation/presets.html", {"rows": rows, "starts": starts})
    form, taken = StudioForm(request.POST), False
    if form.is_valid():
        data = form.cleaned_data
        try:
            made = presets.save(
                artist,
                data["preset_name"],
                form.wishes(),
                data["engine"] or next(iter(engines()), ""),
                replace=request.POST.get("save") == "replace",
            )
        except BadWishes as error:
            form.take_errors(error.errors)
        except presets.NotKept as error:
            taken = isinstance(error, presets.NameTaken)
            form.add_error("preset_name", str(error))
        else:
            return _saved(request, made)
    if request.headers.get("Accept") == JSON:
        return JsonResponse({"errors": form.errors, "taken": taken}, status=409 if taken else 422)
    return desk_page(request, artist, form, name_taken=taken)


def _saved(request: HttpRequest, made: Preset) -> HttpResponse:
    address = f"{reverse('generation:studio')}?{urlencode({'preset': made.pk})}"
    if request.headers.get("Accept") == JSON:
        return JsonResponse({"id": made.pk, "name": made.name, "url": address}, status=201)
    messages.success(request, f"Saved as “{made.name}”.")
    return redirect(address)


@login_required
@require_POST
def change(request: HttpRequest, pk: str) -> HttpResponse:
    """Rename one, or delete it: the button says which."""
    preset = get_object_or_404(presets.of(artist_in(request)), pk=pk)
    if request.POST.get("do") == "delete":
        preset.delete()
        messages.success(request, f"“{preset.name}” is deleted.")
    else:
        try:
            presets.rename(preset, request.POST.get("name", "").replace("\0", ""))
        except presets.NotKept as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"The preset is called “{preset.name}” now.")
    return redirect("generation:presets")
