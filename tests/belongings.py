"""One of everything that an artist can have, with the values that each address with an id takes for it.

An address nobody told about here fails the tests that need it: whoever adds one says what belongs in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from catalog.models import DuplicatePair, Import
from generation import blends
from generation.models import (
    Adapter,
    EvolutionNote,
    Exhibit,
    Export,
    Generation,
    Preset,
    Restoration,
    Share,
)
from tests.generation.stamped import stamped
from tests.people import Person, person
from tests.rows import generation_of, ready_track, take_of

# In every title, name and note that nobody but its owner may read.
SECRET = "Quillfeather"


@dataclass(frozen=True)
class Belongings:
    """`values`: for the start of each address with ids, their values. The longest start counts."""

    person: Person
    values: dict[str, dict[str, str]]

    def of(self, route: str) -> dict[str, str]:
        """Raises LookupError for an address nobody told about."""
        starts = [start for start in self.values if route.startswith(start)]
        if not starts:
            raise LookupError(f"tests/belongings.py says nothing about {route}")
        return self.values[max(starts, key=len)]

    @property
    def ids(self) -> list[str]:
        """Each id once."""
        return sorted({value for values in self.values.values() for value in values.values()})


def belongings(whose: Person, folder: Path | None = None) -> Belongings:
    """Make them. `folder`: where a recording to stamp may lie; without it there is no certificate.

    Stamping wants a test with transactions, and keys of its own.
    """
    artist = whose.artist
    track = ready_track(artist, f"{SECRET} one", filename=f"{SECRET}.wav")
    second = ready_track(artist, f"{SECRET} two")
    pair = DuplicatePair.objects.create(
        artist=artist, first=track, second=second, kind=DuplicatePair.Kind.NEAR
    )
    waiting = generation_of(artist, title=f"{SECRET} waits", prompt=f"{SECRET} in the dark")
    certificate = stamped(artist, folder, title=f"{SECRET} stamped") if folder else None
    fields: dict[str, Any] = {"title": f"{SECRET} take", "prompt": SECRET, "notes": SECRET}
    take = take_of(artist, certificate=certificate, **fields)
    Restoration.objects.create(take=take, status=Restoration.FAILED, error=f"{SECRET} is gone")
    adapter = Adapter.objects.create(artist=artist, name=SECRET, base="musicgen-small", recipe={"steps": 8})
    note = EvolutionNote.objects.create(artist=artist, on="2026-03-01", text=SECRET)
    export = Export.objects.create(artist=artist)
    share = Share.objects.create(take=take, expires_at=timezone.now() + timedelta(days=1))
    exhibit = Exhibit.objects.create(take=take)  # offered and not shown to anybody yet
    collection = Import.objects.create(artist=artist, source="rekordbox", filename=f"{SECRET}.xml")
    preset = Preset.objects.create(artist=artist, name=SECRET, engine="mosaic")
    token = artist.tokens.get()
    link = blends.invite(artist)
    other = person("partner", name="Pia Partner").artist
    blend = blends.accept(blends.invite(other, artist.user.get_username()), artist)
    told = {
        "id": blend.pk,
        "partner": artist.name,
        "weight": 0.5,
        "share": 0.5,
        "bars": 1,
        "of_bars": 2,
        "recordings": 1,
        "track_ids": [track.pk],
        "match": {"own": 0.5, "partner": 0.5, "blend": 0.5},
        "tracks_compared": {"own": 1, "partner": 1},
    }
    both = take_of(other, blend=told, **fields)  # the other one's, who lets this artist hear it
    Generation.objects.filter(pk=both.generation_id).update(blend=blend)
    values = {
        "catalog/imports/": {"pk": collection.pk},
        "catalog/duplicates/": {"pk": str(pair.pk), "track": track.pk},
        "catalog/tracks/": {"pk": track.pk},
        "account/tokens/": {"pk": str(token.pk)},
        "account/shares/": {"pk": share.pk},
        "account/export/": {"pk": export.pk},
        "generations/": {"pk": take.generation_id, "number": str(take.number)},
        "generations/<str:pk>/cancel/": {"pk": waiting.pk},
        "adapters/": {"pk": adapter.pk},
        "shared/": {"key": share.key},
        "gallery/": {"pk": exhibit.pk},
        "embed/": {"pk": exhibit.pk},
        "history/evolution/notes/": {"pk": str(note.pk)},
        "api/tracks/": {"pk": track.pk},
        "api/duplicates/": {"pk": str(pair.pk)},
        "api/imports/": {"pk": collection.pk},
        "api/dna/snapshots/": {"pk": waiting.snapshot_id},
        "api/adapters/": {"pk": adapter.pk},
        "api/evolution/notes/": {"pk": str(note.pk)},
        "api/export/": {"pk": export.pk},
        "generate/presets/": {"pk": preset.pk},
        "api/presets/": {"pk": preset.pk},
        "api/shares/": {"pk": share.pk},
        "collaborate/": {"pk": blend.pk},
        "collaborate/invitation/": {"key": str(link.key)},
        "collaborate/takes/": {"pk": both.pk},
        "api/blends/": {"pk": blend.pk},
        "api/blended-takes/": {"pk": both.pk},
        "api/generations/": {"pk": waiting.pk},
        "api/generated-tracks/": {"pk": take.pk, "name": "drums"},
        "log/": {"number": "1"},
        "api/log/checkpoints/": {"size": "1"},
        "history/evolution/drift.": {"kind": "svg"},
        "ws/generations/": {"pk": waiting.pk},
        "ws/adapters/": {"pk": adapter.pk},
    }
    if certificate is not None:
        for start in ("certificates/", "api/certificates/", "api/verify/"):
            values[start] = {"certificate_id": certificate.pk}
    return Belongings(whose, values)
