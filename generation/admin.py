"""Curation of what was made: follow requests, stop them or try again, hear the takes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from catalog.admin_parts import Listed, ReadOnly, player, state
from catalog.audio.ranged import ranged
from generation import lifecycle
from generation.adapter_admin import AdapterAdmin, TrainingConsentAdmin
from generation.admin_parts import Steered, certificate_link
from generation.blend_admin import BlendAdmin
from generation.gallery_admin import ExhibitAdmin, ExhibitReportAdmin
from generation.models import GeneratedTrack, Generation

__all__ = [
    "AdapterAdmin",
    "BlendAdmin",
    "ExhibitAdmin",
    "ExhibitReportAdmin",
    "GeneratedTrackAdmin",
    "GenerationAdmin",
    "TrainingConsentAdmin",
]

LARGE = (
    "generation_params",
    "catalog_snapshot",
    "built_from",
    "sections",
    "plan",
    "stems",
    "peaks",
    "vector",
)


def take_player(take: GeneratedTrack) -> SafeString:
    return player(reverse("admin:generation_generatedtrack_audio", args=[take.pk]), f"Play {take.title}")


class TakeInline(ReadOnly, admin.TabularInline):
    model = GeneratedTrack
    extra = 0
    verbose_name_plural = "takes"
    fields = [
        "number",
        "title",
        "hear",
        "similarity_score",
        "certificate_shown",
        "library_track",
        "created_at",
    ]
    readonly_fields = ["hear", "certificate_shown"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[GeneratedTrack]:
        return super().get_queryset(request).select_related("library_track").defer(*LARGE)

    @admin.display(description="listen")
    def hear(self, take: GeneratedTrack) -> SafeString:
        return take_player(take)

    @admin.display(description="certificate")
    def certificate_shown(self, take: GeneratedTrack) -> SafeString | str:
        return certificate_link(take)


@admin.register(Generation)
class GenerationAdmin(ReadOnly, Steered, Listed):
    list_display = [
        "title",
        "artist",
        "state",
        "prompt_shown",
        "engine",
        "takes_made",
        "best_match",
        "created_at",
    ]
    list_filter = ["status", "engine"]
    list_select_related = ["artist"]
    search_fields = ["title", "prompt", "id", "artist__name"]
    date_hierarchy = "created_at"
    inlines = [TakeInline]
    actions = ["cancel", "try_again"]
    fields = [
        "title",
        "artist",
        "state",
        "prompt",
        "engine",
        "params",
        "brief",
        "notes",
        "snapshot",
        "parent",
        "estimate_seconds",
        "attempts",
        "worker",
        "beat",
        "queued_at",
        "started_at",
        "finished_at",
    ]
    readonly_fields = ["state"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Generation]:
        # Subqueries: a join would group by every column, the large ones too, wherever Django counts dates.
        takes = GeneratedTrack.objects.filter(generation=OuterRef("pk")).order_by().values("generation")
        return (
            super()
            .get_queryset(request)
            .defer("params", "brief", "notes")
            .annotate(
                made=Coalesce(Subquery(takes.annotate(n=Count("pk")).values("n")), 0),
                best=Subquery(takes.annotate(n=Max("similarity_score")).values("n")),
            )
        )

    def has_delete_permission(self, request: HttpRequest, obj: Generation | None = None) -> bool:
        return request.user.has_perm("generation.delete_generation")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # Takes are not deleted one by one, but they go with their generation.
        listed, counted, needed, protected = super().get_deleted_objects(objs, request)
        return listed, counted, needed - {GeneratedTrack._meta.verbose_name}, protected

    def delete_model(self, request: HttpRequest, obj: Generation) -> None:
        lifecycle.delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Generation]) -> None:
        for generation in queryset:
            lifecycle.delete(generation)

    @admin.action(description="Cancel the selected generations", permissions=["steer"])
    def cancel(self, request: HttpRequest, generations: QuerySet[Generation]) -> None:
        done = sum(lifecycle.cancel(one) for one in generations)
        self.tell(request, len(generations), done, "Being stopped")

    @admin.action(description="Try again (failed and cancelled)", permissions=["steer"])
    def try_again(self, request: HttpRequest, generations: QuerySet[Generation]) -> None:
        done = sum(lifecycle.retry(one, limited=False) for one in generations)
        self.tell(request, len(generations), done, "Queued again")

    @admin.display(ordering="status")
    def state(self, generation: Generation) -> str:
        return state(generation)

    @admin.display(description="prompt", ordering="prompt")
    def prompt_shown(self, generation: Generation) -> str:
        prompt = generation.prompt
        return prompt if len(prompt) <= 60 else prompt[:59] + "…"

    @admin.display(description="takes", ordering="made")
    def takes_made(self, generation: Any) -> int:
        return int(generation.made)

    @admin.display(description="best match", ordering="best")
    def best_match(self, generation: Any) -> str:
        return "" if generation.best is None else f"{generation.best:.1%}"


@admin.register(GeneratedTrack)
class GeneratedTrackAdmin(ReadOnly, Listed):
    """A take is signed as it is: it can be heard and read here, not edited."""

    list_display = [
        "title",
        "artist",
        "hear",
        "match",
        "engine",
        "certificate_shown",
        "in_library",
        "created_at",
    ]
    list_filter = [
        "engine",
        ("certificate", admin.EmptyFieldListFilter),
        ("library_track", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["generation__artist"]
    search_fields = ["title", "prompt", "id", "certificate__id", "generation__artist__name", "render_sha256"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    fields = [
        "title",
        "hear",
        "generation",
        "number",
        "prompt",
        "requested",
        "measured",
        "similarity_score",
        "similarity",
        "closest_tracks",
        "novelty",
        "certificate_shown",
        "provenance_signature",
        "render_sha256",
        "engine",
        "model_version",
        "licence",
        "seed",
        "duration",
        "size_bytes",
        "library_track",
        "created_at",
    ]
    readonly_fields = ["hear", "certificate_shown"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[GeneratedTrack]:
        rows = super().get_queryset(request)
        return rows.defer(*LARGE, "generation__params", "generation__brief", "generation__notes")

    @admin.display(description="listen")
    def hear(self, take: GeneratedTrack) -> SafeString:
        return take_player(take)

    @admin.display(ordering="generation__artist__name")
    def artist(self, take: GeneratedTrack) -> str:
        return take.generation.artist.name

    @admin.display(ordering="similarity_score")
    def match(self, take: GeneratedTrack) -> str:
        return f"{take.similarity_score:.1%}"

    @admin.display(description="certificate", ordering="certificate")
    def certificate_shown(self, take: GeneratedTrack) -> SafeString | str:
        return certificate_link(take)

    @admin.display(boolean=True)
    def in_library(self, take: GeneratedTrack) -> bool:
        return take.library_track_id is not None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.audio)
        hear = path("<path:pk>/audio/", view, name="generation_generatedtrack_audio")
        return [hear, *super().get_urls()]

    def audio(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        """The preview of any artist's take, for staff who may look at takes."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        take = GeneratedTrack.objects.select_related("generation").filter(pk=pk).first()
        path = None if take is None else take.file("preview")
        if path is None or not path.is_file():
            raise Http404
        return ranged(request, path, content_type="audio/mpeg", filename=path.name)
