"""Adapters and the consents they rest on: to be followed, stopped and deleted, and never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from catalog.admin_parts import Listed, ReadOnly, state
from generation import adapters, consents
from generation.admin_parts import Steered, certificate_link
from generation.models import Adapter, AdapterSource, TrainingConsent
from generation.submitting import Refused


class SourceInline(ReadOnly, admin.TabularInline):
    model = AdapterSource
    extra = 0
    verbose_name_plural = "learns from"
    fields = ["artist", "own", "recordings", "catalog_hash", "consent", "consent_sha256"]
    readonly_fields = ["recordings"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AdapterSource]:
        return super().get_queryset(request).select_related("artist", "consent")

    @admin.display(description="recordings")
    def recordings(self, source: AdapterSource) -> int:
        return len(source.track_ids)


@admin.register(Adapter)
class AdapterAdmin(ReadOnly, Steered, Listed):
    """A finished adapter is signed as it is. Deleting one removes its file, checkpoint and tokens too."""

    list_display = ["name", "artist", "state", "base", "aggregate", "step", "best_loss", "created_at"]
    list_filter = ["status", "base", "aggregate"]
    list_select_related = ["artist"]
    search_fields = ["name", "id", "artist__name", "sha256", "certificate__id"]
    date_hierarchy = "created_at"
    inlines = [SourceInline]
    actions = ["cancel", "go_on"]
    fields = [
        "name",
        "artist",
        "state",
        "usable",
        "base",
        "recipe",
        "aggregate",
        "genre",
        "step",
        "seconds_trained",
        "best_loss",
        "card",
        "sha256",
        "base_sha256",
        "catalog_hash",
        "size_bytes",
        "certificate_shown",
        "attempts",
        "worker",
        "beat",
        "queued_at",
        "started_at",
        "finished_at",
    ]
    readonly_fields = ["state", "usable", "certificate_shown"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Adapter]:
        return super().get_queryset(request).defer("recipe", "curves", "card")

    def has_delete_permission(self, request: HttpRequest, obj: Adapter | None = None) -> bool:
        return request.user.has_perm("generation.delete_adapter")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # Sources are not deleted one by one, but they go with their adapter.
        listed, counted, needed, protected = super().get_deleted_objects(objs, request)
        return listed, counted, needed - {AdapterSource._meta.verbose_name}, protected

    def delete_model(self, request: HttpRequest, obj: Adapter) -> None:
        adapters.delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Adapter]) -> None:
        for one in queryset:
            adapters.delete(one)

    @admin.action(description="Cancel the selected trainings", permissions=["steer"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Adapter]) -> None:
        self.tell(request, len(chosen), sum(adapters.cancel(one) for one in chosen), "Being stopped")

    @admin.action(description="Continue (failed and cancelled)", permissions=["steer"])
    def go_on(self, request: HttpRequest, chosen: QuerySet[Adapter]) -> None:
        done = 0
        for one in chosen:
            try:
                done += adapters.go_on(one)
            except Refused as error:
                self.message_user(request, f"{one.name}: {error}", messages.WARNING)
        self.tell(request, len(chosen), done, "Queued again")

    @admin.display(ordering="status")
    def state(self, one: Adapter) -> str:
        return state(one)

    @admin.display(description="new takes")
    def usable(self, one: Adapter) -> str:
        return adapters.unusable(one) or "Can be made with it."

    @admin.display(description="certificate")
    def certificate_shown(self, one: Adapter) -> SafeString | str:
        return certificate_link(one)


@admin.register(TrainingConsent)
class TrainingConsentAdmin(ReadOnly, Steered, Listed):
    """A consent is what an artist said: it can be taken back here on their word, and never given or changed."""

    list_display = ["artist", "given_at", "withdrawn_at"]
    list_filter = [("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["artist"]
    search_fields = ["artist__name"]
    date_hierarchy = "given_at"
    fields = ["artist", "statement", "given_at", "withdrawn_at", "sha256"]
    readonly_fields = ["sha256"]
    actions = ["withdraw"]

    @admin.action(description="Withdraw, as the artist asked", permissions=["steer"])
    def withdraw(self, request: HttpRequest, chosen: QuerySet[TrainingConsent]) -> None:
        standing = [one for one in chosen.select_related("artist") if one.withdrawn_at is None]
        self.tell(request, len(chosen), sum(consents.withdraw(one.artist) for one in standing), "Withdrawn")

    @admin.display(description="named in cards and certificates as")
    def sha256(self, consent: TrainingConsent) -> str:
        return consents.sha256(consent)
