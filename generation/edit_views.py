"""What is done with a finished take on its page: edit it, or make it again where its files are gone."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from catalog.sessions import artist_in
from generation import lifecycle
from generation.forms import EditForm
from generation.models import GeneratedTrack, Generation
from generation.prompting import BadWishes

JSON = "application/json"


def _own(request: HttpRequest, pk: str, number: int) -> GeneratedTrack:
    takes = GeneratedTrack.objects.select_related("generation__artist")
    return get_object_or_404(takes, generation_id=pk, generation__artist=artist_in(request), number=number)


@login_required
@require_POST
def edit(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    take = _own(request, pk, number)
    form = EditForm(request.POST)
    if not form.is_valid():
        if any("\0" in value for values in request.POST.lists() for value in values[1]):
            raise BadRequest("The form was not sent as this page writes it.")
        return _refused(request, take, " ".join(_sentences(form)))
    asked = form.asked()
    try:
        made, _ = lifecycle.vary(
            take.generation,
            asked.pop("change", ""),
            take=take.pk,
            request_key=_key(take, form.cleaned_data),
            **asked,
        )
    except BadWishes as error:
        return _refused(request, take, " ".join(error.errors.values()))
    except lifecycle.Refused as error:
        return _refused(request, take, str(error))
    return _made(request, made)


def _sentences(form: EditForm) -> list[str]:
    return [
        f"{form[name].label}: {sentence}" if name in form.fields else str(sentence)
        for name, sentences in form.errors.items()
        for sentence in sentences
    ]


def _key(take: GeneratedTrack, data: dict[str, Any]) -> str | None:
    """Two presses of a button on one page are one wish: the same fields, and the same number of variations then."""
    if not data["press"]:
        return None
    said = "/".join(f"{name}={data[name]}" for name in sorted(data))
    return f"{take.pk}:{hashlib.sha256(said.encode()).hexdigest()[:32]}"


@login_required
@require_POST
def restore(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    take = _own(request, pk, number)
    try:
        lifecycle.restore(take)
    except lifecycle.Refused as error:
        return _refused(request, take, str(error))
    return redirect(take)


@login_required
@require_POST
def remake(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    take = _own(request, pk, number)
    try:
        made, _ = lifecycle.remake(
            take, request_key=request.POST.get("request_key", "").replace("\0", "") or None
        )
    except lifecycle.Refused as error:
        return _refused(request, take, str(error))
    return _made(request, made)


def _made(request: HttpRequest, made: Generation) -> HttpResponse:
    if request.headers.get("Accept") == JSON:
        return JsonResponse({"id": made.pk, "url": made.get_absolute_url()}, status=201)
    return redirect(made)


def _refused(request: HttpRequest, take: GeneratedTrack, sentence: str) -> HttpResponse:
    """To a script the sentence; else above the page, where it is read first."""
    if request.headers.get("Accept") == JSON:
        return JsonResponse({"detail": sentence}, status=422)
    messages.error(request, sentence)
    return redirect(take.generation)
