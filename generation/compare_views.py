"""Two to four takes beside each other, and one of them picked."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Artist, Track
from catalog.sessions import artist_in
from generation import browsing, keeping
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
    if only := bool(request.GET.get("only")):
        groups = [(name, [one for one in rows if one.differs]) for name, rows in groups]
    return render(
        request,
        "generation/compare.html",
        {
            "takes": takes,
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
