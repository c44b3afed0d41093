"""Many tracks at once from the library page: a plain form that works without JavaScript."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.contrib.sessions.backends.db import SessionStore as _Row
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from catalog import browsing, bulk, corrections
from catalog.models import Artist, Track
from catalog.sessions import artist_in

VERBS = {
    "genre": "Set genre",
    "reset_genre": "Genre back to the file’s",
    "double": "Double the BPM",
    "halve": "Halve the BPM",
    "reset_bpm": "BPM back to measured",
    "reset_key": "Key back to measured",
    "retry": "Analyze again what failed",
    "delete": "Delete",
}
CHANGED = {
    "genre": "Genre set on",
    "reset_genre": "Genre back to the file’s on",
    "double": "BPM doubled on",
    "halve": "BPM halved on",
    "reset_bpm": "BPM back to measured on",
    "reset_key": "Key back to measured on",
}
_EDITS: dict[str, bulk.Edit] = {
    "reset_genre": bulk.Edit("genre", ""),
    "double": bulk.Edit("scale_bpm", 2),
    "halve": bulk.Edit("scale_bpm", 0.5),
    "reset_bpm": bulk.Edit("reset_bpm"),
    "reset_key": bulk.Edit("reset_key"),
}
# What was done last, in the session: words, until when they are shown, and the key of what takes it back. That
# may be thousands of ids, so it lies in a row of its own beside the session, which every request reads.
REMEMBERED = "bulk"
SHOWN_SECONDS, UNDO_SECONDS = 60, 3600
NAMED = 8


def counted(count: int) -> str:
    return f"{count:,} track{'' if count == 1 else 's'}"


def said(request: HttpRequest) -> dict[str, Any] | None:
    """What the last decision did, for the line above the list: `words`, and `undo` when it can be taken back."""
    kept = request.session.get(REMEMBERED)
    if not kept or kept["until"] < time.time():
        return None
    return {"words": kept["words"], "undo": bool(kept["done"])}


def _say(request: HttpRequest, words: str, done: dict[str, Any] | None = None) -> None:
    if before := request.session.get(REMEMBERED):
        _Row(before["done"] or None).flush()
    seconds, key = SHOWN_SECONDS, None
    if done:
        row = _Row()
        row[REMEMBERED] = done
        row.set_expiry(UNDO_SECONDS)
        row.save()
        seconds, key = UNDO_SECONDS, row.session_key
    request.session[REMEMBERED] = {"words": words, "until": time.time() + seconds, "done": key}


def _back(query: str) -> HttpResponse:
    """To the list as it was. `query` is read and written anew: it only ever names filters."""
    filters = _filters(query)
    address = reverse("catalog:library")
    return HttpResponseRedirect(f"{address}?{urlencode(filters)}#tracks" if filters else f"{address}#tracks")


def _filters(query: str) -> dict[str, str]:
    found = QueryDict(query[:2000]).dict()
    return {name: str(value) for name, value in found.items() if "\0" not in f"{name}{value}"}


def _chosen(artist: Artist, request: HttpRequest) -> list[str]:
    """The ids that were ticked, or of all that the list finds."""
    if joined := request.POST.get("ids"):
        return [pk for pk in joined.split(",") if "\0" not in pk]
    if request.POST.get("all"):
        return bulk.ids_of(browsing.find(artist, _filters(request.POST.get("query", ""))))
    return [pk for pk in request.POST.getlist("track") if "\0" not in pk]


@login_required
@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """What was asked for the ticked tracks; a deletion asks back first."""
    artist, query, verb = artist_in(request), request.POST.get("query", ""), request.POST.get("do", "")
    ids = _chosen(artist, request)
    if verb not in VERBS:
        _say(request, "Choose what to do with the tracks you ticked.")
    elif not ids:
        _say(request, "No track was ticked, so nothing was changed.")
    elif verb == "delete":
        return _delete(request, artist, ids, query)
    elif verb == "genre" and not corrections.genre(request.POST.get("genre")):
        _say(
            request,
            f"No genre was typed, so nothing was changed. “{VERBS['reset_genre']}” takes typed ones off.",
        )
    elif verb == "retry":
        again = bulk.retry(artist, ids)
        left = f" {counted(len(ids) - again)} had not failed." if again < len(ids) else ""
        _say(request, f"{counted(again)} waiting to be analyzed again.{left}")
    else:
        edit = _EDITS.get(verb) or bulk.Edit("genre", request.POST.get("genre", ""))
        done = bulk.correct(artist, ids, edit)
        kept = done.to_json() if done.before else None
        _say(request, _sentence(verb, done), kept)
    return _back(query)


def _sentence(verb: str, done: bulk.Done) -> str:
    words = [f"{CHANGED[verb]} {counted(done.changed)}."]
    if done.locked:
        words.append(f"{done.locked:,} locked, left as {'it is' if done.locked == 1 else 'they are'}.")
    if left := done.chosen - done.changed - done.locked:
        scaled = verb in {"double", "halve"}
        words.append(
            f"{left:,} {'without a BPM for which that is possible' if scaled else 'needed no change'}."
        )
    if done.changed and not done.before:
        words.append(f"More than {bulk.UNDOABLE:,} cannot be taken back in one step.")
    return " ".join(words)


def _delete(request: HttpRequest, artist: Artist, ids: list[str], query: str) -> HttpResponse:
    if request.POST.get("confirmed"):
        _say(request, f"{counted(bulk.withdraw(artist, ids))} deleted.")
        return _back(query)
    wanted = [track for part in _parts(artist, ids) for track in part]
    return render(
        request,
        "catalog/delete.html",
        {
            "count": len(wanted),
            "titles": [title for _, title in wanted[:NAMED]],
            "more": max(0, len(wanted) - NAMED),
            "ids": ",".join(pk for pk, _ in wanted),
            "query": query,
            "back": _back(query)["Location"],
        },
    )


def _parts(artist: Artist, ids: list[str]) -> list[list[tuple[str, str]]]:
    """(id, title) of those that are there."""
    return [
        list(
            Track.objects.of(artist)
            .filter(pk__in=ids[start : start + bulk.AT_ONCE])
            .values_list("pk", "title")
        )
        for start in range(0, len(ids), bulk.AT_ONCE)
    ]


@login_required
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take back the last correction of many tracks."""
    kept = request.session.get(REMEMBERED) or {}
    done = _Row(kept["done"]).get(REMEMBERED) if kept.get("done") else None
    if not done or kept["until"] < time.time():
        _say(request, "There is nothing to take back.")
    else:
        restored = bulk.undo(artist_in(request), done)
        left = int(done["changed"]) - restored
        words = f"Taken back on {counted(restored)}."
        _say(request, f"{words} {left:,} changed or locked since, left as they are." if left else words)
    return _back(request.POST.get("query", ""))


@login_required
def stop(request: HttpRequest) -> HttpResponse:
    """Cancel what waits for its analysis; asks back first."""
    artist = artist_in(request)
    if request.method == "POST":
        _say(request, f"{counted(bulk.stop_waiting(artist))} no longer waiting. Each can be analyzed later.")
        return _back("")
    waiting = Track.objects.of(artist).filter(status=Track.QUEUED).count()
    return render(request, "catalog/stop.html", {"waiting": waiting})
