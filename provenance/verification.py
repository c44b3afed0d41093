"""Is this recording what it says it is? The verbs behind the verify page, the API and `manage.py verify`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.audio.errors import AudioError
from catalog.audio.hashing import audio_digest, file_sha256
from catalog.audio.sniff import sniff
from provenance import (
    anchored,
    credentials,
    keys,
    lineage,
    opening,
    statement,
    streams,
    succession,
    timestamps,
    wording,
)
from provenance.disclosure import Disclosure
from provenance.evm.rpc import Chain
from provenance.log import store
from provenance.manifest import judging
from provenance.models import Certificate, CertifiedRendition
from provenance.proof import Audio, Check, Examination, examine
from provenance.signing import SigningError
from provenance.statement import STREAM_KIND, StatementError, with_outside_fields
from provenance.trust import Trust

if TYPE_CHECKING:
    from provenance.recognition import Recognised


class State(StrEnum):
    INTACT = "intact"
    ALTERED = "altered"
    NO_CREDENTIALS = "no_credentials"
    RECOGNISED = "recognised"
    REVOKED = "revoked"
    SOUND_ONLY = (
        "sound_only"  # the sound is the one that was certified, the file around it is not as it was issued
    )


EXIT_CODES = {
    State.INTACT: 0,
    State.ALTERED: 1,
    State.NO_CREDENTIALS: 2,
    State.RECOGNISED: 3,
    State.REVOKED: 4,
    State.SOUND_ONLY: 5,
}


class NotAudio(Exception):
    """What was handed in is not a recording we can read. The message is one sentence for whoever sent it."""


@dataclass(frozen=True)
class Verdict:
    """The answer. `sentence` says it in plain words; `checks` carry the evidence."""

    state: State
    sentence: str
    checks: tuple[Check, ...]
    certificate: Certificate | None = None
    chain: Sequence[dict[str, Any]] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    filename: str = ""
    opened: dict[str, Any] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return self.state is State.INTACT

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.state]

    def check(self, name: str) -> Check | None:
        return next((check for check in self.checks if check.name == name), None)

    def to_json(self) -> dict[str, Any]:
        return {
            "valid": self.valid,
            "state": self.state.value,
            "sentence": self.sentence,
            "certificate_id": self.certificate.pk if self.certificate else None,
            "metadata": self.metadata,
            "opened": self.opened,
            "chain": list(self.chain),
            "checks": [check.to_json() for check in self.checks],
        }


def verify_certificate(
    certificate_id: str, *, disclosure: Disclosure | None = None, chain: Chain | None = None
) -> Verdict:
    """Check a certificate by its id, without a file. Raises Certificate.DoesNotExist.

    `disclosure`: private parts somebody was shown; without it, those the owner opened to anyone are checked.
    `chain`: a node to ask whether what was anchored stands there; without one, no network is used.
    """
    certificate = Certificate.objects.select_related("entry", "key").get(pk=certificate_id)
    proof = store.proof_text(certificate.entry, store.latest_checkpoint())
    looked = examine(
        certificate.envelope,
        keys.trust(),
        proof=proof,
        certificate_id=certificate.pk,
        disclosure=disclosure or opening.disclosure(certificate),
    )
    extra = [*timestamps.checks(certificate), *anchored.checks(certificate, chain)]
    return _verdict(looked, certificate, "The signature and the log entry hold.", extra)


def verify_file(
    path: Path, *, filename: str = "", disclosure: Disclosure | None = None, chain: Chain | None = None
) -> Verdict:
    """Check a recording, and what somebody opened of its private parts; with `chain`, its anchor too.

    The file is hostile: it is decoded in a limited child and only read, never executed.

    Raises NotAudio when it carries no credentials and is nothing we can listen to.
    """
    try:
        carried = credentials.extract(path)
    except credentials.CredentialsDamaged as error:
        return _broken(str(error), path, filename)
    except AudioError as error:
        raise NotAudio(error.reason) from error
    trust = keys.trust()
    with judging.looking(path, trust) as look:  # the library works while we hash
        try:
            audio = _sound(path, carried)
        except AudioError as error:
            if carried is None:
                raise NotAudio(error.reason) from error
            return _unreadable(carried, error, filename, trust)
        seen = look.seen()
    if carried is None:
        return _without_credentials(path, audio, filename, disclosure, seen, trust, chain)
    return _with_credentials(path, carried, audio, filename, disclosure, seen, trust, chain)


def _sound(path: Path, carried: credentials.Credentials | None) -> Audio:
    """The hash to compare: from the container alone where the stamp has it, else from the decoded sound.

    Raises AudioError.
    """
    if sniff(path).name == "m4a":  # stamped by its stream only; one in fragments may still be recognised
        with contextlib.suppress(AudioError):
            return Audio(*streams.identity(path))
    if carried is not None:
        with contextlib.suppress(AudioError, SigningError, StatementError, ValueError, RecursionError):
            found = Audio(*streams.identity(path))
            if found.kind != STREAM_KIND or statement.read(carried.statement).signed(STREAM_KIND):
                return found
    return Audio(*audio_digest(path))


def _with_credentials(
    path: Path,
    carried: credentials.Credentials,
    audio: Audio,
    filename: str,
    disclosure: Disclosure | None,
    seen: judging.Seen,
    trust: Trust,
    chain: Chain | None,
) -> Verdict:
    looked = examine(
        carried.envelope,
        trust,
        audio=audio,
        proof=carried.proof,
        certificate_id=carried.certificate_id,
        disclosure=disclosure,
    )
    certificate = _held(looked)
    if looked.log_key_revoked and certificate is not None:  # the log itself still knows the entry
        looked = examine(
            carried.envelope,
            trust,
            audio=audio,
            proof=store.proof_text(certificate.entry, store.latest_checkpoint()),
            certificate_id=carried.certificate_id,
            disclosure=disclosure,
        )
    manifest = judging.judge(
        seen,
        trust,
        certificate_id=carried.certificate_id,
        envelope=carried.envelope,
        entry=looked.entry_index,
        promised=carried.manifest,
    )
    extra = _continuity(looked)
    if looked.holds and certificate is not None:
        extra += _tags(path, certificate, whole=manifest.ok is True)
        extra += _precedence(certificate, audio)
        extra += [*timestamps.checks(certificate), *anchored.checks(certificate, chain)]
    ending = "The file you hold has not changed since."
    return _verdict(looked, certificate, ending, extra, filename, manifest)


def _without_credentials(
    path: Path,
    audio: Audio,
    filename: str,
    disclosure: Disclosure | None,
    seen: judging.Seen,
    trust: Trust,
    chain: Chain | None,
) -> Verdict:
    from provenance import recognition  # it listens: numpy and scipy, which other checks do without

    manifest = None if seen.place is None else judging.judge(seen, trust)
    certificate = by_audio(audio)
    if certificate is None:
        unknown = Check(
            "audio",
            None,
            "No certificate here was signed over this audio.",
            {"kind": audio.kind, "measured": audio.sha256},
        )
        if (known := recognition.recognise(path)) is not None:
            return _recognised(known, unknown, filename)
        return Verdict(
            State.NO_CREDENTIALS,
            "This file carries no stamp, and its audio is not in this Starforge's register. That proves"
            " nothing for or against it.",
            (*([manifest] if manifest else []), unknown),
            filename=filename,
        )
    proof = store.proof_text(certificate.entry, store.latest_checkpoint())
    looked = examine(
        certificate.envelope,
        trust,
        audio=audio,
        proof=proof,
        certificate_id=certificate.pk,
        disclosure=disclosure,
    )
    row = certificate.renditions.filter(kind=audio.kind, audio_sha256=audio.sha256).first()
    if row is not None and row.file_sha256 == file_sha256(path):
        ending = "The file you hold has not changed since."
        sentence = (
            "The file carries no stamp of its own; it was found by its hash, and is byte for byte the one"
            " that was certified."
        )
    else:
        ending = "This copy has lost its stamp and was found by its audio, which has not changed since."
        sentence = (
            "The file's tags were removed or never written. The certificate was found by the audio itself."
        )
    extra = [
        Check("credentials", None, sentence),
        *timestamps.checks(certificate),
        *anchored.checks(certificate, chain),
    ]
    return _verdict(looked, certificate, ending, extra, filename, manifest)


def _recognised(known: Recognised, unknown: Check, filename: str) -> Verdict:
    """What its sound leads back to. Whether that certificate still holds is looked at, but it is not of this file."""
    holds = verify_certificate(known.certificate.pk)
    ending = (
        "This file was recognised as a copy of it by the mark in its sound; it was coded or changed since."
        if known.level == "watermark"
        else "This file is very likely a copy of it, recognised by its sound alone; it was coded or changed since."
    )
    if holds.state is State.INTACT:
        claim = statement.read(known.certificate.statement)
        said = f"{wording.origin(claim, known.certificate.public_title)} {ending}"
    else:
        said = f"{ending} The certificate itself: {holds.sentence}"
    return Verdict(
        State.RECOGNISED,
        said,
        (Check("recognition", None, known.sentence, {"level": known.level, **known.detail}), unknown),
        known.certificate,
        holds.chain,
        holds.metadata,
        filename,
    )


def _broken(reason: str, path: Path, filename: str) -> Verdict:
    checks = [Check("credentials", False, reason)]
    certificate = None
    try:
        audio = Audio(*audio_digest(path))
        certificate = by_audio(audio)
    except AudioError as error:
        checks.append(Check("audio", False, error.reason))
    ending = (
        "The audio itself is known: download the file again, or check a copy without tags."
        if certificate
        else "Nothing can be said about where it came from."
    )
    return Verdict(
        State.ALTERED,
        f"This file's credentials were damaged or edited. {ending}",
        tuple(checks),
        certificate,
        filename=filename,
    )


def _unreadable(carried: credentials.Credentials, error: AudioError, filename: str, trust: Trust) -> Verdict:
    looked = examine(carried.envelope, trust, proof=carried.proof, certificate_id=carried.certificate_id)
    return _verdict(
        looked,
        _held(looked),
        "",
        [
            Check(
                "audio",
                False,
                f"The audio can no longer be read, so it is not the audio that was signed. {error.reason}",
            )
        ],
        filename,
    )


def _verdict(
    looked: Examination,
    certificate: Certificate | None,
    ending: str,
    extra: Sequence[Check] = (),
    filename: str = "",
    manifest: Check | None = None,
) -> Verdict:
    checks = (*([manifest] if manifest else []), *looked.checks, *extra)
    wrong = [check for check in checks if check.ok is False]
    # A changed sound breaks the manifest too: the sentence is about the sound then.
    failed = next((check for check in wrong if check is not manifest), wrong[0] if wrong else None)
    if failed is manifest and manifest is not None and judging.spares_the_sound(manifest):
        failed = None
    claim, metadata = looked.claim, {}
    if claim is not None and looked.envelope is not None:
        metadata = with_outside_fields(
            claim.provenance,
            o8_signature=looked.envelope.hex_signature,
            blockchain_tx=anchored.tx_of(certificate) if certificate is not None else None,
        )
    if failed is not None:
        said = (
            f"This is not the recording that was certified. {failed.sentence}"
            if failed.name == "audio"
            else f"This disclosure does not hold. {failed.sentence}"
            if failed.name == "disclosure"
            else f"This file is not as it was issued. {failed.sentence}"
            if failed is manifest
            else f"This stamp does not hold. {failed.sentence}"
        )
        return Verdict(State.ALTERED, said, checks, certificate, metadata=metadata, filename=filename)
    assert claim is not None  # noqa: S101  nothing failed, so the signature was checked
    chain = lineage.chain(certificate) if certificate is not None else lineage.sources(claim.provenance)
    newer = None if certificate is None else succession.newer(certificate)
    if newer is not None:
        checks = (*checks, succession.check(newer))
    if looked.revocation:
        what_next = "There is a newer one." if newer else "Ask the artist for a new one."
        return Verdict(
            State.REVOKED,
            f"{looked.revocation.rstrip('.')}. {what_next}",
            checks,
            certificate,
            chain,
            metadata,
            filename,
            looked.opened,
        )
    title = str(looked.opened.get("title") or (certificate.public_title if certificate is not None else ""))
    if wrong:
        ending = judging.sound_only(wrong[0])
    return Verdict(
        State.SOUND_ONLY if wrong else State.INTACT,
        f"{wording.origin(claim, title)} {ending}".strip(),
        checks,
        certificate,
        chain,
        metadata,
        filename,
        looked.opened,
    )


def _continuity(looked: Examination) -> list[Check]:
    """Whether the log the file was entered in is the beginning of the log we serve today."""
    then = looked.checkpoint
    if then is None:
        return []
    if then.size <= store.size() and store.root_at(then.size) == then.root:
        return [
            Check(
                "continuity",
                True,
                "Nothing before it was rewritten since: the log of then is the beginning of"
                " the log of today.",
                {"then": then.size, "today": store.size()},
            )
        ]
    return [
        Check(
            "continuity",
            False,
            "The log served here today does not continue the one this file was entered"
            " in. It was rewritten, rolled back or lost.",
            {"then": then.size, "today": store.size()},
        )
    ]


def _held(looked: Examination) -> Certificate | None:
    if looked.claim is None:
        return None
    found = Certificate.objects.select_related("entry", "key").filter(pk=looked.claim.certificate_id).first()
    return found if found and looked.envelope and found.signature == looked.envelope.hex_signature else None


def by_audio(audio: Audio) -> Certificate | None:
    """The earliest certificate over this audio: whoever stamps it again later does not take its place."""
    wanted = (
        {"stream_sha256": audio.sha256}
        if audio.kind == STREAM_KIND
        else {"audio_sha256": audio.sha256, "kind": audio.kind}
    )
    row = (
        CertifiedRendition.objects.filter(**wanted)
        .select_related("certificate__entry", "certificate__key")
        .order_by("certificate__entry_id")
        .first()
    )
    return row.certificate if row else None


def _tags(path: Path, certificate: Certificate, *, whole: bool) -> list[Check]:
    """`whole`: its manifest, which hashes the file, holds and is ours."""
    known = {row.file_sha256 for row in certificate.renditions.all()} - {""}
    if whole or file_sha256(path) in known:
        return [
            Check("file", True, "The whole file, tags included, is byte for byte the one that was issued.")
        ]
    return [
        Check(
            "file",
            None,
            "The audio is untouched, but the file around it differs from the one issued: a"
            " title, a picture or another tag was changed, which the stamp does not cover.",
        )
    ]


def _precedence(certificate: Certificate, audio: Audio) -> list[Check]:
    first = by_audio(audio)
    if first is None or first.pk == certificate.pk:
        return []
    return [
        Check(
            "precedence",
            None,
            f"The same audio was certified before, on {wording.day(first.created_at)}, as"
            f" {first.pk} by {wording.clip(first.artist_name)}.",
            {"certificate_id": first.pk},
        )
    ]
