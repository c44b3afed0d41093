"""What the account page shows of generation: its plan, what is used of it, and what is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template

from catalog import addresses
from catalog.models import Artist
from generation import allowance, retention, sharing, usage
from generation.models import GeneratedTrack, Share

register = template.Library()


@register.inclusion_tag("account/_plan.html")
def plan_of(artist: Artist) -> dict[str, Any]:
    allowed = allowance.of(artist)
    kinds = usage.storage(artist)
    return {
        "artist": artist,
        "included": allowance.included(allowed),
        "used": usage.generations(artist),
        "most": allowed.generations,
        "until": usage.month()[1],
        "kinds": [(kind, size) for kind, size in kinds if size],
        "total": sum(size for _, size in kinds),
        "stored": usage.stored(artist),
        "room": allowed.storage,
        "keep_days": allowed.keep_days,
        "expiring": retention.expiring(artist).count(),
    }


@register.inclusion_tag("generation/_share.html", takes_context=True)
def share_of(context: dict[str, Any], take: GeneratedTrack) -> dict[str, Any]:
    """The take's open links, and the form for another. Wants `shares` prefetched."""
    rows = [one for one in take.shares.all() if one.is_open]
    return {"take": take, "rows": _links(context, rows), "days": sharing.DAYS}


@register.inclusion_tag("account/_shares.html", takes_context=True)
def shares_of(context: dict[str, Any], artist: Artist) -> dict[str, Any]:
    return {"rows": _links(context, sharing.of(artist).open().select_related("take__generation"))}


def _links(context: dict[str, Any], rows: Iterable[Share]) -> list[tuple[Share, str]]:
    request = context["request"]
    base = addresses.site(request)
    return [(row, base + row.get_absolute_url()) for row in rows]


@register.inclusion_tag("generation/_gallery.html")
def gallery_of(take: GeneratedTrack) -> dict[str, Any]:
    """Whether the take is offered to the gallery. Wants `exhibit` selected."""
    return {"take": take, "row": getattr(take, "exhibit", None)}
