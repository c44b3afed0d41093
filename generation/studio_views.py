"""The studio page: the form, what is under way, the latest takes."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from catalog import snapshots
from catalog.dna import for_composing
from catalog.models import Artist, Track
from catalog.sessions import artist_in
from generation import adapters, blends, filling, lifecycle, presets, starting
from generation import studio as desk
from generation.engines import engines
from generation.forms import GENRES, OPTIONS, ROLE_WORDS, StudioForm
from generation.models import Generation
from generation.prompting import REFERENCES, BadWishes, Wishes

JSON = "application/json"


@login_required
def studio(request: HttpRequest) -> HttpResponse:
    """The form, what is under way, the latest takes. By POST: a new generation."""
    artist = artist_in(request)
    form = (
        StudioForm(request.POST)
        if request.method == "POST"
        else StudioForm(initial=_initial(request, artist))
    )
    if request.method == "POST" and form.is_valid():
        made = _submit(artist, form)
        if made is not None:
            if request.headers.get("Accept") == JSON:
                return JsonResponse(
                    {
                        "id": made.pk,
                        "url": made.get_absolute_url(),
                        "request_key": _new_key(),
                        "seed": made.brief["seed"],
                    },
                    status=201,
                )
            return redirect(made)
    if form.errors and request.headers.get("Accept") == JSON:
        return JsonResponse({"errors": form.errors}, status=_status(form))
    return desk_page(request, artist, form)


def _new_key() -> str:
    return secrets.token_urlsafe(24)


def _initial(request: HttpRequest, artist: Artist) -> dict[str, Any]:
    """An empty form, or one reference (`?reference=`), or the settings of an earlier generation (`?again=`).

    `?again=…&take=2`: of that take alone, with its seed. `?preset=`: settings kept under a name; `?start=`: one of the
    starting points of the catalog.
    """
    initial: dict[str, Any] = {"takes": "1", "request_key": _new_key(), "engine": next(iter(engines()), "")}
    initial |= {
        name: request.GET[name] for name in ("prompt", "bpm", "key", "genre") if request.GET.get(name)
    }
    if reference := request.GET.get("reference"):
        initial["reference_1"] = reference
    if request.GET.get("engine") in engines():
        initial["engine"] = request.GET["engine"]
    if slug := request.GET.get("start"):
        initial |= filling.said_of(starting.named(slug, dna_of(artist)))
    if preset := request.GET.get("preset"):
        row = get_object_or_404(presets.of(artist), pk=preset.replace("\0", ""))
        kept = filling.fields_of(Wishes.from_json(row.wishes), row.engine)
        initial |= {**kept, "prompt": kept["prompt"] or initial.get("prompt", "")}
    if adapter := request.GET.get("adapter"):
        initial |= {"adapter": adapter, "engine": "musicgen"}
    if blend := request.GET.get("blend"):
        initial["blend"] = blend
    if again := request.GET.get("again"):
        before = get_object_or_404(Generation, pk=again, artist=artist)
        number = request.GET.get("take", "")
        take = (
            get_object_or_404(before.takes, number=number) if number.isdecimal() and len(number) < 3 else None
        )
        initial |= filling.again(before, take)
    return initial


def dna_of(artist: Artist) -> dict[str, Any]:
    """The newest DNA as composing reads it; empty before the first."""
    latest = snapshots.latest(artist)
    return for_composing(latest.snapshot.document) if latest else {}


def _submit(artist: Artist, form: StudioForm) -> Generation | None:
    data = form.cleaned_data
    try:
        made, _ = lifecycle.submit(
            artist,
            wishes=form.wishes(),
            engine=data["engine"] or next(iter(engines()), ""),
            request_key=data["request_key"] or None,
        )
    except BadWishes as error:
        form.take_errors(error.errors)
    except lifecycle.Refused as error:
        form.over_plan = isinstance(error, lifecycle.PlanForbids)
        form.add_error(None, str(error))
    else:
        return made
    return None


def desk_page(request: HttpRequest, artist: Artist, form: StudioForm, **more: Any) -> HttpResponse:
    """The whole page around this form. more: further names for its template."""
    valid = form.is_bound and not form.errors
    wishes = form.wishes() if valid else Wishes(prompt=str(form["prompt"].value() or "")[:1000])
    if not form.is_bound:
        said = {name: form.initial[name] for name in OPTIONS if form.initial.get(name) not in (None, "")}
        model, text = form.initial.get("model") or None, form.initial.get("text") or None
        wishes = replace(wishes, model=model, text=text, options=said)
    brief, snapshot, words = desk.drafted(artist, wishes)
    dna = for_composing(snapshot.document) if snapshot else {}
    own = desk.own_count(artist)
    chosen = [str(form[f"reference_{place}"].value() or "") for place in range(1, REFERENCES + 1)]
    sliders = [
        {"control": control, "field": form[control.name], "value": form[control.name].value()}
        for control in desk.controls(brief, dna)
    ]
    offers = desk.offers(brief, own, wishes, dna)
    counts = Track.objects.of(artist)
    partners = [(one.pk, one.partner_of(artist)) for one in blends.with_others(artist) if not one.closed]
    asked = str(form["blend"].value() or "")
    return render(
        request,
        "generation/studio.html",
        {
            "artist": artist,
            "form": form,
            "brief": brief,
            "words": words,
            "dna": dna,
            "own": own,
            "last_seed": lifecycle.last_seed(artist),
            "needed": settings.STARFORGE_MIN_TRACKS,
            "missing": max(0, settings.STARFORGE_MIN_TRACKS - own),
            "waiting": counts.filter(status__in=[Track.QUEUED, Track.RUNNING]).count(),
            "sliders": sliders,
            "keys": desk.keys(dna),
            "engines": offers,
            "to_set_up": [one["engine"].slug for one in offers if not one["availability"].ready],
            "genres": GENRES,
            "slots": [
                {
                    "place": place,
                    "track": form[f"reference_{place}"],
                    "chosen": chosen[place - 1],
                    "role": form[f"role_{place}"].value() or "all",
                    "from": form[f"from_{place}"],
                    "to": form[f"to_{place}"],
                }
                for place in range(1, REFERENCES + 1)
            ],
            "roles": ROLE_WORDS.items(),
            "partners": partners,
            # Settings of an earlier take, kept or asked for again: without a word it would now be made alone.
            "parted": bool(asked) and asked not in {pk for pk, _ in partners},
            "invited": blends.invitations(artist).count(),
            "adapters": [(one, adapters.label_of(one.base)) for one in adapters.usable(artist)],
            "tracks": desk.choices(artist, chosen),
            "presets": presets.of(artist),
            "starts": starting.starting_points(dna),
            **_now(artist),
            **more,
        },
        status=_status(form),
    )


def _status(form: StudioForm) -> int:
    if not form.errors:
        return 200
    return 429 if form.over_plan else 422


def _now(artist: Artist) -> dict[str, Any]:
    queue, more = desk.queue(artist)
    return {"queue": queue, "queue_more": more, "latest": lifecycle.latest_takes(artist)}


@login_required
@require_safe
def now(request: HttpRequest) -> HttpResponse:
    """Queue and latest takes alone: the page fetches them again when something ends."""
    return render(request, "generation/_now.html", _now(artist_in(request)))
