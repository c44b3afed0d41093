"""Origin stamps: an artist fixes in time that a recording they uploaded was theirs, before anything is made from it.

It is the artist's word, not a measurement: the certificate is `declared`. What is measured is the audio itself,
whose hash is signed. The artist's file stays as it is, byte for byte; takes made from it afterwards name the stamp
among their parents.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalog.accounts import catalog_id_of, rights_of
from catalog.audio.decode import decode
from catalog.audio.errors import AudioError
from catalog.audio.hashing import audio_digest
from catalog.models import Artist, Fingerprint, Track
from provenance import stamping, verification
from provenance.lineage import ORIGIN
from provenance.models import Certificate
from provenance.proof import Audio
from provenance.statement import utc_text

MADE_FROM = "made from"
BLEND_OF = "blend of"  # of a recording that is another artist's
MOST = 48  # in one statement, which has to fit a tag; the hash of its source map covers them all


def stamp(track: Track) -> tuple[Certificate, bool]:
    """The origin certificate of a track. (the certificate, False) where it has one already.

    Raises StampRefused with the reason: no audio yet, made by Starforge, or a format that cannot be stamped.
    """
    found = Certificate.objects.filter(track=track).first()
    if found is not None:
        return found, False
    if why := refusal(track):
        raise stamping.StampRefused(why)
    try:
        if why := _made_here(track):
            raise stamping.StampRefused(why)
        certificate = stamping.stamp(
            artist=track.artist,
            provenance=statement_of(track),
            renditions=[stamping.Rendition(track.format, track.file, mark=False)],
            title=track.title,
            private={"title": track.title},
            declared=True,
            idempotency_key=f"{ORIGIN}:{track.pk}",
            peaks=track.analysis.peaks if track.analysis else [],
            duration=track.duration,
            track=track,
            fingerprint=heard.frames if (heard := Fingerprint.objects.filter(track=track).first()) else None,
        )
    except AudioError as error:
        raise stamping.StampRefused(error.reason) from error
    except OSError as error:
        raise stamping.StampRefused(
            "The file of this track cannot be read. Upload it again, then stamp it."
        ) from error
    return certificate, True


def refusal(track: Track) -> str:
    """Why this track cannot have an origin stamp; "" when it can."""
    if track.origin == Track.Origin.GENERATED:
        return "Starforge made this recording: the certificate of the take says where it comes from."
    if not track.path or track.status == Track.METADATA:
        return "There is no recording to stamp yet. Upload it first."
    if track.status != Track.READY:
        return "Wait until the analysis is done, then stamp it."
    return ""


def statement_of(track: Track) -> dict[str, Any]:
    """The plan's provenance JSON of an upload: whose it is said to be, and since when it is here."""
    artist = track.artist
    rights: dict[str, Any] = {**rights_of(artist)}
    if artist.rights_declared_at:
        rights["declared"] = artist.rights_statement
        rights["declared_at"] = utc_text(artist.rights_declared_at)
    return {
        "type": ORIGIN,
        "artist": artist.name,
        "source": {"catalog_id": catalog_id_of(artist)},
        "recording": {
            "decoded_sha256": f"sha256:{track.audio_sha256}",
            "duration_seconds": track.duration,
            "received": utc_text(track.created_at),
        },
        "rights": rights,
        "parents": [],
    }


def of(artist: Artist, track_ids: Iterable[str], *, relation: str = MADE_FROM) -> list[dict[str, str]]:
    """The first MOST origin stamps of these recordings, as parents of what is made from them; no revoked ones."""
    rows = Certificate.objects.filter(owner=artist, track__in=set(track_ids), revocation=None)
    return [
        {"certificate_id": pk, "relation": relation}
        for pk in rows.order_by("entry_id").values_list("pk", flat=True)[:MOST]
    ]


def _made_here(track: Track) -> str:
    """Why this cannot be an origin: the sound is one that Starforge made, for whoever. "" when it is not.

    Known by its hash; of a copy that was coded or cut, by the mark in it.
    """
    from provenance import recognition  # it listens: numpy and scipy

    first = verification.by_audio(Audio(*audio_digest(track.file)))
    if first is not None and not first.declared:
        return f"This is a recording that Starforge made: {first.pk} certifies it."
    heard = decode(track.file)
    marked = recognition.by_watermark(heard.samples, heard.sample_rate)
    if marked is None:
        return ""
    return (
        f"This is a copy of a recording that Starforge made: it carries the mark of {marked.certificate.pk}."
    )
