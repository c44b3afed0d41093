"""Pieces of the admin that several apps use: a player, a state in words, read-only models."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.jobs import Job


def player(url: str, label: str) -> SafeString:
    """A player that loads nothing until somebody presses play."""
    return format_html('<audio controls preload="none" src="{}" aria-label="{}"></audio>', url, label)


def state(job: Job) -> str:
    """A job's state in words: what is under way with its share, what failed with its reason."""
    if job.status == job.RUNNING:
        words = f"{job.status}, {job.progress:.0%}" + (f": {job.stage}" if job.stage else "")
        return words + (" (asked to stop)" if job.cancel_asked else "")
    if job.status == job.FAILED and job.error:
        return f"{job.status}: {job.error}"
    return job.status


class ReadOnly:
    """A mixin for models nobody edits by hand: they may be looked at, and nothing else."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Listed(admin.ModelAdmin):
    """What every list here has: facets, a fixed page, no counting of the whole table twice."""

    show_facets = admin.ShowFacets.ALWAYS
    show_full_result_count = False
    list_per_page = 50


def counted(number: int, noun: str) -> str:
    """Such as "1 track" or "2 tracks"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
