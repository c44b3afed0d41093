"""The public log as pages: entries as hashes, heads as signed, and the path from an entry to a head."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from catalog import addresses
from provenance.log import store, tree
from provenance.models import Checkpoint, LogEntry

PER_PAGE = 25
HASH = re.compile(r"[0-9a-f]{64}")
KINDS = {
    "certificate": "Certificate",
    "key-rotated": "Key rotated",
    "key-revoked": "Key revoked",
    "certificate-revoked": "Certificate revoked",
}


@dataclass(frozen=True)
class Step:
    """One step of the path: the sibling's hash, its side, and the hash of both together."""

    side: str
    sibling: str
    together: str


@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """Newest first. `?find=` leads to an entry by its number or its hash."""
    asked = request.GET.get("find", "").strip()
    if asked and (number := _find(asked)) is not None:
        return redirect("provenance:log-entry", number)
    size = store.size()
    # Entries have no gaps, so the numbers are the pages: no row is counted or skipped to reach one.
    page: Page[int] = Paginator(range(size, 0, -1), PER_PAGE).get_page(request.GET.get("page"))
    numbers = list(page.object_list)
    rows = LogEntry.objects.filter(pk__in=[number - 1 for number in numbers]).order_by("-index")
    return _answer(
        request,
        "log.html",
        {"page": page, "rows": [_row(row) for row in rows], "asked": asked, "shown": "entries"},
    )


@require_safe
def checkpoints(request: HttpRequest) -> HttpResponse:
    """Every head that was signed, newest first."""
    page = Paginator(Checkpoint.objects.select_related("key").order_by("-size"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    heads = [
        {
            "size": row.size,
            "root": bytes(row.root).hex(),
            "created_at": row.created_at,
            "key": row.key_id,
        }
        for row in page
    ]
    return _answer(request, "log.html", {"page": page, "heads": heads, "shown": "checkpoints"})


@require_safe
def entry(request: HttpRequest, number: int) -> HttpResponse:
    """One entry and its proof in today's log, step by step."""
    row = LogEntry.objects.filter(pk=number - 1).first() if 0 < number <= 2**55 else None
    if row is None:
        raise Http404("The log has no entry with this number.")
    latest = store.latest_checkpoint()
    return _answer(
        request,
        "log_entry.html",
        {
            "row": _row(row),
            "steps": _path(row, latest.size),
            "proof": store.proof_text(row, latest),
            "before": number - 1,
            "after": number + 1 if number < latest.size else 0,
        },
    )


def _answer(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    latest = store.latest_checkpoint()
    shared = {
        "latest": latest,
        "root": bytes(latest.root).hex(),
        "origin": latest.key.name,
        "base": addresses.site(request),
    }
    return render(request, f"provenance/{template}", {**shared, "query": request.GET, **context})


def _row(row: LogEntry) -> dict[str, Any]:
    return {
        "number": row.index + 1,
        "hash": bytes(row.leaf_hash).hex(),
        "kind": KINDS.get(row.kind, row.kind.replace("-", " ").capitalize()),
        "created_at": row.created_at,
    }


def _find(asked: str) -> int | None:
    """The number of the entry with this number (1,234 or 1234) or leaf hash, if there is one."""
    text = asked.lower().removeprefix("sha256:")
    if HASH.fullmatch(text):
        found = LogEntry.objects.filter(leaf_hash=bytes.fromhex(text)).order_by("index").first()
        return found.index + 1 if found else None
    digits = text.replace(",", "")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        return None
    return int(digits) if 0 < int(digits) <= store.size() else None


def _path(row: LogEntry, size: int) -> list[Step]:
    """The inclusion proof walked upwards (RFC 9162, 2.1.3.2)."""
    steps = []
    fn, sn, top = row.index, size - 1, bytes(row.leaf_hash)
    for sibling in store.inclusion(row.index, size):
        left = bool(fn & 1) or fn == sn
        top = tree.node_hash(sibling, top) if left else tree.node_hash(top, sibling)
        while left and fn and not fn & 1:
            fn, sn = fn >> 1, sn >> 1
        fn, sn = fn >> 1, sn >> 1
        steps.append(Step("left" if left else "right", sibling.hex(), top.hex()))
    return steps
