"""Make the provenance vectors: small files, and what every verifier must say about them.

    python -m tests.vectors.make

Keys, salts and times are fixed, so the same sources make the same bytes (encoders aside). The private keys below
are for these files only. `cases.json` is read by the tests of the Python verifier and of the one in the browser.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalog.audio import marking
from catalog.audio.encode import write_flac, write_mp3, write_wav
from catalog.audio.hashing import audio_digest
from provenance import credentials, disclosure, statement, streams
from provenance.canonical import canonical
from provenance.log import notes, tree
from provenance.signing import Envelope, FileSigner, seal
from provenance.trust import Revoked, Trust, TrustedKey

HERE = Path(__file__).parent / "provenance"
NOW = datetime(2026, 2, 7, 12, 34, 56, tzinfo=UTC)
ORIGIN = "vectors.example/log"
RATE = 32_000
PROMPT = "Dark dubstep for a café, 3 a.m."


def key(number: int) -> FileSigner:
    return FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


STAMP, LOG, STRANGER, LOST, OLD_LOG = (key(number) for number in (1, 2, 3, 4, 5))
SALTED = (
    disclosure.Opening("prompt", "0f" * 16, PROMPT),
    disclosure.Opening("title", "1e" * 16, "Night bus"),
)


@dataclass(frozen=True)
class Made:
    """A file's credentials while they are put together."""

    said: dict[str, Any]
    signer: FileSigner = STAMP
    log: FileSigner = LOG
    index: int = 3
    payload: bytes = b""

    def envelope(self) -> Envelope:
        return seal(self.payload or canonical(self.said), self.signer)


def said_of(
    name: str, files: dict[str, Path], *, private: bool = False, streams_too: bool = True
) -> dict[str, Any]:
    subjects = []
    for kind, path in files.items():
        stream = streams.flac_stream_sha256(path) if kind == "flac" and streams_too else ""
        subjects.append(statement.Subject(kind, *audio_digest(path), stream))
    provenance: dict[str, Any] = {
        "type": "ai_generated",
        "generator": {"model": "mosaic", "label": "Mosaic", "version": "1.0", "fine_tuned": False},
        "source": {"track_count": 127, "catalog_hash": "sha256:" + "5d0a" * 16},
        "generation_params": {"bpm": 140, "energy": 0.82, "seed": 2**63 + 7, "tuning": 1e-05, "shift": -0.5},
        "notes": 'Zoë · 東京 · \u20ac · \U0001f3b5 · \u2028 · "quoted" · \\ · \t',
    }
    if private:
        block = {"scheme": disclosure.SCHEME, "parts": {one.name: one.sha256 for one in SALTED}}
        provenance[disclosure.BLOCK] = block
    return statement.build(
        certificate_id=f"cert_{name:0<16}"[:21],
        title="" if private else "Untitled 03",
        artist="Ossa Owner",
        provenance=provenance,
        subjects=subjects,
        now=NOW,
    )


def proof_of(made: Made, *, size: int = 6) -> str:
    """A log of `size` entries with this one at its place; the others are numbered texts."""
    frontier: list[bytes] = []
    nodes: dict[tree.Node, bytes] = {}
    for at in range(size):
        leaf = tree.leaf_hash(made.envelope().leaf() if at == made.index else b"entry %d" % at)
        _, frontier, done = tree.append(at, frontier, leaf)
        nodes |= {(level, place): value for level, place, value in done}
    note = notes.sign_note(notes.Checkpoint(ORIGIN, size, tree.root(frontier)).text(), ORIGIN, made.log)
    path = tree.prove(
        tree.inclusion_ranges(made.index, size), lambda want: {node: nodes[node] for node in want}
    )
    return notes.Proof(made.index, tuple(path), note).text()


def mark(path: Path, made: Made, *, proof: str | None = None, named: str | None = None) -> None:
    identity = named or made.said["predicate"]["certificate"]["id"]
    credentials.embed(
        path, credentials.Credentials(identity, made.envelope().to_json(), proof or proof_of(made))
    )


def trust() -> Trust:
    def trusted(signer: FileSigner, purpose: str, **more: Any) -> TrustedKey:
        name = ORIGIN if purpose == "log" else "vectors.example/stamp"
        return TrustedKey(signer.key_id, purpose, name, signer.public_key, NOW, **more)

    lost = {
        "retired_at": NOW,
        "revoked_at": NOW,
        "revoked_because": "The laptop was stolen.",
        "revoked_from": 2,
    }
    return Trust(
        (
            trusted(STAMP, "stamp"),
            trusted(LOST, "stamp", **lost),
            trusted(LOG, "log"),
            trusted(
                OLD_LOG, "log", retired_at=NOW, revoked_at=NOW, revoked_because="Its host was broken into."
            ),
        ),
        {4: Revoked(4, NOW, "A sample was not cleared.")},
    )


