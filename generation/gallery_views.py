"""The gallery for visitors, one exhibit, its player for other sites, reports; and the owner's opting in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_POST, require_safe

from catalog import addresses, rates
from catalog.audio.ranged import ranged
from catalog.sessions import artist_in
from generation import badges, gallery
from generation.models import Exhibit, GeneratedTrack

PER_PAGE = 24
# The one page that others may frame: it runs no script and sends no form.
EMBEDDED = "; ".join(
    [
        "default-src 'none'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors *",
    ]
)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    page = Paginator(gallery.public(), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "exhibits": gallery.shown(list(page.object_list)), "query": {}}
    return render(request, "gallery/index.html", context)


def _public(pk: str) -> Exhibit:
    found = gallery.public().filter(pk=pk).first()
    if found is None:
        raise Http404("There is nothing in the gallery at this address.")
    return found


@require_safe
def exhibit(request: HttpRequest, pk: str) -> HttpResponse:
    (shown,) = gallery.shown([_public(pk)])
    base = addresses.site(request)
    return render(
        request,
        "gallery/exhibit.html",
        {
            "shown": shown,
            "base": base,
            "badges": [(name, badges.WORDS[name]) for name in shown.badges],
            "reasons": gallery.REASONS.items(),
        },
    )


@require_safe
def audio(request: HttpRequest, pk: str) -> HttpResponseBase:
    path = _public(pk).take.file("preview")
    return ranged(request, path, content_type="audio/mpeg", filename="take.mp3")


@xframe_options_exempt
@require_safe
def embed(request: HttpRequest, pk: str) -> HttpResponse:
    """The player for other sites, with the line of its certificate."""
    (shown,) = gallery.shown([_public(pk)])
    answer = render(request, "gallery/embed.html", {"shown": shown})
    answer.headers["Content-Security-Policy"] = EMBEDDED
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


@require_POST
def report(request: HttpRequest, pk: str) -> HttpResponse:
    row = _public(pk)
    reason = request.POST.get("reason", "")
    words, contact = request.POST.get("words", ""), request.POST.get("contact", "")
    if reason not in gallery.REASONS or "\0" in words + contact:
        raise BadRequest("The form was not sent as this page writes it.")
    if seconds := rates.must_wait(gallery.ReportThrottle, request, most=3600):
        return rates.too_many("Many reports came from your address. Wait an hour, then try again.", seconds)
    gallery.report(row, reason=reason, words=words, contact=contact)
    messages.success(request, "Your report is with the curators.")
    return redirect(row)


@login_required
@require_POST
def offer(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    """Opt in, or out again."""
    takes = GeneratedTrack.objects.select_related("generation")
    take = get_object_or_404(takes, generation_id=pk, generation__artist=artist_in(request), number=number)
    if request.POST.get("withdraw"):
        gallery.withdraw(take)
        messages.success(request, f"“{take.title}” is not offered to the gallery.")
    else:
        try:
            gallery.offer(take)
        except gallery.NotShown as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"“{take.title}” is offered. Curators decide what is shown.")
    return redirect(f"{take.generation.get_absolute_url()}#gallery-{take.number}")
