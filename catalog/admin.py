"""Curation of catalogs: hear what was uploaded, see what became of it, correct or withdraw it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from catalog import accounts, corrections, intake, security
from catalog.admin_parts import Listed, ReadOnly, counted, player, state
from catalog.analysis.keys import parse_key
from catalog.audio.ranged import ranged
from catalog.audio.sniff import FORMATS
from catalog.models import AccessToken, Analysis, Artist, DNASnapshot, Import, SecurityEvent, Track

admin.site.site_header = "Starforge curation"
admin.site.site_title = "Starforge"
admin.site.index_title = "What was made, and what became of it"

CORRECTIONS = {"title": "title", "bpm_override": "bpm", "key_override": "key", "genre_override": "genre"}


class GoesWhole(admin.ModelAdmin):
    """What nobody deletes one by one (tokens, snapshots, takes) goes with its artist."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        listed, counted, _, protected = super().get_deleted_objects(objs, request)
        return listed, counted, set(), protected


admin.site.unregister(get_user_model())


@admin.register(get_user_model())
class PersonAdmin(GoesWhole, UserAdmin):
    pass


@admin.register(Artist)
class ArtistAdmin(GoesWhole, Listed):
    list_display = ["name", "user", "plan", "tracks_ready", "rights_declared_at", "is_demo", "created_at"]
    list_filter = ["plan", "is_demo", "dna_includes_generated"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username", "user__email"]
    autocomplete_fields = ["user"]
    readonly_fields = ["created_at", "rights_declared_at"]
    date_hierarchy = "created_at"
    actions = ["to_free", "to_pro", "to_elite"]

    @admin.action(description="Change the plan to Free", permissions=["change"])
    def to_free(self, request: HttpRequest, artists: QuerySet[Artist]) -> None:
        self._plan(request, artists, Artist.Plan.FREE)

    @admin.action(description="Change the plan to Pro", permissions=["change"])
    def to_pro(self, request: HttpRequest, artists: QuerySet[Artist]) -> None:
        self._plan(request, artists, Artist.Plan.PRO)

    @admin.action(description="Change the plan to Elite", permissions=["change"])
    def to_elite(self, request: HttpRequest, artists: QuerySet[Artist]) -> None:
        self._plan(request, artists, Artist.Plan.ELITE)

    def _plan(self, request: HttpRequest, artists: QuerySet[Artist], plan: Artist.Plan) -> None:
        chosen = list(artists.select_related("user"))
        Artist.objects.filter(pk__in=[one.pk for one in chosen]).update(plan=plan)
        for one in chosen:
            self.log_change(request, one, f"Plan: {one.get_plan_display()} to {plan.label}.")
            security.record(security.Kind.PLAN_CHANGED, one.user, detail=plan.label)
        self.message_user(
            request, f"{counted(len(chosen), 'artist')} now on the plan {plan.label}.", messages.SUCCESS
        )

    def save_model(self, request: HttpRequest, obj: Artist, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "plan" in form.changed_data:
            security.record(security.Kind.PLAN_CHANGED, obj.user, detail=obj.get_plan_display())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Artist]:
        ready = Track.objects.filter(artist=OuterRef("pk"), status=Track.READY).order_by().values("artist")
        count = Subquery(ready.annotate(n=Count("pk")).values("n"))
        return super().get_queryset(request).annotate(ready=Coalesce(count, 0))

    @admin.display(description="tracks ready", ordering="ready")
    def tracks_ready(self, artist: Any) -> int:
        return int(artist.ready)


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnly, Listed):
    """Keys are made by their owners; here they can be revoked."""

    list_display = ["name", "prefix", "artist", "scope", "created_at", "last_used_at", "revoked_at"]
    list_filter = ["scope", ("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["artist"]
    search_fields = ["name", "prefix", "artist__name"]
    fields = ["name", "prefix", "artist", "scope", "created_at", "last_used_at", "revoked_at"]
    actions = ["revoke"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("catalog.change_accesstoken")

    @admin.action(description="Revoke the selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[AccessToken]) -> None:
        done = sum(accounts.revoke_token(token) for token in tokens.select_related("artist__user"))
        self.message_user(request, f"{counted(done, 'token')} revoked.", messages.SUCCESS)


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnly, Listed):
    """What happened to accounts. Nobody edits it; it goes after STARFORGE_SECURITY_DAYS."""

    list_display = ["at", "kind", "user", "detail", "by", "address"]
    list_filter = ["kind", ("user", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["user__username", "detail", "by", "address"]
    date_hierarchy = "at"
    fields = ["at", "kind", "user", "detail", "by", "address", "agent"]


class AnalysisInline(ReadOnly, admin.TabularInline):
    model = Analysis
    fk_name = "track"
    extra = 0
    verbose_name_plural = "analyses, newest first"
    fields = ["version", "tempo", "key_shown", "loudness", "energy_shown", "took", "created_at"]
    readonly_fields = ["tempo", "key_shown", "loudness", "energy_shown", "took"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Analysis]:
        rows = super().get_queryset(request).defer("document", "vector", "peaks")
        return rows.order_by("-created_at")

    @admin.display(description="BPM")
    def tempo(self, found: Analysis) -> str:
        return "" if found.bpm is None else f"{found.bpm:.1f} (sure: {found.bpm_confidence:.0%})"

    @admin.display(description="key")
    def key_shown(self, found: Analysis) -> str:
        named = f"{found.key_name} {found.camelot} (sure: {found.key_confidence:.0%})"
        return named if found.key_name else ""

    @admin.display(description="LUFS")
    def loudness(self, found: Analysis) -> str:
        return "" if found.lufs is None else f"{found.lufs:.1f}"

    @admin.display(description="energy")
    def energy_shown(self, found: Analysis) -> str:
        return "" if found.energy is None else f"{found.energy:.2f}"

    @admin.display(description="took")
    def took(self, found: Analysis) -> str:
        return f"{found.seconds_taken:.1f} s"


class CorrectionForm(forms.ModelForm):
    """What may be typed here is what the artist may type."""

    class Meta:
        model = Track
        fields = ["title", "bpm_override", "key_override", "genre_override"]
        labels = {"bpm_override": "BPM", "key_override": "Key", "genre_override": "Genre"}
        help_texts = {"genre_override": "Several are divided by slashes. Empty: what the file says."}

    def clean_bpm_override(self) -> float | None:
        bpm: float | None = self.cleaned_data["bpm_override"]
        try:
            corrections.columns(self.instance, {"bpm": bpm})
        except forms.ValidationError as error:
            raise forms.ValidationError(error.message_dict["bpm"]) from None
        return bpm

    def clean_key_override(self) -> str:
        text = str(self.cleaned_data["key_override"]).strip()
        if not text:
            return ""
        try:
            key = parse_key(text)
        except ValueError:
            key = None
        if key is None:
            raise forms.ValidationError("Write the key as F minor, Fm, 4A or 9m.")
        return key.name


@admin.register(Track)
class TrackAdmin(Listed):
    form = CorrectionForm
    list_display = [
        "title",
        "artist",
        "state",
        "hear",
        "tempo",
        "key_shown",
        "energy",
        "origin",
        "created_at",
    ]
    list_filter = ["status", "origin", "format", ("analysis", admin.EmptyFieldListFilter)]
    search_fields = ["title", "filename", "artist__name", "id", "file_sha256", "audio_sha256"]
    date_hierarchy = "created_at"
    inlines = [AnalysisInline]
    actions = ["analyse_again"]
    fieldsets = [
        (None, {"fields": ["title", "hear", "artist", "state", "origin"]}),
        ("Corrections", {"fields": ["bpm_override", "key_override", "genre_override"]}),
        (
            "File",
            {
                "fields": [
                    "filename",
                    "format",
                    "size_bytes",
                    "duration",
                    "sample_rate",
                    "channels",
                    "file_sha256",
                    "audio_sha256",
                    "found_tags",
                    "duplicate_of",
                ]
            },
        ),
        (
            "Analysis job",
            {"fields": ["attempts", "worker", "beat", "queued_at", "started_at", "finished_at"]},
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Track | None = None) -> list[str]:
        shown = [str(name) for _, section in self.fieldsets for name in section["fields"]]
        return [name for name in shown if name not in CORRECTIONS]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Track]:
        return Track.objects.listed().select_related("duplicate_of").defer("analysis__peaks")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # tracks come in by upload

    def save_model(self, request: HttpRequest, obj: Track, form: Any, change: bool) -> None:
        # Only what was typed is written: a worker may be writing the rest of the row in this moment.
        typed = {CORRECTIONS[name]: form.cleaned_data[name] for name in form.changed_data}
        intake.correct(Track.objects.select_related("analysis").get(pk=obj.pk), **typed)

    def delete_model(self, request: HttpRequest, obj: Track) -> None:
        intake.withdraw(obj, row=True)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Track]) -> None:
        for track in queryset:
            intake.withdraw(track, row=True)

    @admin.action(description="Analyse again (failed tracks)", permissions=["change"])
    def analyse_again(self, request: HttpRequest, tracks: QuerySet[Track]) -> None:
        done = sum(intake.retry(track) for track in tracks)
        left = len(tracks) - done
        words = f"Analysed again: {counted(done, 'track')}."
        if left:
            words += f" Left as they are, because they had not failed: {left:,}."
        self.message_user(request, words, messages.SUCCESS if done else messages.WARNING)

    # --- columns ------------------------------------------------------------------------------------

    @admin.display(description="state", ordering="status")
    def state(self, track: Track) -> str:
        return state(track)

    @admin.display(description="listen")
    def hear(self, track: Track) -> SafeString | str:
        if not track.path:
            return "No audio"
        return player(reverse("admin:catalog_track_audio", args=[track.pk]), f"Play {track.title}")

    @admin.display(description="BPM", ordering="analysis__bpm")
    def tempo(self, track: Track) -> str:
        return "" if track.bpm is None else f"{track.bpm:.1f}" + (" (typed)" if track.bpm_override else "")

    @admin.display(description="key", ordering="analysis__camelot")
    def key_shown(self, track: Track) -> str:
        return f"{track.key.short} {track.key.camelot}" if track.key else ""

    @admin.display(ordering="analysis__energy")
    def energy(self, track: Track) -> str:
        found = track.analysis
        return "" if found is None or found.energy is None else f"{found.energy:.2f}"

    @admin.display(description="tags in the file")
    def found_tags(self, track: Track) -> SafeString | str:
        return format_html_join(", ", "{}: {}", track.tags.items()) or "None"

    # --- sound for staff ----------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        hear = path("<path:pk>/audio/", self.admin_site.admin_view(self.audio), name="catalog_track_audio")
        return [hear, *super().get_urls()]

    def audio(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        """The file of any artist's track, for staff who may look at tracks."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        track = Track.objects.filter(pk=pk).first()
        if track is None or not track.path or not track.file.is_file():
            raise Http404
        return ranged(
            request,
            track.file,
            content_type=FORMATS[track.format].mime
            if track.format in FORMATS
            else "application/octet-stream",
            filename=track.filename,
        )


@admin.register(Import)
class ImportAdmin(ReadOnly, Listed):
    """Collections that came in, and what became of them."""

    list_display = ["filename", "artist", "source", "state", "created_at"]
    list_filter = ["status", "source"]
    list_select_related = ["artist"]
    search_fields = ["id", "filename", "artist__name"]
    date_hierarchy = "created_at"
    fields = ["filename", "artist", "source", "state", "size_bytes", "file_sha256", "report", "created_at"]

    @admin.display(description="state", ordering="status")
    def state(self, row: Import) -> str:
        return state(row)


@admin.register(DNASnapshot)
class DNASnapshotAdmin(ReadOnly, Listed):
    """What generations were conditioned on: never edited, never deleted by hand."""

    list_display = ["id", "artist", "track_count", "catalog_hash", "created_at"]
    list_select_related = ["artist"]
    search_fields = ["id", "artist__name", "catalog_hash"]
    date_hierarchy = "created_at"
    fields = ["id", "artist", "track_count", "catalog_hash", "inputs_digest", "document", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DNASnapshot]:
        rows = super().get_queryset(request)
        # The list shows none of it; the page of one snapshot loads it when it is shown.
        return rows.defer("document", "track_ids")
