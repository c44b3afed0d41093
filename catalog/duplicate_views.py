"""The page of recordings that are in a catalog twice, side by side, and the choice between them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog import duplicates
from catalog.models import DuplicatePair, Track
from catalog.sessions import artist_in

PER_PAGE = 10
SHOWN = {"": "Undecided", "different": "Not the same"}


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    artist = artist_in(request)
    query = {name: value for name, value in request.GET.dict().items() if name == "verdict"}
    verdict = query.get("verdict") if query.get("verdict") in SHOWN else ""
    pairs = duplicates.pairs_of(artist, heard=True).filter(verdict=verdict or DuplicatePair.Verdict.OPEN)
    page = Paginator(pairs, PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "catalog/duplicates.html",
        {
            "page": page,
            "query": query,
            "verdict": verdict,
            "pairs": [shown(pair) for pair in page.object_list],
            "open": duplicates.open_count(artist),
            "apart": duplicates.pairs_of(artist).filter(verdict=DuplicatePair.Verdict.DIFFERENT).count(),
            "tracks": Track.objects.of(artist).count(),
        },
    )


@login_required
@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """ "Not the same", or that taken back."""
    pair = _own(request, pk)
    verdict = request.POST.get("verdict", "")
    if verdict not in DuplicatePair.Verdict.values:
        raise Http404
    duplicates.judge(pair, verdict)
    words = "are kept as two recordings" if verdict == "different" else "are undecided again"
    messages.success(request, f"“{pair.first.title}” and “{pair.second.title}” {words}.")
    return redirect("catalog:duplicates")


@login_required
def keep(request: HttpRequest, pk: int, track: str) -> HttpResponse:
    """Ask, then keep this one and delete the other."""
    pair = _own(request, pk)
    both = {one.pk: one for one in (pair.first, pair.second)}
    if track not in both:
        raise Http404
    stays = both.pop(track)
    (goes,) = both.values()
    if request.method == "POST":
        try:
            kept = duplicates.keep(pair, track)
        except duplicates.Undecidable as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"“{kept.title}” is kept, the other one is deleted.")
        return redirect("catalog:duplicates")
    return render(
        request,
        "catalog/duplicate_keep.html",
        {
            "pair": pair,
            "stays": stays,
            "goes": goes,
            "taken": taken_over(stays, goes),
            "lost": duplicates.lost(stays, goes),
            "back": reverse("catalog:duplicates"),
        },
    )


def _own(request: HttpRequest, pk: int) -> DuplicatePair:
    return get_object_or_404(duplicates.pairs_of(artist_in(request)), pk=pk)


def taken_over(stays: Track, goes: Track) -> list[str]:
    """What the kept track takes from the other, in words."""
    changes = duplicates.inherited(stays, goes)
    words = {
        "title": "the title you typed",
        "bpm_override": "your BPM",
        "key_override": "your key",
        "genre_override": "your genre",
        "plays": "its plays, added up",
        "rating": "its stars",
        "imported_id": "its place in your collection",
        "added_on": "the day it was collected",
        "last_played_on": "the day it was last played",
    }
    return [text for name, text in words.items() if name in changes]


def shown(pair: DuplicatePair) -> dict[str, Any]:
    """A pair as the page draws it: how sure, what differs row by row, and what is alike in one line."""
    first, second = pair.first, pair.second
    read = [(words, reading(first), reading(second)) for words, reading in READINGS.items()]
    sounding = [bool(track.path) for track in (first, second)]
    return {
        "pair": pair,
        "why": reason(pair),
        "tracks": [
            {"track": track, "may_stay": bool(track.path) or not any(sounding)} for track in (first, second)
        ],
        "differs": [row for row in read if row[1] != row[2]],
        "alike": [f"{words.lower()} {value}" for words, value, other in read if value and value == other],
    }


def reason(pair: DuplicatePair) -> str:
    evidence = pair.evidence
    if pair.kind == DuplicatePair.Kind.AUDIO:
        return "The same audio, bit for bit."
    if pair.kind == DuplicatePair.Kind.NAME:
        return "The same name and length. One of them is known by name only, so its sound was not compared."
    share, seconds = evidence.get("share", 0.0), evidence.get("seconds", 0.0)
    return (
        f"The same recording by fingerprint: {seconds:.0f} seconds in a row, {share:.0%} of the shorter one."
    )


def _length(track: Track) -> str:
    if not track.duration:
        return ""
    return f"{int(track.duration // 60)}:{int(track.duration % 60):02d}"


def _file(track: Track) -> str:
    rate = duplicates.bitrate(track)
    return f"{track.format.upper()}, {rate:.0f} kbit/s" if rate and track.format else track.format.upper()


def _typed(track: Track) -> str:
    words = []
    if track.settled_title:
        words.append("title")
    if track.bpm_override:
        words.append(f"BPM {track.bpm_override:g}")
    words += [value for value in (track.key_override, track.genre_override) if value]
    return ", ".join(words)


READINGS = {
    "File name": lambda track: track.filename,
    "Length": _length,
    "File": _file,
    "Sample rate": lambda track: f"{track.sample_rate / 1000:g} kHz" if track.sample_rate else "",
    "Tempo": lambda track: f"{track.bpm:.1f} BPM" if track.bpm else "",
    "Key": lambda track: track.key.name if track.key else "",
    "Genre": lambda track: track.genre,
    "Typed by you": _typed,
    "Plays": lambda track: "" if track.plays is None else str(track.plays),
    "Stars": lambda track: "" if track.rating is None else str(track.rating),
    "Collected": lambda track: f"{track.added_on:%-d %B %Y}" if track.added_on else "",
    "Came in": lambda track: f"{track.created_at:%-d %B %Y}",
}
