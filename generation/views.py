"""One generation with its takes, and all that were asked for. They call the verbs of `lifecycle`."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from catalog.dna import for_composing
from catalog.intake import Refused
from catalog.models import Track
from catalog.sessions import artist_in
from generation import blending, ear, family, keeping, library, lifecycle, retention, take_page
from generation.brief import Brief
from generation.engines import engines
from generation.forms import ROLE_WORDS
from generation.models import GeneratedTrack, Generation
from generation.prompting import BadWishes

PER_PAGE = 20
FAMILIES_PER_PAGE = 10
JSON = "application/json"
STATES = {
    "ready": [Generation.READY],
    "under-way": [Generation.QUEUED, Generation.RUNNING],
    "failed": [Generation.FAILED],
    "cancelled": [Generation.CANCELLED],
}


def _own(request: HttpRequest, pk: str) -> Generation:
    return get_object_or_404(Generation, pk=pk, artist=artist_in(request))


@login_required
@require_safe
def generation(request: HttpRequest, pk: str) -> HttpResponse:
    takes = GeneratedTrack.objects.select_related("certificate", "library_track", "restoration", "exhibit")
    takes = takes.prefetch_related("tags", "shares").order_by("-similarity_score", "number")
    one = get_object_or_404(
        Generation.objects.select_related("snapshot", "parent").prefetch_related(Prefetch("takes", takes)),
        pk=pk,
        artist=artist_in(request),
    )
    brief = Brief.from_json(one.brief)
    wanted = {reference.track_id for reference in brief.references}
    for take in one.takes.all():
        wanted |= {str(close.get("id")) for close in take.closest_tracks}
        wanted |= {str(entry["track_id"]) for entry in take.built_from if entry.get("track_id")}
    tracks = {track.pk: track for track in Track.objects.of(one.artist).filter(pk__in=wanted).listed()}
    close = [str(found.get("id")) for take in one.takes.all() for found in take.closest_tracks]
    heard = ear.with_grid(one.artist, close)
    held = retention.held_by(take.pk for take in one.takes.all())
    seconds, dna = take_page.seconds_for(one, brief), for_composing(one.snapshot.document)
    return render(
        request,
        "generation/generation.html",
        {
            "generation": one,
            "brief": brief,
            "takes": [
                take_page.shown(take, tracks, seconds, dna, held.get(take.pk, []), heard)
                for take in one.takes.all()
            ],
            "made_from": take_page.made_from(one, brief),
            "references": [
                {
                    "track": tracks.get(reference.track_id),
                    "role": ROLE_WORDS.get(reference.role, reference.role),
                    "reference": reference,
                }
                for reference in brief.references
            ],
            "engine": engines().get(one.engine),
            "place": lifecycle.queue_position(one),
            "partner": blending.named(brief.blend.id, one.artist) if brief.blend else "",
            # Two presses of a button on the same page are one wish; after its result is there, the next is new.
            "press": one.variations.count(),
            "steps": ["more energetic", "calmer"],
            "under_way": not one.is_over,
            "restoring": any(take_page.is_being_made_again(take) for take in one.takes.all()),
            "known_tags": keeping.tags_of(one.artist),
            "family": family.family_of(one),
        },
    )


@login_required
@require_POST
def cancel(request: HttpRequest, pk: str) -> HttpResponse:
    one = _own(request, pk)
    if not lifecycle.cancel(one):
        messages.error(request, f"“{one.title}” had ended already.")
    return _back(request, one)


@login_required
@require_POST
def retry(request: HttpRequest, pk: str) -> HttpResponse:
    one = _own(request, pk)
    try:
        if not lifecycle.retry(one):
            messages.error(request, f"“{one.title}” did not fail, so there is nothing to try again.")
    except lifecycle.Refused as error:
        messages.error(request, str(error))
    return redirect(one)


@login_required
@require_POST
def vary(request: HttpRequest, pk: str) -> HttpResponse:
    one = _own(request, pk)
    change, key = request.POST.get("change", "")[:200], request.POST.get("request_key", "")
    if "\0" in change + key:
        raise BadRequest("The form was not sent as this page writes it.")
    try:
        made, _ = lifecycle.vary(one, change, request_key=key or None)
    except BadWishes as error:
        messages.error(request, " ".join(error.errors.values()))
    except lifecycle.Refused as error:
        messages.error(request, str(error))
    else:
        return redirect(made)
    return redirect(one)


@login_required
@require_POST
def to_library(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    take = get_object_or_404(
        GeneratedTrack, generation_id=pk, generation__artist=artist_in(request), number=number
    )
    try:
        track, created = library.add(take)
    except Refused as error:
        messages.error(request, f"“{take.title}” was not added to your library. {error.reason}")
        return redirect(take)
    except FileNotFoundError:
        messages.error(
            request, f"The audio of “{take.title}” is no longer here, so it cannot be added to your library."
        )
        return redirect(take)
    messages.success(
        request,
        f"“{track.title}” is in your library."
        if created
        else f"“{track.title}” was in your library already.",
    )
    return redirect(take)


def _back(request: HttpRequest, one: Generation) -> HttpResponse:
    """To where the button was pressed."""
    if request.headers.get("Accept") == JSON:
        return JsonResponse({"id": one.pk})
    return redirect("generation:studio" if request.POST.get("next") == "studio" else one)


@login_required
@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """Everything that was asked for, newest first, with its takes."""
    artist = artist_in(request)
    query = request.GET.dict()
    rows = Generation.objects.filter(artist=artist).defer("params", "notes")
    for word in query.get("q", "")[:200].split():
        rows = rows.filter(Q(title__icontains=word) | Q(prompt__icontains=word))
    if states := STATES.get(query.get("state", "")):
        rows = rows.filter(status__in=states)
    takes = GeneratedTrack.objects.only(
        "id",
        "generation_id",
        "number",
        "title",
        "similarity_score",
        "peaks",
        "duration",
        "measured",
        "certificate_id",
        "audio_path",
        "filename",
    ).order_by("-similarity_score", "number")
    rows = rows.prefetch_related(Prefetch("takes", takes)).order_by("-created_at", "id")
    page = Paginator(rows, PER_PAGE).get_page(query.pop("page", None))
    return render(
        request,
        "generation/requests.html",
        {
            "page": page,
            "query": query,
            "filtered": any(query.get(name) for name in ("q", "state")),
            "states": {
                "ready": "Ready",
                "under-way": "Under way",
                "failed": "Failed",
                "cancelled": "Cancelled",
            }.items(),
        },
    )


@login_required
@require_safe
def families(request: HttpRequest) -> HttpResponse:
    """Every family of variations, the one begun last first."""
    edges = family.edges_of(artist_in(request))
    query = request.GET.dict()
    page = Paginator(family.roots(edges), FAMILIES_PER_PAGE).get_page(query.pop("page", None))
    context = {"page": page, "query": query, "families": family.families(edges, page.object_list)}
    return render(request, "generation/families.html", context)
