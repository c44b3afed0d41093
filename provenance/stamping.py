"""Stamp a recording: hash, state, sign, log, checkpoint, mark the files.

Safe to run twice and to be killed anywhere. With an idempotency key a second call finds the first one's
certificate and only finishes what is missing: the checkpoint, or the marks in some of the files.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.audio.errors import AudioError
from catalog.audio.hashing import audio_digest, file_sha256
from catalog.audio.marking import MARKABLE
from catalog.audio.sniff import sniff
from catalog.models import Artist, Track
from provenance import (
    content_credentials,
    credentials,
    disclosure,
    keys,
    outbox,
    statement,
    streams,
    timestamps,
)
from provenance.canonical import canonical
from provenance.log import store
from provenance.manifest.attaching import Attaching
from provenance.manifest.judging import carried as carried_by_manifest
from provenance.manifest.limited import Unavailable
from provenance.models import (
    Certificate,
    CertifiedRendition,
    PrivatePart,
    certificate_id,
)
from provenance.signing import seal

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    import numpy as np


class StampRefused(Exception):
    """A stamp that cannot be given. The message is one sentence for the artist."""


class StampConflict(StampRefused):
    """The idempotency key already belongs to a stamp of other audio."""


@dataclass(frozen=True)
class Rendition:
    """One audio file to stamp. `format` names it in the statement: wav, flac, mp3, preview …

    `mark`: write the credentials into the file. Off for a copy that its owner does not get back.
    `whole`: no recording but a file of another kind, sealed byte for byte; it cannot be marked.
    """

    format: str
    path: Path
    mark: bool = True
    whole: bool = False


def stamp(
    *,
    artist: Artist | None,
    provenance: Mapping[str, Any],
    renditions: Sequence[Rendition],
    title: str,
    idempotency_key: str | None = None,
    declared: bool = False,
    peaks: Sequence[int] = (),
    duration: float | None = None,
    artist_name: str | None = None,
    private: Mapping[str, Any] | None = None,
    track: Track | None = None,
    fingerprint: np.ndarray | None = None,
) -> Certificate:
    """Certify `renditions` of one recording with the plan's `provenance` JSON.

    `declared` marks a stamp on an account's word alone (POST /api/stamp), as opposed to what the pipeline
    measured itself. `peaks` (0..127) and `duration` (seconds) are for the certificate's picture and are not
    signed. `private` (title, prompt, notes …) is signed as salted hashes only, which the owner may open later
    (`provenance.disclosure`); with a private title the statement has none. `track`: the upload whose
    origin stamp this is. `fingerprint` (catalog.audio.fingerprint) is kept so that altered copies are
    recognised, and is not signed.

    Raises StampRefused or StampConflict, AudioError for a file that cannot be read, and RuntimeError inside
    another transaction: a stamp must not be rolled back after its checkpoint was signed.
    """
    with content_credentials.begun(_to_mark(renditions)) as ready:
        subjects = _subjects(renditions)
        found = _earlier(artist, idempotency_key, subjects)
        if found is None:
            name = artist_name or (artist.name if artist else "Unknown artist")
            try:
                found = _issue(
                    artist=artist,
                    name=name,
                    title=title,
                    provenance=provenance,
                    subjects=subjects,
                    declared=declared,
                    idempotency_key=idempotency_key,
                    peaks=peaks,
                    duration=duration,
                    private=private or {},
                    track=track,
                )
            except IntegrityError:  # the same key, at the same moment, in another process
                found = _earlier(artist, idempotency_key, subjects)
                if found is None:
                    raise
        if fingerprint is not None:
            from provenance import finding  # numpy stays out of web processes that stamp nothing

            finding.keep(found, fingerprint)
        _mark(found, renditions, ready)
    outbox.announce(found)
    timestamps.announce(found)
    return found


def matches(certificate: Certificate, rendition: Rendition) -> bool:
    """Whether the certificate was given for the audio of this file, by every hash it signed of it."""
    (found,) = _subjects([rendition])
    return certificate.renditions.filter(
        name=found.name, kind=found.kind, audio_sha256=found.sha256, stream_sha256=found.stream
    ).exists()


def mark_again(certificate: Certificate, renditions: Sequence[Rendition]) -> None:
    """Write the credentials of an existing certificate into files made anew, after `matches` said yes to each.

    Raises StampRefused for a file whose audio the certificate is not about.
    """
    for rendition in renditions:
        if not matches(certificate, rendition):
            raise StampRefused(f"The {rendition.format} file is not the recording of this certificate.")
    _mark(certificate, renditions)


def hand_back(certificate: Certificate, path: Path) -> None:
    """Write the credentials into a copy that its owner handed in again. Its audio decides which rendition it is.

    Raises StampRefused when the certificate is not about this audio, AudioError for what is no recording.
    """
    rows = list(certificate.renditions.all())
    (found,) = _subjects([Rendition("copy", path)])
    row = next((one for one in rows if (one.kind, one.audio_sha256) == (found.kind, found.sha256)), None)
    if row is None:
        raise StampRefused("This file is not the recording of this certificate.")
    _mark_one(certificate, Rendition(row.name, path), row, _carried(certificate))


def certificate_url(certificate: Certificate) -> str:
    """The certificate's public address, "" when this installation does not know its own."""
    return absolute(certificate.get_absolute_url()) if settings.STARFORGE_PUBLIC_URL else ""


