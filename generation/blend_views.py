"""Collaborating: invitations, answers, what each may see, withdrawal, and the log of it all."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from catalog import addresses
from catalog.audio.ranged import ranged
from catalog.models import Artist
from catalog.sessions import artist_in
from generation import blends
from generation.models import Blend, BlendStep

STEPS_LISTED = 100
MADE_LISTED = 50


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    artist = artist_in(request)
    base = addresses.site(request)
    sent = blends.of(artist).waiting().filter(inviter=artist)
    together = [_shown(row, artist) for row in blends.with_others(artist)]
    ended = [_shown(row, artist) for row in blends.ended_with_takes(artist)]
    invitations = list(blends.invitations(artist))
    return render(
        request,
        "generation/collaborate.html",
        {
            "artist": artist,
            "invitations": invitations,
            "together": together,
            "ended": ended,
            "sent": [(row, base + row.get_absolute_url() if row.key else "") for row in sent],
            "made": [
                (take, blends.heard_by(take, artist))
                for take in blends.made_with(artist).prefetch_related("generation__blend__consents")[
                    :MADE_LISTED
                ]
            ],
            "steps": _steps(artist),
            "statement": blends.STATEMENT,
            "days": blends.DAYS,
            "new": not (together or ended or invitations or sent),
        },
    )


def _shown(row: Blend, artist: Artist) -> dict[str, Any]:
    partner = row.partner_of(artist)
    return {
        "blend": row,
        "partner": partner,
        "mine": blends.consent_of(row, artist),
        "theirs": blends.consent_of(row, partner),
    }


def _steps(artist: Artist) -> list[dict[str, Any]]:
    """The log of all blends of the artist, newest first: who, what, with whom."""
    rows = BlendStep.objects.filter(blend__in=Blend.objects.of(artist))
    rows = rows.select_related("artist", "blend__inviter", "blend__invited").order_by("-at", "-id")
    return [
        {
            "step": one,
            "own": one.artist_id == artist.pk,
            # Who an invitation reached is known only once it is answered.
            "partner": None
            if one.blend.accepted_at is None and one.blend.inviter_id == artist.pk
            else one.blend.partner_of(artist),
        }
        for one in rows[:STEPS_LISTED]
    ]


@login_required
@require_safe
def audio(request: HttpRequest, pk: str) -> HttpResponseBase:
    """A take that was made with this artist, where who made it lets them hear it."""
    artist = artist_in(request)
    take = get_object_or_404(blends.made_with(artist), pk=pk)
    if not blends.heard_by(take, artist) or not take.is_heard:
        raise Http404("There is nothing to hear at this address.")
    sound = ranged(request, take.file("preview"), content_type="audio/mpeg", filename="take.mp3")
    patch_cache_control(sound, private=True, no_cache=True)
    return sound


def _allowed(request: HttpRequest) -> blends.Allowed:
    return blends.Allowed(titles="titles" in request.POST, hears="hears" in request.POST)


@login_required
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """By account name, or by a link (`by=link`)."""
    by_link = request.POST.get("by") == "link"
    to, days = request.POST.get("to", "").strip(), request.POST.get("days", "")
    if days not in [str(one) for one in blends.DAYS]:
        messages.error(request, "Choose for how long the invitation shall stand.")
    elif "\0" in to or len(to) > 254:
        messages.error(request, "Write an account name.")
    elif not by_link and not to:
        messages.error(request, "Write an account name, or make a link.")
    else:
        try:
            blends.invite(
                artist_in(request), "" if by_link else to, days=int(days), allowed=_allowed(request)
            )
        except blends.CannotInvite as error:
            messages.error(request, str(error))
        else:
            words = "The link is made. It stands under Waiting." if by_link else "The invitation is made."
            messages.success(request, words)
            return redirect("/collaborate/#waiting")
    return redirect("/collaborate/#invite")


@login_required
@require_safe
def invitation(request: HttpRequest, key: str) -> HttpResponse:
    """What whoever has the link is asked. Kept by no search engine, and the link is told to no other site."""
    row = blends.found(key)
    if row is None:
        raise Http404("There is nothing at this address.")
    artist = artist_in(request)
    context = {"blend": row, "own": row.inviter_id == artist.pk, "statement": blends.STATEMENT}
    answer = render(request, "generation/invitation.html", context)
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "same-origin"  # the answer is a form, whose origin is checked
    patch_cache_control(answer, private=True, no_cache=True)
    return answer


@login_required
@require_POST
def answer(request: HttpRequest, pk: str) -> HttpResponse:
    """Accept or decline: an invitation to this account by its id, or one by link with its key beside it."""
    artist = artist_in(request)
    if key := request.POST.get("key"):
        row = blends.found(key) if "\0" not in key else None
        if row is None or row.pk != pk:
            raise Http404("There is nothing at this address.")
    else:
        row = get_object_or_404(blends.invitations(artist), pk=pk)
    try:
        if request.POST.get("answer") == "accept":
            made = blends.accept(row, artist, _allowed(request))
            name = made.inviter.name if made.inviter else ""
            messages.success(request, f"You and {name} can blend now.")
        else:
            blends.decline(row, artist)
            messages.success(request, "The invitation is declined.")
    except blends.CannotAnswer as error:
        messages.error(request, str(error))
    return redirect("generation:collaborate")


def _own(request: HttpRequest, pk: str) -> tuple[Blend, Artist]:
    artist = artist_in(request)
    return get_object_or_404(blends.of(artist), pk=pk), artist


@login_required
@require_POST
def allow(request: HttpRequest, pk: str) -> HttpResponse:
    row, artist = _own(request, pk)
    try:
        blends.allow(row, artist, _allowed(request))
        messages.success(request, "Saved")
    except blends.CannotAllow as error:
        messages.error(request, str(error))
    return redirect("generation:collaborate")


@login_required
def withdraw(request: HttpRequest, pk: str) -> HttpResponse:
    """Asks first where both had agreed; by POST it is over."""
    row, artist = _own(request, pk)
    if request.method == "POST":
        stood = row.stands
        if not blends.withdraw(row, artist):
            messages.error(request, "This had ended already.")
        elif stood:
            messages.success(request, "Your consent is withdrawn. No new take is made of your recordings.")
        else:
            messages.success(request, "The invitation is taken back.")
        return redirect("generation:collaborate")
    return render(
        request, "generation/blend_withdraw.html", {"blend": row, "partner": row.partner_of(artist)}
    )
