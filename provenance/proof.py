"""The checks themselves: pure, offline, in the order in which trust is built up.

form -> signature -> identity -> audio -> log. `examine` needs the credentials, a trust file and the hash of
the audio at hand, and nothing else: no database, no network. Every check gives one sentence a musician can
read and the detail a programmer wants.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from provenance import disclosure as disclosing
from provenance import wording
from provenance.canonical import is_canonical
from provenance.log import notes
from provenance.signing import Envelope, SigningError, open_envelope, signature_holds
from provenance.statement import STREAM_KIND, Claim, StatementError
from provenance.statement import read as read_statement
from provenance.trust import Trust, TrustedKey


@dataclass(frozen=True)
class Check:
    """One link of the chain. `ok` is None when it could not be looked at."""

    name: str
    ok: bool | None
    sentence: str
    detail: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "ok": self.ok, "sentence": self.sentence, "detail": self.detail}


@dataclass(frozen=True)
class Audio:
    """The hash of the sound at hand: `kind` is pcm or mpeg-stream, see `provenance.statement`."""

    kind: str
    sha256: str


@dataclass(frozen=True)
class Examination:
    """What came of it. `claim` is only given once the signature holds: unsigned words are not repeated."""

    checks: tuple[Check, ...]
    envelope: Envelope | None
    claim: Claim | None
    checkpoint: notes.Checkpoint | None
    entry_index: int | None
    revocation: str = ""  # why the stamp no longer counts, as one sentence; "" while it does
    log_key_revoked: bool = False
    opened: dict[str, Any] = field(
        default_factory=dict
    )  # private parts that were shown to be what was signed

    @property
    def holds(self) -> bool:
        """Nothing failed and the signature was really checked."""
        return self.claim is not None and not any(check.ok is False for check in self.checks)

    @property
    def first_failure(self) -> Check | None:
        return next((check for check in self.checks if check.ok is False), None)


def examine(
    envelope: Any,
    trust: Trust,
    *,
    audio: Audio | None = None,
    proof: str | None = None,
    certificate_id: str | None = None,
    disclosure: disclosing.Disclosure | None = None,
) -> Examination:
    """Check a parsed envelope. `audio`, `proof` (tlog-proof text), `certificate_id` (what the file's tag
    names) and `disclosure` (private parts somebody opened) are each checked when given. Never raises for bad
    input: what is wrong is in the checks."""
    checks: list[Check] = []
    opened = _open(envelope, checks)
    if opened is None:
        return Examination(tuple(checks), None, None, None, None)
    statement = _form(opened, checks)
    key = _signature(opened, trust, checks)
    if any(check.ok is False for check in checks) or statement is None or key is None:
        return Examination(tuple(checks), opened, None, None, None)
    try:
        claim = read_statement(statement)
    except StatementError as error:
        checks.append(Check("form", False, str(error)))
        return Examination(tuple(checks), opened, None, None, None)
    if certificate_id is not None:
        _identity(claim, certificate_id, checks)
    if audio is not None:
        checks.append(_audio(claim, audio))
    checkpoint, index, old_log_key = _log(opened, proof, trust, checks)
    said = _revocation(key, index, trust, checks)
    parts = {} if disclosure is None else _disclosure(claim, disclosure, checks)
    return Examination(tuple(checks), opened, claim, checkpoint, index, said, old_log_key, parts)


def _open(value: Any, checks: list[Check]) -> Envelope | None:
    try:
        return open_envelope(value)
    except SigningError as error:
        checks.append(Check("form", False, str(error)))
        return None


def _form(opened: Envelope, checks: list[Check]) -> Any:
    try:
        statement = json.loads(opened.payload, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError):
        checks.append(Check("form", False, "The signed statement is not readable JSON."))
        return None
    if not is_canonical(opened.payload, statement):
        checks.append(Check("form", False, "The signed statement is not in its one canonical form."))
        return None
    checks.append(
        Check(
            "form",
            True,
            "The statement is in its one canonical form.",
            {"bytes": len(opened.payload), "scheme": "RFC 8785"},
        )
    )
    return statement


def _signature(opened: Envelope, trust: Trust, checks: list[Check]) -> TrustedKey | None:
    detail = {"algorithm": "Ed25519", "keyid": opened.key_id, "signature": opened.hex_signature}
    key = trust.stamp_key(opened.key_id)
    if key is None:
        checks.append(
            Check(
                "signature",
                False,
                "The stamp is signed with a key this Starforge does not know. It"
                " may be forged, or come from another Starforge: check it there.",
                detail,
            )
        )
        return None
    if not signature_holds(key.public_key, opened.signature, opened.pae):
        checks.append(
            Check(
                "signature",
                False,
                "The signature does not fit what the stamp says: a field was"
                " edited after signing, or the stamp is forged.",
                detail,
            )
        )
        return None
    checks.append(
        Check(
            "signature",
            True,
            "The signature fits the statement and the key is published.",
            {**detail, "key_since": key.valid_from.isoformat()},
        )
    )
    return key


def _revocation(key: TrustedKey, index: int | None, trust: Trust, checks: list[Check]) -> str:
    """The sentence that says why the stamp no longer counts; "" when nothing takes it back."""
    taken_back = None if index is None else trust.revoked.get(index)
    if taken_back is not None:
        said = f"This certificate was revoked on {wording.day(taken_back.at)}: {taken_back.because}"
        detail = taken_back.to_json()
    elif key.revokes(index):
        why = f" {key.revoked_because}" if key.revoked_because else ""
        said = f"The key that signed this stamp has been revoked, so the stamp no longer counts.{why}"
        detail = {"keyid": key.key_id, "revoked_from_entry": key.revoked_from}
    else:
        return ""
    checks.append(Check("revocation", None, said, detail))
    return said


def _identity(claim: Claim, certificate_id: str, checks: list[Check]) -> None:
    if claim.certificate_id != certificate_id:
        checks.append(
            Check(
                "identity",
                False,
                "The file names another certificate than the one that was signed.",
                {"named": certificate_id[:64], "signed": claim.certificate_id},
            )
        )
        return
    checks.append(
        Check(
            "identity",
            True,
            "The file names the certificate that was signed.",
            {"certificate_id": claim.certificate_id},
        )
    )


def _disclosure(claim: Claim, shown: disclosing.Disclosure, checks: list[Check]) -> dict[str, Any]:
    if shown.certificate_id != claim.certificate_id:
        checks.append(
            Check(
                "disclosure",
                False,
                "The disclosure belongs to another certificate.",
                {"named": shown.certificate_id[:64], "signed": claim.certificate_id},
            )
        )
        return {}
    names = [one.name for one in shown.openings]
    wrong = disclosing.fits(claim.provenance, shown.openings)
    if wrong:
        checks.append(
            Check(
                "disclosure",
                False,
                f"What was opened is not what was signed: {', '.join(wrong)}.",
                {"parts": names, "wrong": wrong},
            )
        )
        return {}
    said = f"What was opened is what was signed: {', '.join(names)}."
    checks.append(Check("disclosure", True, said, {"parts": names}))
    return {one.name: one.value for one in shown.openings}


def _audio(claim: Claim, audio: Audio) -> Check:
    detail = {
        "kind": audio.kind,
        "measured": audio.sha256,
        "signed": claim.signed(audio.kind),
    }
    if claim.covers(audio.kind, audio.sha256):
        return Check("audio", True, "The audio matches the hash that was signed, bit for bit.", detail)
    if not detail["signed"] and audio.kind == STREAM_KIND and claim.signed("pcm"):
        return Check(
            "audio",
            None,
            "This stamp is from before FLAC files could be checked without decoding. Decode it to WAV and check that.",
            detail,
        )
    if not detail["signed"]:
        return Check(
            "audio", False, "This kind of file is not among the renditions that were signed.", detail
        )
    return Check(
        "audio",
        False,
        "The audio is not the audio that was signed. Something in it was changed, be it a single sample.",
        detail,
    )


def _log(
    opened: Envelope, proof: str | None, trust: Trust, checks: list[Check]
) -> tuple[notes.Checkpoint | None, int | None, bool]:
    """Checkpoint, entry, and whether the proof fails only because its log key was revoked since."""
    if proof is None:
        checks.append(Check("log", None, "No log proof was at hand, so the public log was not checked."))
        return None, None, False
    try:
        read = notes.parse_proof(proof)
        checkpoint = notes.check_proof(read, opened.leaf(), trust.log_keys)
    except notes.NoteError as error:
        outdated = _once_held(proof, opened, trust)
        sentence = (
            "The log key that signed this proof has been revoked since. A fresh proof of the same entry is at the"
            " certificate's address."
            if outdated
            else str(error)
        )
        checks.append(Check("log", False, sentence))
        return None, None, outdated
    checks.append(
        Check(
            "log",
            True,
            f"Entry {read.index + 1:,} of the {checkpoint.size:,} that the signed checkpoint counts.",
            {
                "origin": checkpoint.origin,
                "index": read.index,
                "size": checkpoint.size,
                "root": checkpoint.root.hex(),
            },
        )
    )
    return checkpoint, read.index, False


def _once_held(proof: str, opened: Envelope, trust: Trust) -> bool:
    """Whether the proof holds with a log key that was revoked later."""
    try:
        notes.check_proof(notes.parse_proof(proof), opened.leaf(), trust.log_keys_ever)
    except notes.NoteError:
        return False
    return True


def _no_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key stands twice")  # two readers could see two different statements
    return out
