"""Curation of the gallery: promote, put into the canon, take down, and what visitors reported."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from catalog.admin_parts import Listed, ReadOnly, counted, player
from generation import gallery
from generation.admin_parts import certificate_link
from generation.models import Exhibit, ExhibitReport


class ReportInline(ReadOnly, admin.TabularInline):
    model = ExhibitReport
    extra = 0
    verbose_name_plural = "reports"
    fields = ["reason", "words", "contact", "created_at", "handled_at"]


@admin.register(Exhibit)
class ExhibitAdmin(ReadOnly, Listed):
    list_display = [
        "title",
        "artist",
        "hear",
        "state",
        "taken_down_at",
        "open_reports",
        "certificate_shown",
        "created_at",
    ]
    list_filter = ["state", ("taken_down_at", admin.EmptyFieldListFilter)]
    list_select_related = ["take__generation__artist"]
    search_fields = ["id", "take__title", "take__generation__artist__name"]
    date_hierarchy = "created_at"
    inlines = [ReportInline]
    fields = [
        "title",
        "artist",
        "hear",
        "state",
        "taken_down_at",
        "curated_at",
        "certificate_shown",
        "created_at",
    ]
    readonly_fields = ["title", "artist", "hear", "certificate_shown"]
    actions = ["to_sandbox", "promote", "to_canon", "take_down"]

    def has_curate_permission(self, request: HttpRequest) -> bool:
        """Curating changes no field by hand, but needs the right to change exhibits."""
        return request.user.has_perm("generation.change_exhibit")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Exhibit]:
        waiting = Count("reports", filter=Q(reports__handled_at=None))
        rows = (
            super()
            .get_queryset(request)
            .only(
                "id",
                "state",
                "taken_down_at",
                "curated_at",
                "created_at",
                "take__title",
                "take__certificate_id",
                "take__generation__artist__name",
            )
        )
        return rows.annotate(waiting=waiting)

    @admin.display(ordering="take__title")
    def title(self, row: Exhibit) -> str:
        return row.take.title

    @admin.display(ordering="take__generation__artist__name")
    def artist(self, row: Exhibit) -> str:
        return row.take.generation.artist.name

    @admin.display(description="listen")
    def hear(self, row: Exhibit) -> SafeString:
        audio = reverse("admin:generation_generatedtrack_audio", args=[row.take_id])
        return player(audio, f"Play {row.take.title}")

    @admin.display(description="certificate")
    def certificate_shown(self, row: Exhibit) -> SafeString | str:
        return certificate_link(row.take)

    @admin.display(description="open reports", ordering="waiting")
    def open_reports(self, row: Any) -> int:
        return int(row.waiting)

    def _curate(self, request: HttpRequest, rows: QuerySet[Exhibit], state: Exhibit.State) -> None:
        chosen = Exhibit.objects.filter(pk__in=list(rows.values_list("pk", flat=True)))
        done = gallery.curate(chosen, state)
        level = messages.SUCCESS if done else messages.WARNING
        self.message_user(request, f"{counted(done, 'exhibit')} now in {state.label}.", level)

    @admin.action(description="Back to the sandbox (not shown)", permissions=["curate"])
    def to_sandbox(self, request: HttpRequest, rows: QuerySet[Exhibit]) -> None:
        self._curate(request, rows, Exhibit.State.SANDBOX)

    @admin.action(description="Promote (shown)", permissions=["curate"])
    def promote(self, request: HttpRequest, rows: QuerySet[Exhibit]) -> None:
        self._curate(request, rows, Exhibit.State.PROMOTED)

    @admin.action(description="Into the canon (shown)", permissions=["curate"])
    def to_canon(self, request: HttpRequest, rows: QuerySet[Exhibit]) -> None:
        self._curate(request, rows, Exhibit.State.CANON)

    @admin.action(description="Take down for good", permissions=["curate"])
    def take_down(self, request: HttpRequest, rows: QuerySet[Exhibit]) -> None:
        chosen = Exhibit.objects.filter(pk__in=list(rows.values_list("pk", flat=True)))
        done = gallery.take_down(chosen)
        self.message_user(request, f"{counted(done, 'exhibit')} taken down.", messages.SUCCESS)


@admin.register(ExhibitReport)
class ExhibitReportAdmin(ReadOnly, Listed):
    list_display = ["reason", "words", "contact", "exhibit", "created_at", "handled_at"]
    list_filter = ["reason", ("handled_at", admin.EmptyFieldListFilter)]
    list_select_related = ["exhibit"]
    search_fields = ["words", "contact", "exhibit__id"]
    date_hierarchy = "created_at"
    fields = ["reason", "words", "contact", "exhibit", "created_at", "handled_at"]
    actions = ["take_down", "close"]

    def has_curate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("generation.change_exhibit")

    @admin.action(description="Take down what was reported", permissions=["curate"])
    def take_down(self, request: HttpRequest, rows: QuerySet[ExhibitReport]) -> None:
        chosen = Exhibit.objects.filter(pk__in=list(rows.values_list("exhibit_id", flat=True)))
        done = gallery.take_down(chosen)
        self.message_user(request, f"{counted(done, 'exhibit')} taken down.", messages.SUCCESS)

    @admin.action(description="Close without taking down", permissions=["curate"])
    def close(self, request: HttpRequest, rows: QuerySet[ExhibitReport]) -> None:
        pks = list(rows.values_list("pk", flat=True))
        done = ExhibitReport.objects.filter(pk__in=pks, handled_at=None).update(handled_at=timezone.now())
        self.message_user(request, f"{counted(done, 'report')} closed.", messages.SUCCESS)
