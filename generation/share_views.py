"""Links to takes: made and revoked by the owner, opened by anybody who has one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from catalog import rates
from catalog.audio.ranged import ranged
from catalog.sessions import artist_in
from generation import sharing
from generation.models import GeneratedTrack, Share


@login_required
@require_POST
def create(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    takes = GeneratedTrack.objects.select_related("generation")
    take = get_object_or_404(takes, generation_id=pk, generation__artist=artist_in(request), number=number)
    days = request.POST.get("days", "")
    if days not in [str(one) for one in sharing.DAYS]:
        messages.error(request, "Choose for how long the link shall work.")
    else:
        try:
            sharing.share(take, int(days))
        except sharing.TooMany as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "The link is made. It stands under Share.")
    return redirect(f"{take.generation.get_absolute_url()}#share-{take.number}")


@login_required
@require_POST
def revoke(request: HttpRequest, pk: str) -> HttpResponse:
    row = get_object_or_404(sharing.of(artist_in(request)).select_related("take__generation"), pk=pk)
    sharing.revoke(row)
    messages.success(request, f"The link to “{row.take.title}” no longer works.")
    if request.POST.get("next") == "take":
        return redirect(f"{row.take.generation.get_absolute_url()}#share-{row.take.number}")
    return redirect("catalog:account")


def _opened(request: HttpRequest, key: str) -> Share | HttpResponse:
    if seconds := rates.must_wait(sharing.SharedThrottle, request):
        words = "More requests came from your address than allowed. Wait a minute, then try again."
        return rates.too_many(words, seconds)
    row = sharing.found(key)
    if row is None:
        raise Http404("There is nothing at this address.")
    return row


def _private(answer: HttpResponseBase) -> HttpResponseBase:
    """Kept by no search engine and no cache between, and the link is told to no other site."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    patch_cache_control(answer, private=True, no_cache=True)
    return answer


@require_safe
def shared(request: HttpRequest, key: str) -> HttpResponseBase:
    """The take for whoever has the link: sound, match and certificate, and nothing else of its artist."""
    row = _opened(request, key)
    if isinstance(row, HttpResponse):
        return row
    take = row.take
    compared = take.similarity.get("tracks_compared") or take.catalog_snapshot.get("track_count")
    context = {"share": row, "take": take, "artist": take.generation.artist, "compared": compared}
    return _private(render(request, "generation/shared.html", context))


@require_safe
def audio(request: HttpRequest, key: str) -> HttpResponseBase:
    row = _opened(request, key)
    if isinstance(row, HttpResponse):
        return row
    path = row.take.file("preview")
    return _private(ranged(request, path, content_type="audio/mpeg", filename="take.mp3"))