def absolute(path: str) -> str:
    """`path` with this installation's public address in front, where it is known."""
    return f"{settings.STARFORGE_PUBLIC_URL}{path}"


def _subjects(renditions: Sequence[Rendition]) -> list[statement.Subject]:
    """By their hashes, two at a time: hashing and waiting for a decoder leave Python free."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_subject, renditions))


def _subject(rendition: Rendition) -> statement.Subject:
    path = rendition.path
    if rendition.whole:
        return statement.Subject(rendition.format, statement.FILE_KIND, file_sha256(path))
    found = sniff(path).name
    if found not in (*MARKABLE, "m4a"):
        raise StampRefused(
            f"{found.upper()} files cannot be stamped yet. Export the recording as WAV, FLAC,"
            " AIFF, MP3 or M4A."
        )
    kind, digest = streams.identity(path) if found == "m4a" else audio_digest(path)
    stream = streams.flac_stream_sha256(path) if found == "flac" else ""
    return statement.Subject(rendition.format, kind, digest, stream)


def _to_mark(renditions: Sequence[Rendition]) -> list[Path]:
    return [one.path for one in renditions if one.mark and not one.whole]


def _earlier(
    artist: Artist | None, idempotency_key: str | None, subjects: Sequence[statement.Subject]
) -> Certificate | None:
    if idempotency_key is None:
        return None
    found = Certificate.objects.filter(owner=artist, idempotency_key=idempotency_key).first()
    if found is not None:
        signed = {(r.name, r.kind, r.audio_sha256) for r in found.renditions.all()}
        if signed != {(s.name, s.kind, s.sha256) for s in subjects}:
            raise StampConflict("This idempotency key was already used for another recording.")
    return found


def _issue(
    *,
    artist: Artist | None,
    name: str,
    title: str,
    provenance: Mapping[str, Any],
    subjects: Sequence[statement.Subject],
    declared: bool,
    idempotency_key: str | None,
    peaks: Sequence[int],
    duration: float | None,
    private: Mapping[str, Any],
    track: Track | None,
) -> Certificate:
    signer, key = keys.signer("stamp")
    identity, now = certificate_id(), timezone.now()
    title = _line(title) or "Untitled"
    try:
        closed, openings = disclosure.close(private)
        said = statement.build(
            certificate_id=identity,
            title="" if "title" in private else title,
            artist=_line(name) or "Unknown artist",
            provenance={**provenance, disclosure.BLOCK: closed} if closed else provenance,
            subjects=subjects,
            declared=declared,
            now=now,
        )
    except ValueError as error:  # StatementError, CanonicalError
        raise StampRefused(str(error)) from error
    envelope = seal(canonical(said), signer)
    head = said["predicate"]["certificate"]
    with transaction.atomic(durable=True):
        certificate = Certificate.objects.create(
            id=identity,
            owner=artist,
            title=title,
            artist_name=head["artist"],
            declared=declared,
            statement=said,
            envelope=envelope.to_json(),
            signature=envelope.hex_signature,
            key=key,
            entry=store.append(envelope.leaf()),
            idempotency_key=idempotency_key,
            peaks=[int(p) for p in peaks],
            duration=duration,
            track=track,
            created_at=now,
        )
        CertifiedRendition.objects.bulk_create(
            [
                CertifiedRendition(
                    certificate=certificate,
                    name=s.name,
                    kind=s.kind,
                    audio_sha256=s.sha256,
                    stream_sha256=s.stream,
                )
                for s in subjects
            ]
        )
        PrivatePart.objects.bulk_create(
            [PrivatePart(certificate=certificate, name=o.name, salt=o.salt, value=o.value) for o in openings]
        )
    return certificate


def _line(text: str) -> str:
    """A title or a name on one line, short enough for its column."""
    return " ".join(text.replace("\0", " ").split())[:200].strip()


def _mark(
    certificate: Certificate, renditions: Sequence[Rendition], ready: Mapping[Path, Attaching] | None = None
) -> None:
    """Sign a checkpoint that covers the entry and write the credentials into files that lack them."""
    carried = _carried(certificate)
    rows = {row.name: row for row in certificate.renditions.all()}
    for rendition in renditions:
        row = rows[rendition.format]
        if rendition.mark and not rendition.whole:
            _mark_one(certificate, rendition, row, carried, (ready or {}).get(rendition.path))
        row.file_sha256, row.file_bytes = file_sha256(rendition.path), rendition.path.stat().st_size
        row.save(update_fields=["file_sha256", "file_bytes"])


def _carried(certificate: Certificate) -> credentials.Credentials:
    checkpoint = store.first_checkpoint_with(certificate.entry)
    proof = store.proof_text(certificate.entry, checkpoint)
    return credentials.Credentials(certificate.pk, certificate.envelope, proof, certificate_url(certificate))


def _mark_one(
    certificate: Certificate,
    rendition: Rendition,
    row: CertifiedRendition,
    carried: credentials.Credentials,
    ready: Attaching | None = None,
) -> None:
    """Tags first, the manifest last: it hashes the whole file."""
    if why := content_credentials.reason(rendition.path):
        logger.warning("%s of %s goes out without Content Credentials: %s", row.name, certificate.pk, why)
    wanted = replace(carried, manifest=not why)
    if _carries(rendition.path, wanted):
        return
    if why and sniff(rendition.path).name not in MARKABLE:
        raise StampRefused(f"An M4A file can only carry its stamp in Content Credentials. {why}")
    before = streams.sound_sha256(rendition.path)
    if not wanted.manifest:
        credentials.embed(rendition.path, wanted)
    else:
        try:
            content_credentials.attach(rendition.path, certificate, wanted, ready)
        except Unavailable as error:  # a file the library cannot cope with goes out with its tags alone
            logger.warning("%s of %s got no Content Credentials: %s", row.name, certificate.pk, error)
            if sniff(rendition.path).name not in MARKABLE:
                raise StampRefused(str(error)) from error
            credentials.embed(rendition.path, replace(wanted, manifest=False))
    if streams.sound_sha256(rendition.path) != before:
        raise StampRefused(f"Marking the {row.name} file changed its audio, so it was not certified.")


def _carries(path: Path, wanted: credentials.Credentials) -> bool:
    try:
        found = credentials.extract(path)
    except (credentials.CredentialsDamaged, AudioError):
        return False
    if found is None or (found.certificate_id, found.envelope) != (wanted.certificate_id, wanted.envelope):
        return False
    return not wanted.manifest or carried_by_manifest(path) is not None
