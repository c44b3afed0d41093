"""What the stand-alone verifier finds out about one recording or one bundle. No network, no database."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.audio.errors import AudioError
from provenance import credentials, disclosure, streams, wording
from provenance.manifest import judging
from provenance.proof import Audio, Check, examine
from provenance.trust import Trust

INTACT, ALTERED, NO_CREDENTIALS, REVOKED, SOUND_ONLY, NOT_CHECKED = (
    "intact",
    "altered",
    "no_credentials",
    "revoked",
    "sound_only",
    "not_checked",
)
EXIT_CODES = {INTACT: 0, ALTERED: 1, NO_CREDENTIALS: 2, REVOKED: 4, SOUND_ONLY: 5, NOT_CHECKED: 65}
MAX_MEMBER = 1 << 20  # of a bundle: none of its files comes near it


class NotReadable(Exception):
    """Something handed in that cannot be read. The message is one sentence."""


@dataclass(frozen=True)
class Bundle:
    """The two files of a certificate bundle that prove something. Its trust file is only its own word."""

    envelope: Any
    proof: str

    @classmethod
    def read(cls, path: Path) -> Bundle:
        """From the zip, or from the folder it was unpacked to. Raises NotReadable."""
        try:
            if path.is_dir():
                texts = {
                    name: (path / name).read_bytes()[: MAX_MEMBER + 1]
                    for name in ("envelope.json", "proof.txt")
                }
            else:
                with zipfile.ZipFile(path) as archive:
                    texts = {name: _member(archive, name) for name in ("envelope.json", "proof.txt")}
            return cls(json.loads(texts["envelope.json"]), texts["proof.txt"].decode("utf-8"))
        # RuntimeError: encrypted, packed in a way nobody knows, or JSON without an end.
        except (
            OSError,
            EOFError,
            KeyError,
            ValueError,
            RuntimeError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise NotReadable(f"{path.name} is not a certificate bundle.") from error


@dataclass(frozen=True)
class Outcome:
    """The answer; `state` has the words and exit codes of the server's own verifier."""

    state: str
    sentence: str
    checks: tuple[Check, ...] = ()
    certificate_id: str | None = None
    opened: dict[str, Any] | None = None

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.state]

    def to_json(self) -> dict[str, Any]:
        return {
            "valid": self.state == INTACT,
            "state": self.state,
            "sentence": self.sentence,
            "certificate_id": self.certificate_id,
            "opened": self.opened or {},
            "checks": [check.to_json() for check in self.checks],
        }


def check_file(
    path: Path, trust: Trust, *, bundle: Bundle | None = None, shown: disclosure.Disclosure | None = None
) -> Outcome:
    """Check a recording by the credentials it carries, or by those of `bundle` when one is given."""
    try:
        if bundle is not None:  # the stamp at hand is not the file's, so neither is its manifest asked
            audio = Audio(*streams.identity(path))
            return _judged(bundle.envelope, bundle.proof, None, trust, audio, shown)
        with judging.looking(path, trust) as look:  # the c2pa library, where it is installed, works meanwhile
            audio = Audio(*streams.identity(path))
            seen = look.seen()
    except AudioError as error:
        return Outcome(NOT_CHECKED, error.reason)
    try:
        carried = credentials.extract(path)
    except credentials.CredentialsDamaged as error:
        said = f"This file's credentials were damaged or edited. {error}"
        return Outcome(ALTERED, said, (Check("credentials", False, str(error)),))
    if carried is None:
        return Outcome(
            NO_CREDENTIALS,
            "This file carries no stamp. With the certificate's bundle it can be checked all the same.",
            (
                *([judging.judge(seen, trust)] if seen.place else []),
                Check(
                    "audio", None, "Nothing to compare with.", {"kind": audio.kind, "measured": audio.sha256}
                ),
            ),
        )
    return _judged(
        carried.envelope, carried.proof, carried.certificate_id, trust, audio, shown, seen, carried.manifest
    )


def check_bundle(bundle: Bundle, trust: Trust, *, shown: disclosure.Disclosure | None = None) -> Outcome:
    """Check a certificate without a recording: its signature and its place in the log."""
    return _judged(bundle.envelope, bundle.proof, None, trust, None, shown)


def _judged(
    envelope: Any,
    proof: str,
    certificate_id: str | None,
    trust: Trust,
    audio: Audio | None,
    shown: disclosure.Disclosure | None,
    seen: judging.Seen | None = None,
    promised: bool = False,
) -> Outcome:
    looked = examine(
        envelope, trust, audio=audio, proof=proof, certificate_id=certificate_id, disclosure=shown
    )
    found = looked.claim.certificate_id if looked.claim else None
    manifest = None
    if seen is not None:
        manifest = judging.judge(
            seen,
            trust,
            certificate_id=certificate_id,
            envelope=envelope,
            entry=looked.entry_index,
            promised=promised,
        )
    checks = (*([manifest] if manifest else []), *looked.checks)
    failed = looked.first_failure
    wrong = manifest is not None and manifest.ok is False
    if failed is None and manifest is not None and wrong and not judging.spares_the_sound(manifest):
        said = f"This file is not as it was issued. {manifest.sentence}"
        return Outcome(ALTERED, said, checks, found)
    if failed is not None:
        beginning = {
            "audio": "This is not the recording that was certified.",
            "disclosure": "This disclosure does not hold.",
        }.get(failed.name, "This stamp does not hold.")
        return Outcome(ALTERED, f"{beginning} {failed.sentence}", checks, found)
    if looked.revocation:
        return Outcome(REVOKED, f"{looked.revocation.rstrip('.')}.", checks, found)
    unknown = next(
        (c for c in looked.checks if c.ok is None), None
    )  # a manifest is a second proof, not the first
    if unknown is not None or looked.claim is None:
        said = unknown.sentence if unknown else "The stamp could not be looked at."
        return Outcome(NOT_CHECKED, said, checks, found)
    title = str(looked.opened.get("title") or "")
    ending = (
        "The signature and the log entry hold."
        if audio is None
        else "The file you hold has not changed since."
    )
    if manifest is not None and wrong:
        ending = judging.sound_only(manifest)
    elif manifest is not None and manifest.detail["state"] == judging.NOT_CHECKED:
        ending = f"{ending} {manifest.sentence}"
    said = f"{wording.origin(looked.claim, title)} {ending}"
    return Outcome(SOUND_ONLY if wrong else INTACT, said, checks, found, looked.opened)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    found = [info for info in archive.infolist() if info.filename.rsplit("/", 1)[-1] == name]
    if len(found) != 1 or found[0].file_size > MAX_MEMBER:
        raise KeyError(name)
    with archive.open(found[0]) as file:
        return file.read(MAX_MEMBER + 1)
