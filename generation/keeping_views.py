"""What is said of a take on its page, sent as a plain form."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from catalog.sessions import artist_in
from generation import keeping, retention
from generation.forms import KeepingForm
from generation.models import GeneratedTrack


@login_required
@require_POST
def pin(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    takes = GeneratedTrack.objects.select_related("generation__artist")
    take = get_object_or_404(takes, generation_id=pk, generation__artist=artist_in(request), number=number)
    retention.pin(take, on=request.POST.get("pin") == "1")
    return redirect(f"{take.generation.get_absolute_url()}#kept-{take.number}")


@login_required
@require_POST
def say(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    takes = GeneratedTrack.objects.select_related("generation")
    take = get_object_or_404(takes, generation_id=pk, generation__artist=artist_in(request), number=number)
    form = KeepingForm(request.POST)
    if any("\0" in value for _, values in request.POST.lists() for value in values):
        raise BadRequest("The form was not sent as this page writes it.")
    if form.is_valid():
        keeping.change(take, **form.cleaned_data)
        messages.success(request, "Saved.")
    else:
        sentences = (sentence for found in form.errors.values() for sentence in found)
        messages.error(request, f"Nothing was saved. {' '.join(map(str, sentences))}")
    return redirect(f"{take.generation.get_absolute_url()}#said-{take.number}")
