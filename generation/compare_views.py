"""Two to four takes beside each other, and one of them picked."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Artist, Track
from catalog.sessions import artist_in
from generation import browsing, ear, keeping
from generation.models import GeneratedTrack
from generation.parameters import compared, parameters, referred

LEAST, MOST = 2, 4


def address_of(ids: list[str], **more: str) -> str:
    """The page that compares these takes."""
    return f"{reverse('generation:compare')}?{urlencode([*(('take', pk) for pk in ids), *more.items()])}"


@login_required
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    artist = artist_in(request)
    ids = _own(artist, request.GET.getlist("take"))
    takes = browsing.rows(ids) if LEAST <= len(ids) <= MOST else []
    titles = dict(Track.objects.of(artist).filter(pk__in=referred(takes)).values_list("pk", "title"))
    groups = compared([parameters(take, titles) for take in takes])
    sounds, nearest = _ear(artist, takes)
    if only := bool(request.GET.get("only")):
        groups = [(name, [one for one in rows if one.differs]) for name, rows in groups]
    return render(
        request,
        "generation/compare.html",
        {
            "takes": takes,
            "heard": list(zip(takes, sounds, nearest, strict=True)),
            "several": sum(1 for take in takes if take.is_heard) + sum(1 for one in nearest if one),
            "aligned": all(one.bar for one in sounds),
            "chosen": len(ids),
            "groups": [(name, rows) for name, rows in groups if rows],
            "only": only,
            "differing": sum(one.differs for _, rows in groups for one in rows),
            "all": address_of(ids),
            "fewer": address_of(ids, only="1"),
            "picked": next((take for take in takes if take.pk == request.GET.get("picked")), None),
            "ids": ids,
        },
        status=200 if takes or len(ids) == 0 else 422,
    )


def _ear(artist: Artist, takes: list[GeneratedTrack]) -> tuple[list[ear.Heard], list[dict[str, Any] | None]]:
    """How the takes are played to be as loud as each other and as the recording closest to each, and those."""
    ids = [str(take.closest_tracks[0].get("id")) if take.closest_tracks else "" for take in takes]
    there = ear.with_grid(artist, ids)
    tracks = [there.get(pk) for pk in ids]
    all_of_them = [ear.of_take(take) for take in takes] + [ear.of_track(one) for one in tracks if one]
    sounds = ear.matched(all_of_them)
    rest = iter(sounds[len(takes) :])
    return sounds[: len(takes)], [{"track": one, "ear": next(rest)} if one else None for one in tracks]


def _own(artist: Artist, wanted: list[str]) -> list[str]:
    """Those of these that are the artist's, each once, in the order they were named."""
    ids = list(dict.fromkeys(wanted))[:50]
    there = set(
        GeneratedTrack.objects.filter(generation__artist=artist, pk__in=ids).values_list("pk", flat=True)
    )
    return [pk for pk in ids if pk in there]


@login_required
@require_POST
def pick(request: HttpRequest) -> HttpResponse:
    """The picked take becomes a favourite; the others can go in the next step, which asks first."""
    artist = artist_in(request)
    takes = GeneratedTrack.objects.filter(generation__artist=artist).only("pk", "title")
    take = get_object_or_404(takes, pk=request.POST.get("pick", "").replace("\0", ""))
    keeping.favour(artist, [take.pk], on=True)
    messages.success(request, f"“{take.title}” is picked: it is one of your favourites now.")
    ids = _own(artist, [pk.replace("\0", "") for pk in request.POST.getlist("take")])
    return HttpResponseRedirect(address_of(ids, picked=take.pk))