def flipped(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def main() -> None:
    for old in HERE.glob("*"):
        old.unlink()
    seconds = np.arange(RATE // 10) / RATE
    tone = (0.4 * np.sin(2 * np.pi * 220 * seconds) + 0.1 * np.sin(2 * np.pi * 1875 * seconds)).astype(
        np.float32
    )
    music = np.stack([tone, tone * 0.5])
    plain: dict[str, Path] = {}
    for name, write in {
        "wav": lambda path: write_wav(path, music, RATE, bits=16),
        "wav24": lambda path: write_wav(path, music, RATE, bits=24),
        "flac": lambda path: write_flac(path, music, RATE, bits=16),
        "mp3": lambda path: write_mp3(path, music, RATE, kbps=128),
    }.items():
        plain[name] = HERE / f".{name}"
        write(plain[name])
    cases: list[dict[str, Any]] = []

    def case(name: str, of: str, state: str, failed: str | None = None, *,
             change: Callable[[Path], None] | None = None, made: Made | None = None, shown: Any = None,
             private: bool = False, marked: bool = True, **marks: Any) -> None:  # fmt: skip
        path = HERE / f"{name}.{of.removesuffix('24')}"
        path.write_bytes(plain[of].read_bytes())
        if marked:
            mark(
                path, made or Made(said_of("vector", {of.removesuffix("24"): path}, private=private)), **marks
            )
        if change is not None:
            change(path)
        row: dict[str, Any] = {"file": path.name, "state": state, "failed": failed}
        if shown is not None:
            row["disclosure"] = shown
        cases.append(row)

    def said(of: str, **more: Any) -> dict[str, Any]:
        return said_of("vector", {of: plain[of]}, **more)

    identity = said("wav")["predicate"]["certificate"]["id"]
    opened = disclosure.Disclosure(identity, SALTED).to_json()
    forged = {**opened, "parts": [{**SALTED[0].to_json(), "value": "Something harmless"}]}
    case("intact", "wav", "intact")
    case("intact-24-bit", "wav24", "intact")
    case("intact", "flac", "intact")
    case("intact", "mp3", "intact")
    case("private", "wav", "intact", private=True)
    case("private-opened", "wav", "intact", private=True, shown=opened)
    case("private-forged", "wav", "altered", "disclosure", private=True, shown=forged)
    case("disclosure-of-another", "wav", "altered", "disclosure", private=True,
         shown={**opened, "certificate_id": "cert_another0000000"})  # fmt: skip
    for of in ("wav", "flac", "mp3"):
        case("retagged", of, "intact",
             change=lambda path: marking.write_fields(path, text={"title": "Other"}, custom={}))  # fmt: skip
    case("audio-changed", "wav", "altered", "audio", change=lambda path: flipped(path, 4_000))
    case(
        "audio-changed",
        "mp3",
        "altered",
        "audio",
        change=lambda path: flipped(path, path.stat().st_size - 300),
    )
    case(
        "audio-changed",
        "flac",
        "altered",
        "audio",
        change=lambda path: flipped(path, path.stat().st_size - 300),
    )
    case("other-audio", "wav24", "altered", "audio", made=Made(said("wav")))
    case("no-credentials", "wav", "no_credentials", marked=False)
    case("no-credentials", "mp3", "no_credentials", marked=False)
    for field in credentials.FIELDS[2:]:
        case(f"without-{field.split('_')[1].lower()}", "wav", "altered", "credentials",
             change=lambda path, field=field: marking.write_fields(path, text={}, custom={field: ""}))  # fmt: skip
    case("by-a-stranger", "wav", "altered", "signature", made=Made(said("wav"), signer=STRANGER))
    good = Made(said("wav")).envelope()
    edited = Made({**said("wav")}).envelope().payload.replace(b"Ossa", b"Olga")
    broken = replace(good, payload=edited)
    case("statement-edited", "wav", "altered", "signature", change=lambda path: _put(path, broken.to_json()))
    case("two-signatures", "wav", "altered", "form", change=lambda path: _put(
        path, {**good.to_json(), "signatures": good.to_json()["signatures"] * 2}))  # fmt: skip
    spaced = json.dumps(said("wav"), ensure_ascii=False).encode()
    case("not-canonical", "wav", "altered", "form", made=Made(said("wav"), payload=spaced))
    twice = canonical(said("wav")).replace(b'"subject":', b'"_type":"x","subject":')
    case("a-key-twice", "wav", "altered", "form", made=Made(said("wav"), payload=twice))
    decomposed = canonical(said("wav")).replace("Zoë".encode(), "Zoe\u0308".encode())
    case("not-nfc", "wav", "altered", "form", made=Made(said("wav"), payload=decomposed))
    long = canonical(said("wav")).replace(b"0.82", b"0.82000001")
    case("too-many-digits", "wav", "altered", "form", made=Made(said("wav"), payload=long))
    case("another-identity", "wav", "altered", "identity", named="cert_another0000000")
    case("log-by-a-stranger", "wav", "altered", "log", made=Made(said("wav"), log=STRANGER))
    case("log-by-a-revoked-key", "wav", "altered", "log", made=Made(said("wav"), log=OLD_LOG))
    case("not-in-the-log", "wav", "altered", "log", proof=proof_of(Made(said("flac"))))
    right = proof_of(Made(said("wav")))
    case("wrong-place", "wav", "altered", "log", proof=right.replace("index 3", "index 2"))
    case("larger-checkpoint", "wav", "altered", "log", proof=right.replace("log\n6\n", "log\n7\n"))
    case("first-of-one", "wav", "intact", proof=proof_of(Made(said("wav"), index=0), size=1))
    case("last-of-five", "wav", "intact", proof=proof_of(Made(said("wav"), index=4), size=5),
         made=Made(said("wav"), index=4))  # fmt: skip
    cases[-1]["state"] = "revoked"  # entry 4 is a certificate that was taken back
    case("key-revoked", "wav", "revoked", made=Made(said("wav"), signer=LOST))
    case("logged-before-the-key-was-lost", "wav", "intact", made=Made(said("wav"), signer=LOST, index=1))
    case("certificate-revoked", "wav", "revoked", made=Made(said("wav"), index=4))
    case("from-before-flac-streams", "flac", "not_checked", made=Made(said("flac", streams_too=False)))
    for path in plain.values():
        path.unlink()
    (HERE / "trust.json").write_text(json.dumps(trust().to_json(), indent=1) + "\n")
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")


def _put(path: Path, envelope: Any) -> None:
    marking.write_fields(path, text={}, custom={credentials.ENVELOPE: json.dumps(envelope)})


if __name__ == "__main__":
    main()
