"""What an export holds, folder by folder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Protocol

from rest_framework.utils.encoders import JSONEncoder

from catalog import accounts
from catalog.models import Artist, DNASnapshot, Track
from generation import blends
from generation.models import Adapter, GeneratedTrack, Generation
from provenance import bundle
from provenance.models import Certificate

README = """\
Everything {name} has in Starforge, packed on {day}.

  account.json        name, plan, rights, what others may do
  tracks/             your recordings: the file as uploaded, and what was measured and said about it
  playlists.json      lists from your collections
  dna/                every DNA that was drawn from your catalog
  presets.json        settings you keep under a name
  generations/        what was asked for: the request, and what it was read into
  takes/              what was made: audio, stems, and how it came about
  adapters/           what was learned from your recordings
  blends.json         agreements with other artists, and every step of them
  certificates/       each certificate as JSON, and as the zip that proves itself offline

JSON is UTF-8. Times are UTC.
"""


class Packing(Protocol):
    def text(self, name: str, data: bytes) -> None: ...
    def file(self, name: str, path: Path) -> None: ...


def dumped(value: Any) -> bytes:
    return json.dumps(value, cls=JSONEncoder, ensure_ascii=False, indent=1).encode()


def _safe(name: str) -> str:
    """A file name on every system."""
    return re.sub(r"[^\w. ()-]+", "_", name).strip(" .")[:80] or "untitled"


def write(artist: Artist, out: Packing) -> None:
    from django.utils import timezone

    out.text("README.txt", README.format(name=artist.name, day=f"{timezone.now():%-d %B %Y}").encode())
    out.text("account.json", dumped(_account(artist)))
    _tracks(artist, out)
    lists = artist.playlists.prefetch_related("entries")
    out.text(
        "playlists.json",
        dumped(
            [
                {
                    "name": one.name,
                    "folder": one.folder,
                    "source": one.source,
                    "tracks": [entry.track_id for entry in one.entries.all()],
                }
                for one in lists
            ]
        ),
    )
    for snapshot in DNASnapshot.objects.filter(artist=artist).iterator(chunk_size=20):
        out.text(
            f"dna/{_safe(snapshot.pk)}.json",
            dumped(
                {
                    "id": snapshot.pk,
                    "created_at": snapshot.created_at,
                    "catalog_hash": snapshot.catalog_hash,
                    "track_count": snapshot.track_count,
                    "dna": snapshot.document,
                }
            ),
        )
    out.text("presets.json", dumped([_columns(one) for one in artist.presets.all()]))
    for generation in Generation.objects.filter(artist=artist).iterator(chunk_size=20):
        out.text(f"generations/{generation.pk}.json", dumped(_columns(generation)))
    _takes(artist, out)
    out.text("blends.json", dumped(_blends(artist)))
    for adapter in Adapter.objects.filter(artist=artist).iterator(chunk_size=20):
        out.text(f"adapters/{adapter.pk}.json", dumped(_columns(adapter)))
        if adapter.status == Adapter.READY and adapter.folder.is_dir():
            for path in sorted(adapter.folder.iterdir()):
                out.file(f"adapters/{adapter.pk}/{path.name}", path)
    for certificate in Certificate.objects.filter(owner=artist).iterator(chunk_size=20):
        told = {
            "id": certificate.pk,
            "title": certificate.title,
            "created_at": certificate.created_at,
            "statement": certificate.statement,
            "envelope": certificate.envelope,
            "private": [
                {"name": part.name, "value": part.value, "salt": part.salt, "opened_at": part.opened_at}
                for part in certificate.private_parts.all()
            ],
        }
        out.text(f"certificates/{certificate.pk}.json", dumped(told))
        out.text(f"certificates/{certificate.pk}.zip", bundle.packed(certificate))


def _account(artist: Artist) -> dict[str, Any]:
    return {
        "username": artist.user.get_username(),
        "name": artist.name,
        "bio": artist.bio,
        "plan": artist.plan,
        "since": artist.created_at,
        "settings": artist.settings,
        "rights_statement": artist.rights_statement,
        "rights_declared_at": artist.rights_declared_at,
        "others_may": accounts.consents(artist),
    }


def _blends(artist: Artist) -> list[dict[str, Any]]:
    """Agreements as this artist may know them: of the other one the name, once they answered."""
    told = []
    for row in blends.of(artist).prefetch_related("consents", "steps"):
        own = blends.consent_of(row, artist)
        answered = row.accepted_at is not None or row.inviter_id != artist.pk
        partner = row.partner_of(artist) if answered else None
        told.append(
            {
                "id": row.pk,
                "state": row.state,
                "partner": partner.name if partner else None,
                "addressed": row.addressed if row.inviter_id == artist.pk else "",
                "you_agreed": None
                if own is None
                else {
                    "statement": own.statement,
                    "given_at": own.given_at,
                    "titles": own.titles,
                    "hears": own.hears,
                },
                "log": [
                    {"at": one.at, "step": one.step, "own": one.artist_id == artist.pk}
                    for one in row.steps.all()
                ],
            }
        )
    return told


def _columns(row: Any, *leave: str) -> dict[str, Any]:
    """A row as it is kept, without what only the queue needs."""
    queue = {"worker", "beat", "version", "cancel_asked", "artist_id", "user_id", "request_key"}
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.attname not in queue and field.attname not in leave
    }


def _tracks(artist: Artist, out: Packing) -> None:
    for track in Track.objects.of(artist).select_related("analysis").iterator(chunk_size=50):
        told = _columns(track, "path")
        told["analysis"] = track.analysis.document if track.analysis else None
        out.text(f"tracks/{track.pk}.json", dumped(told))
        if track.path:
            out.file(f"tracks/{track.pk} {_safe(track.filename or track.title)}", track.file)


def _takes(artist: Artist, out: Packing) -> None:
    takes = GeneratedTrack.objects.filter(generation__artist=artist).prefetch_related("tags")
    for take in takes.iterator(chunk_size=20):
        told = _columns(take, "audio_path")
        told["tags"] = [tag.name for tag in take.tags.all()]
        folder = f"takes/{take.pk} {_safe(take.title)}"
        out.text(f"{folder}/take.json", dumped(told))
        for kind in ("wav", "flac", "mp3"):
            if take.file(kind).is_file():
                out.file(f"{folder}/{take.file(kind).name}", take.file(kind))
        for stem in take.stems:
            path = take.stem_file(str(stem["name"]))
            if path.is_file():
                out.file(f"{folder}/stems/{path.name}", path)
