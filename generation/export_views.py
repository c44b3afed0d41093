"""Taking everything along, and leaving: the export of an account, and its end."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from catalog import security
from catalog.account_views import must_wait
from catalog.audio.ranged import ranged
from catalog.sessions import artist_in
from generation import archives, leaving
from generation.models import Export


@login_required
@never_cache
def export(request: HttpRequest) -> HttpResponse:
    """What there is to take along. By POST: packed, in the background."""
    artist = artist_in(request)
    if request.method == "POST":
        try:
            archives.start(artist)
        except archives.NoRoom as error:
            messages.error(request, str(error))
        return redirect("generation:export")
    row = Export.objects.filter(artist=artist).first()
    return render(
        request,
        "account/export.html",
        {"artist": artist, "row": row, "size": archives.estimate(artist), "days": archives.KEPT.days},
    )


@login_required
@require_POST
def export_delete(request: HttpRequest, pk: str) -> HttpResponse:
    """Stops what is under way; removes what is ready."""
    archives.delete(get_object_or_404(Export, pk=pk, artist=artist_in(request)))
    return redirect("generation:export")


@login_required
@require_safe
def export_file(request: HttpRequest, pk: str) -> HttpResponseBase:
    row = get_object_or_404(Export, pk=pk, artist=artist_in(request))
    if not row.is_here:
        raise Http404
    archives.fetched(row)
    name = f"starforge-{row.created_at:%Y-%m-%d}.zip"
    return ranged(request, row.file, content_type="application/zip", filename=name, attachment=True)


@login_required
@never_cache
@sensitive_post_parameters("password")
def leave(request: HttpRequest) -> HttpResponse:
    """Asks for the name and the password; then the account is gone."""
    artist = artist_in(request)
    refused, status = "", 200
    if request.method == "POST":
        _, slowed = must_wait(request, artist.user.get_username())
        if slowed:
            refused, status = slowed, 429
        elif request.POST.get("username", "") != artist.user.get_username():
            refused, status = "This is not your username. Nothing was deleted.", 422
        elif not artist.user.check_password(request.POST.get("password", "")):
            security.wrong_password(artist.user.get_username())
            refused, status = "This is not your password. Nothing was deleted.", 422
        elif artist.is_demo:
            refused, status = "The demo artist belongs to this installation and is deleted by its staff.", 422
        else:
            leaving.delete(artist)
            logout(request)
            messages.success(request, "Your account is deleted.")
            return redirect("home")
    return render(
        request,
        "account/delete.html",
        {"artist": artist, "refused": refused, "certificates": artist.certificates.count()},
        status=status,
    )
