"""The history: every take with every parameter, and what is done with many at once. Works without JavaScript."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Artist, Track
from catalog.sessions import artist_in
from generation import allowance, browsing, compare_views, keeping, retention
from generation.models import GeneratedTrack, Generation
from generation.parameters import engine_label, grouped, parameters, referred

PER_PAGE = 20
SORTS = {
    "": "Newest first",
    "created": "Oldest first",
    "-match": "Nearest to your catalog",
    "match": "Farthest from your catalog",
    "-rating": "Best rated",
    "title": "Title",
    "bpm": "BPM, slow first",
    "-bpm": "BPM, fast first",
    "-length": "Longest",
    "length": "Shortest",
}
RATINGS = {
    "5": "5",
    "4": "4 and more",
    "3": "3 and more",
    "2": "2 and more",
    "1": "Any rating",
    "none": "Not rated",
}
LIBRARY = {"in": "In your library", "out": "Not in your library"}
AUDIO = {"here": "Here", "soon": "Ends soon", "preview": "Preview", "gone": "Gone"}
FILTERS = ("q", "favourite", "engine", "tag", "rating", "library", "audio")
VERBS = {
    "compare": "Compare two to four",
    "favourite": "Make favourites",
    "unfavourite": "No longer favourites",
    "tag": "Add tags",
    "untag": "Take tags off",
    "pin": "Pin full audio",
    "unpin": "No longer pin",
    "delete": "Delete",
}
NAMED = 8


@login_required
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Every take, newest first."""
    artist = artist_in(request)
    query = request.GET.dict()
    page = Paginator(browsing.browse(artist, query), PER_PAGE).get_page(query.pop("page", None))
    takes = browsing.rows(page.object_list)
    ends = retention.ends_of(takes) if artist.plan in allowance.expiring() else {}
    titles = dict(Track.objects.of(artist).filter(pk__in=referred(takes)).values_list("pk", "title"))
    asked = Generation.objects.filter(artist=artist).aggregate(
        under_way=Count("pk", filter=Q(status__in=[Generation.QUEUED, Generation.RUNNING])),
        failed=Count("pk", filter=Q(status=Generation.FAILED)),
    )
    return render(
        request,
        "generation/history.html",
        {
            "page": page,
            "takes": [
                {
                    "take": take,
                    "groups": grouped(parameters(take, titles)),
                    "ends": ends.get(take.pk),
                    "expired": take.full_audio != GeneratedTrack.FullAudio.HERE,
                }
                for take in takes
            ],
            "query": query,
            "search": urlencode(query),
            "filtered": any(query.get(name) for name in FILTERS),
            "asked": asked,
            "sorts": SORTS.items(),
            "ratings": RATINGS.items(),
            "libraries": LIBRARY.items(),
            "audios": AUDIO.items(),
            "engines": [(slug, engine_label(slug)) for slug in browsing.engines_of(artist)],
            "tags": keeping.tags_of(artist),
            "verbs": VERBS.items(),
        },
    )


@login_required
@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """What was asked for the ticked takes; a deletion asks back first."""
    artist, verb = artist_in(request), request.POST.get("do", "")
    query = _filters(request.POST.get("query", ""))
    ids = _chosen(artist, request, query)
    if verb not in VERBS:
        messages.error(request, "Choose what to do with the takes you ticked.")
    elif not ids:
        messages.error(request, "No take was ticked, so nothing was changed.")
    elif verb == "compare":
        return HttpResponseRedirect(compare_views.address_of(ids[: compare_views.MOST + 1]))
    elif verb == "delete":
        return _delete(request, artist, ids, query)
    else:
        _apply(request, artist, verb, ids)
    return _back(query)


def _apply(request: HttpRequest, artist: Artist, verb: str, ids: list[str]) -> None:
    if verb in {"favourite", "unfavourite"}:
        changed = keeping.favour(artist, ids, on=verb == "favourite")
        words = "made a favourite" if verb == "favourite" else "no longer a favourite"
        messages.success(
            request,
            f"{counted(changed)} {words if changed == 1 else words.replace('a favourite', 'favourites')}.",
        )
        return
    if verb in {"pin", "unpin"}:
        changed = retention.pin_many(artist, ids, on=verb == "pin")
        messages.success(request, f"{counted(changed)} {'pinned' if verb == 'pin' else 'no longer pinned'}.")
        return
    try:
        tags = keeping.written(request.POST.get("tags", "").replace("\0", ""))
        if not tags:
            messages.error(request, "No tag was typed, so nothing was changed.")
        elif verb == "tag":
            done = keeping.tag_many(artist, ids, tags)
            messages.success(request, f"{counted(done)} tagged {_list(tags)}.")
        else:
            done = keeping.untag_many(artist, ids, tags)
            messages.success(request, f"{_list(tags)} taken off {counted(done)}.")
    except keeping.BadTags as error:
        messages.error(request, f"Nothing was changed. {error}")


def _list(tags: list[str]) -> str:
    return ", ".join(f"“{tag}”" for tag in tags)


def counted(count: int) -> str:
    return f"{count:,} take{'' if count == 1 else 's'}"


def _delete(request: HttpRequest, artist: Artist, ids: list[str], query: dict[str, str]) -> HttpResponse:
    if request.POST.get("confirmed"):
        messages.success(request, f"{counted(keeping.delete(artist, ids))} deleted.")
        return _back(query)
    wanted = [row for part in keeping.portions(artist, ids) for row in part.values_list("pk", "title")]
    lost = _lost(artist, [pk for pk, _ in wanted])
    return render(
        request,
        "generation/takes_delete.html",
        {
            "count": len(wanted),
            "titles": [title for _, title in wanted[:NAMED]],
            "more": max(0, len(wanted) - NAMED),
            "ids": ",".join(pk for pk, _ in wanted),
            "lost": lost,
            "query": urlencode(query),
            "back": _back(query)["Location"],
        },
    )


def _lost(artist: Artist, ids: list[str]) -> dict[str, int]:
    """What goes with these takes and what stays: `bytes`, `noted`, `certificates`, `tracks`."""
    sums: dict[str, Any] = {"bytes": 0, "noted": 0, "certificates": 0, "tracks": 0}
    for part in keeping.portions(artist, ids):
        found = part.aggregate(
            bytes=Sum("size_bytes"),
            noted=Count("pk", filter=~Q(notes="")),
            certificates=Count("certificate"),
            tracks=Count("library_track"),
        )
        for name in sums:
            sums[name] += found[name] or 0
    return sums


def _chosen(artist: Artist, request: HttpRequest, query: dict[str, str]) -> list[str]:
    """The ids that were ticked, or of all that the list finds."""
    if joined := request.POST.get("ids"):
        return [pk for pk in joined.split(",") if "\0" not in pk]
    if request.POST.get("all"):
        return browsing.browse(artist, query)
    return [pk for pk in request.POST.getlist("take") if "\0" not in pk]


def _filters(query: str) -> dict[str, str]:
    """The filters of the list, read anew from what the form says."""
    found = QueryDict(query[:2000]).dict()
    return {name: str(value) for name, value in found.items() if "\0" not in f"{name}{value}"}


def _back(query: dict[str, str]) -> HttpResponseRedirect:
    address = reverse("generation:history")
    return HttpResponseRedirect(f"{address}?{urlencode(query)}" if query else address)
