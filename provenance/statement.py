"""What a stamp says: an in-toto Statement v1 whose predicate is Starforge's provenance.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md. One subject per rendition; its digest
is of the *audio*, not of the file, so that a corrected title or a moved cover picture does not break the
proof while one changed sample does. Each subject says which hash it is in `annotations.kind`:

* `pcm`: SHA-256 over `"<rate>:<channels>:"` followed by the decoded samples, interleaved, little-endian
  int32. A WAV and the FLAC made from it share this hash.
* `mpeg-stream`: SHA-256 over an MP3 file without its ID3v2, ID3v1 and APE tags.
* `mp4-stream`: SHA-256 over the tables and samples of an M4A's sound track.
* `file`: SHA-256 over the bytes of a file that is no recording: an adapter of a model.

A FLAC says a second hash in `annotations.stream`, of kind `flac-stream`, which needs no decoder. The page
docs/audio-hash.md defines them.

`o8_signature` and `blockchain_tx` are never part of what is signed: the first is the signature itself and the
second comes later. The API adds both (see `with_outside_fields`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from provenance.canonical import canonical, normalise

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://starforge.audio/provenance/v1"
# 1: as first published. 1.1: rights name derivatives and remixes, credits name production and mixing, and parents
# may be origin stamps. 1.2: of a recording of two artists, source.partner names the other with their catalog, DNA and
# consent, and result.similarity_to the match with each. Nothing changed its meaning, so every reader of 1 reads 1.2.
PREDICATE_VERSION = "1.2"
FILE_KIND = "file"
DIGEST_KINDS = ("pcm", "mpeg-stream", "mp4-stream", FILE_KIND)
STREAM_KIND = "flac-stream"
OUTSIDE = ("o8_signature", "blockchain_tx")
MAX_STATEMENT_BYTES = 36_000  # its base64 form must fit a 64 kB tag field beside the signature

_HEX = re.compile(r"[0-9a-f]{64}")


class StatementError(ValueError):
    """A statement that cannot be made or read. The message is one sentence for the person who asked."""


@dataclass(frozen=True)
class Subject:
    """One rendition as the statement names it."""

    name: str  # unique in the statement: "wav", "flac", "mp3"
    kind: str  # one of DIGEST_KINDS
    sha256: str  # 64 lower-case hex digits
    stream: str = ""  # of a FLAC: its flac-stream, 64 hex digits

    def to_json(self) -> dict[str, Any]:
        notes: dict[str, Any] = {"kind": self.kind}
        if self.stream:
            notes["stream"] = {"kind": STREAM_KIND, "sha256": self.stream}
        return {"name": self.name, "digest": {"sha256": self.sha256}, "annotations": notes}


@dataclass(frozen=True)
class Claim:
    """A statement read back, checked for shape."""

    certificate_id: str
    title: str
    artist: str
    declared: bool  # True: an account holder's word; False: measured by the generating pipeline
    subjects: tuple[Subject, ...]
    provenance: dict[str, Any]

    def covers(self, kind: str, sha256: str) -> bool:
        return sha256 in self.signed(kind)

    def signed(self, kind: str) -> list[str]:
        """Every hash of this kind that the statement holds."""
        if kind == STREAM_KIND:
            return [s.stream for s in self.subjects if s.stream]
        return [s.sha256 for s in self.subjects if s.kind == kind]


def build(
    *,
    certificate_id: str,
    title: str,
    artist: str,
    provenance: Mapping[str, Any],
    subjects: Sequence[Subject],
    declared: bool = False,
    now: datetime | None = None,
) -> dict[str, Any]:
    """The statement for one certificate, normalised, ready for `canonical`.

    `provenance` is the plan's provenance JSON; `type` and `timestamp` are filled in when absent and the
    fields that live outside the signature are dropped. Raises StatementError (or CanonicalError) when it
    cannot stand.
    """
    if not subjects:
        raise StatementError("A stamp needs at least one audio rendition.")
    names = [s.name for s in subjects]
    if len(set(names)) != len(names):
        raise StatementError("Two renditions carry the same name.")
    for subject in subjects:
        usable = _HEX.fullmatch(subject.sha256) and (not subject.stream or _HEX.fullmatch(subject.stream))
        if subject.kind not in DIGEST_KINDS or not usable:
            raise StatementError(f"The rendition {subject.name!r} has no usable audio hash.")
    body = {k: v for k, v in provenance.items() if k not in OUTSIDE}
    kind = body.setdefault("type", "declared" if declared else "ai_generated")
    if not isinstance(kind, str) or not 0 < len(kind) <= 64:
        raise StatementError("provenance.type must be a short text such as ai_generated.")
    body["timestamp"] = utc_text(body.get("timestamp") or now or datetime.now(UTC))
    statement = normalise(
        {
            "_type": STATEMENT_TYPE,
            "subject": [s.to_json() for s in subjects],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "version": PREDICATE_VERSION,
                "certificate": {
                    "id": certificate_id,
                    "title": title,
                    "artist": artist,
                    "attested": "declared" if declared else "measured",
                },
                "provenance": body,
            },
        }
    )
    size = len(canonical(statement))
    if size > MAX_STATEMENT_BYTES:
        raise StatementError(
            f"The provenance is {size:,} bytes; at most {MAX_STATEMENT_BYTES:,} fit in a file's"
            " tags. Leave out long lists and sign their hash instead."
        )
    return statement


def read(statement: Any) -> Claim:
    """The claim inside a parsed statement. StatementError when a part is missing or of a wrong type."""
    try:
        if statement["_type"] != STATEMENT_TYPE:
            raise StatementError("The signed text is not an in-toto v1 statement.")
        if statement["predicateType"] != PREDICATE_TYPE:
            raise StatementError(
                f"The statement is of a kind this version does not read: "
                f"{str(statement['predicateType'])[:120]}."
            )
        predicate = statement["predicate"]
        head = predicate["certificate"]
        subjects = tuple(
            Subject(
                str(s["name"]),
                str(s["annotations"]["kind"]),
                str(s["digest"]["sha256"]),
                _stream(s["annotations"].get("stream")),
            )
            for s in statement["subject"]
        )
        provenance = predicate["provenance"]
        if not subjects or not isinstance(provenance, dict):
            raise StatementError("The statement names no audio or no provenance.")
        return Claim(
            certificate_id=str(head["id"]),
            title=str(head["title"]),
            artist=str(head["artist"]),
            declared=head["attested"] == "declared",
            subjects=subjects,
            provenance=provenance,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise StatementError("The statement is incomplete: a required part is missing.") from error


def _stream(value: Any) -> str:
    if not isinstance(value, Mapping) or value.get("kind") != STREAM_KIND:
        return ""
    return str(value["sha256"])


def with_outside_fields(
    provenance: Mapping[str, Any], *, o8_signature: str, blockchain_tx: str | None = None
) -> dict[str, Any]:
    """The plan's provenance JSON as the API shows it: the signed part plus what came after signing."""
    return {**provenance, "o8_signature": o8_signature, "blockchain_tx": blockchain_tx}


def utc_text(moment: datetime | str) -> str:
    """RFC 3339 in UTC, whole seconds and a Z: "2026-02-07T12:34:56Z", a form every o8 surface takes.

    Text is parsed first; text without an offset is taken as UTC. Raises StatementError when it is no time.
    """
    if not isinstance(moment, (datetime, str)):
        raise StatementError("provenance.timestamp must be a text such as 2026-02-07T12:34:56Z.")
    try:
        when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise StatementError(f"provenance.timestamp is not a date and time: {str(moment)[:40]!r}.") from error
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")
