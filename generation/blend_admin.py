"""Agreements of two artists in the admin: to be read, and never given or changed for anybody."""

from __future__ import annotations

from django.contrib import admin

from catalog.admin_parts import Listed, ReadOnly
from generation.models import Blend, BlendConsent, BlendStep


class ConsentInline(ReadOnly, admin.TabularInline):
    model = BlendConsent
    extra = 0
    fields = ["artist", "given_at", "titles", "hears", "statement"]


class StepInline(ReadOnly, admin.TabularInline):
    model = BlendStep
    extra = 0
    fields = ["at", "artist", "step", "titles", "hears"]


@admin.register(Blend)
class BlendAdmin(ReadOnly, Listed):
    list_display = ["id", "inviter", "invited", "created_at", "accepted_at", "ended_at", "ending"]
    list_filter = ["ending", ("accepted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["inviter", "invited"]
    search_fields = ["=id", "inviter__name", "invited__name"]
    date_hierarchy = "created_at"
    fields = ["inviter", "invited", "created_at", "expires_at", "accepted_at", "ended_at", "ending"]
    inlines = [ConsentInline, StepInline]
