"""Adapters: the list with its form, one while it learns, its card, and its end."""

from __future__ import annotations

import secrets

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from catalog import snapshots
from catalog.sessions import artist_in
from generation import adapters, allowance, consents, lifecycle
from generation.adapter_forms import TrainForm
from generation.engines.neural.places import fetch_command
from generation.models import Adapter, GeneratedTrack


@login_required
def index(request: HttpRequest) -> HttpResponse:
    """All adapters of the artist. By POST: a new training."""
    artist = artist_in(request)
    form = TrainForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made, _ = adapters.start(artist, **form.asked())
        except adapters.BadRecipe as error:
            for name, sentence in error.errors.items():
                form.add_error(name if name in form.fields else None, sentence)
        except lifecycle.Refused as error:
            form.add_error(None, str(error))
        else:
            return redirect(made)
    allowed = allowance.of(artist)
    return render(
        request,
        "generation/adapters.html",
        {
            "artist": artist,
            "form": form,
            "key": secrets.token_urlsafe(24),
            "rows": [(row, adapters.label_of(row.base)) for row in adapters.of(artist)],
            "here": bool(adapters.available_bases()),
            "fetch": fetch_command("musicgen-small"),
            "own": snapshots.own_count(artist),
            "allowed": allowed.adapters != 0,
            "aggregate": allowed.aggregate,
            "consent": consents.standing(artist),
            "statement": consents.STATEMENT,
        },
        status=422 if form.errors else 200,
    )


def _own(request: HttpRequest, pk: str) -> Adapter:
    return get_object_or_404(adapters.of(artist_in(request)), pk=pk)


@login_required
@require_safe
def adapter(request: HttpRequest, pk: str) -> HttpResponse:
    one = get_object_or_404(adapters.of(artist_in(request)).select_related("certificate"), pk=pk)
    made = GeneratedTrack.objects.filter(
        generation__artist=one.artist, generation_params__adapter=one.pk
    ).select_related("generation")
    return render(
        request,
        "generation/adapter.html",
        {
            "adapter": one,
            "base": adapters.label_of(one.base),
            "under_way": not one.is_over,
            "unusable": adapters.unusable(one) if one.status == Adapter.READY else "",
            "catalogs": one.sources.count(),
            "tracks": sum(len(source.track_ids) for source in one.sources.all()),
            "takes": made.order_by("-created_at")[:12],
        },
    )


@login_required
@require_POST
def cancel(request: HttpRequest, pk: str) -> HttpResponse:
    one = _own(request, pk)
    if not adapters.cancel(one):
        messages.error(request, f"“{one.name}” had ended already.")
    return redirect(one)


@login_required
@require_POST
def go_on(request: HttpRequest, pk: str) -> HttpResponse:
    one = _own(request, pk)
    try:
        if not adapters.go_on(one):
            messages.error(request, f"“{one.name}” did not stop, so there is nothing to continue.")
    except lifecycle.Refused as error:
        messages.error(request, str(error))
    return redirect(one)


@login_required
def delete(request: HttpRequest, pk: str) -> HttpResponse:
    """Asks first; by POST it is gone."""
    one = _own(request, pk)
    if request.method == "POST":
        adapters.delete(one)
        messages.success(request, f"“{one.name}” is deleted.")
        return redirect("generation:adapters")
    return render(request, "generation/adapter_delete.html", {"adapter": one})


@login_required
@require_POST
def consent(request: HttpRequest) -> HttpResponse:
    artist = artist_in(request)
    if request.POST.get("withdraw"):
        consents.withdraw(artist)
    else:
        consents.give(artist)
    return redirect("generation:adapters")
