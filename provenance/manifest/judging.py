"""What a file's manifest means to somebody who trusts our root: the first line of every check list.

The c2pa library says whether signature and hashes hold and whether the signer leads to our root. What it leaves open is
settled here: every byte that nobody hashed is accounted for (`boxes`), the manifest is about this very certificate, and
the key that signed it has not been revoked.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.audio.errors import AudioError
from catalog.audio.sniff import Located, locate, open_regular
from provenance import wording
from provenance.manifest import boxes, certificates, limited, places
from provenance.manifest.writing import ASSERTION
from provenance.proof import Check
from provenance.signing import key_id
from provenance.trust import Trust, TrustedKey

NAME = "manifest"
TRUSTED, UNKNOWN_SIGNER, INVALID, STALE, REVOKED, ABSENT, NOT_CHECKED = (
    "trusted",
    "unknown_signer",
    "invalid",
    "stale",  # whole and ours, but the file around the sound has changed since
    "revoked",
    "absent",
    "not_checked",
)
SOUND_ONLY = (STALE, REVOKED, ABSENT)  # where the stamp holds all the same
_STALE_CODES = {"assertion.dataHash.mismatch", "assertion.bmffHash.mismatch"}
_UNCHECKED = "Whether the Content Credentials can be trusted was not checked."
_MEANING = {
    "claimSignature.mismatch": "its signature does not fit what it says",
    "assertion.hashedURI.mismatch": "a part of it was edited",
    "signingCredential.expired": "the certificate of its signer has run out",
    "signingCredential.invalid": "its signer's certificate cannot be one for this purpose",
    "manifest.unreadable": "it cannot be read any more",
}


@dataclass(frozen=True)
class Seen:
    """What was found in a file. `report` is the library's word, "" in `problem` that it could be asked."""

    place: places.Place | None = None
    report: dict[str, Any] | None = None
    problem: str = ""
    manifest: boxes.Manifest | None = None
    malformed: str = ""  # why it is none of ours, in words
    uncovered: str = ""  # what of the file its hash leaves out, in words

    @property
    def ours(self) -> bool:
        """Whether it claims to be one of ours."""
        return bool(self.manifest and ASSERTION in self.manifest.assertions) or bool(
            self.report and self.report.get("ours")
        )


class Look:
    """A look at one file, begun: the library works while the caller hashes the sound."""

    def __init__(self, place: places.Place | None, store: bytes, malformed: str) -> None:
        self._place, self._store, self._malformed = place, store, malformed
        self.work: limited.Reading | None = None
        self.problem = ""

    def seen(self) -> Seen:
        """Wait for the library. Never raises for what a file holds."""
        if self._place is None and not self._malformed:
            return Seen()
        report = None
        if self.work is not None:
            try:
                report = self.work.report()
            except limited.Unavailable as error:
                self.problem = str(error)
        manifest, malformed, uncovered = None, self._malformed, ""
        if self._place is not None:
            try:
                manifest = boxes.parse(self._store)
                uncovered = _uncovered(manifest, self._place)
            except (boxes.Malformed, KeyError, TypeError, ValueError, AttributeError) as error:
                malformed = str(error) or "not of the form that ours have"
        return Seen(self._place, report, self.problem, manifest, malformed, uncovered)


@contextlib.contextmanager
def looking(path: Path, trust: Trust) -> Iterator[Look]:
    """Begin to look at the manifest of a recording; the library is only asked when there is one."""
    fd = open_regular(path)
    try:
        look, located = _found(fd)
        if located is None:
            yield look
            return
        try:
            with limited.reading(fd, located, trust.claim_roots) as work:
                look.work = work
                yield look
        except limited.Unavailable as error:
            if look.work is not None:
                raise
            look.problem = str(error)
            yield look
    finally:
        os.close(fd)


def _found(fd: int) -> tuple[Look, Located | None]:
    try:
        located = locate(fd)
        place = places.find(fd, located)
    except AudioError:
        return Look(None, b"", ""), None
    except boxes.Malformed as error:
        return Look(None, b"", str(error)), located
    return Look(place, places.read(fd, place) if place else b"", ""), located if place else None


def _uncovered(manifest: boxes.Manifest, place: places.Place) -> str:
    """What the data hash leaves out besides the manifest itself, in words; "" when nothing."""
    if "c2pa.hash.data" not in manifest.assertions:
        return "" if any(name.startswith("c2pa.hash.bmff") for name in manifest.assertions) else "no hash"
    whole = place.end - place.begin
    fits = manifest.exclusions in (((place.begin, whole),), ((place.begin, whole + (whole & 1)),))
    return "" if fits else "its hash leaves out more of the file than the manifest"


def carried(path: Path) -> dict[str, Any] | None:
    """Our own assertion in the file's manifest, unchecked; None when there is none that can be read."""
    fd = open_regular(path)
    try:
        place = places.find(fd, locate(fd))
        held = boxes.parse(places.read(fd, place)).assertions.get(ASSERTION) if place else None
        said = json.loads(held) if held else None
    except (AudioError, boxes.Malformed, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None
    finally:
        os.close(fd)
    return said if isinstance(said, dict) else None


def judge(
    seen: Seen,
    trust: Trust,
    *,
    certificate_id: str | None = None,
    envelope: Any = None,
    entry: int | None = None,
    promised: bool = False,
) -> Check:
    """The check. `certificate_id` and `envelope` are those of the stamp the file carries, if it carries one; `entry`
    its place in the log; `promised`: the stamp's tags say that the file was issued with a manifest."""
    state, sentence, detail = _judged(seen, trust, certificate_id, envelope, entry, promised)
    bad = state not in (TRUSTED, NOT_CHECKED) and (state != ABSENT or promised)
    if state == UNKNOWN_SIGNER and certificate_id is None and not seen.ours:
        bad = False  # somebody else's file with somebody else's manifest
    ok = True if state == TRUSTED else False if bad else None
    report = seen.report or {}
    said = {"state": state, "signed_by": report.get("signed_by"), "issuer": report.get("issuer"), **detail}
    return Check(NAME, ok, sentence, {name: value for name, value in said.items() if value})


def spares_the_sound(check: Check) -> bool:
    """Whether a failed check leaves sound, stamp and log as they are proved without the manifest."""
    return check.detail.get("state") in SOUND_ONLY


def sound_only(check: Check) -> str:
    """How the sentence about such a file ends."""
    return (
        f"Its sound has not changed since, but the file around it is not as it was issued. {check.sentence}"
    )


def _judged(
    seen: Seen, trust: Trust, certificate_id: str | None, envelope: Any, entry: int | None, promised: bool
) -> tuple[str, str, dict[str, Any]]:
    if seen.place is None and not seen.malformed:
        said = (
            "The Content Credentials are gone. This file was issued with them, and somebody or some program took"
            " them out."
            if promised
            else "There are no Content Credentials in this file."
        )
        return ABSENT, said, {}
    failures = (seen.report or {}).get("failures") or []
    codes = sorted({str(one.get("code")) for one in failures} - {"signingCredential.untrusted"})
    state = (seen.report or {}).get("state")
    if seen.report is not None and not trust.claim_keys:
        return NOT_CHECKED, f"{_UNCHECKED} The trust file at hand is from before them: fetch it again.", {}
    if seen.report is None:
        if seen.malformed and seen.ours:
            return INVALID, f"The Content Credentials do not hold: {seen.malformed}.", {}
        return NOT_CHECKED, f"{_UNCHECKED} {seen.problem}", {}
    if state == "Invalid" or codes or state not in ("Trusted", "Valid"):
        return _broken(seen, codes, failures)
    if state == "Valid" and seen.manifest is not None and _known(seen.manifest, trust) is not None:
        return REVOKED, "The root key behind the Content Credentials has been revoked.", {}
    if state == "Valid":
        who = wording.clip(seen.report.get("signed_by") or seen.report.get("issuer") or "somebody unknown")
        said = f"The Content Credentials hold, but were signed by “{who}”, for whom this Starforge does not vouch."
        return UNKNOWN_SIGNER, said, {}
    if wrong := seen.malformed or seen.uncovered:
        return INVALID, f"The Content Credentials do not hold: {wrong}.", {}
    assert seen.manifest is not None  # noqa: S101  neither malformed nor absent
    if seen.report.get("label") != seen.manifest.label:
        return INVALID, "The Content Credentials do not hold: two programs read two of them.", {}
    return _trusted(seen.manifest, trust, certificate_id, envelope, entry)


def _trusted(
    manifest: boxes.Manifest, trust: Trust, certificate_id: str | None, envelope: Any, entry: int | None
) -> tuple[str, str, dict[str, Any]]:
    try:
        said = json.loads(manifest.assertions[ASSERTION])
    except (KeyError, ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return INVALID, "The Content Credentials are ours, but name no certificate.", {}
    key = _known(manifest, trust)
    detail = {"label": manifest.label, **({"keyid": key.key_id} if key else {})}
    if certificate_id is not None and (said.get("certificate_id"), said.get("envelope")) != (
        certificate_id,
        envelope,
    ):
        return (
            INVALID,
            "The Content Credentials were made for another certificate than the stamp beside them.",
            detail,
        )
    if key is not None and key.revokes(entry):
        why = f" {key.revoked_because}" if key.revoked_because else ""
        return REVOKED, f"The key that signed the Content Credentials has been revoked.{why}", detail
    return (
        TRUSTED,
        "The Content Credentials are whole, signed by this Starforge, and for this certificate.",
        detail,
    )


def _known(manifest: boxes.Manifest, trust: Trust) -> TrustedKey | None:
    """The published key that signed it. One that the root has certified since the trust file was fetched is none."""
    try:
        signer = key_id(certificates.public_key_der(manifest.certificate))
    except ValueError:
        return None
    return next((one for one in trust.claim_keys if one.key_id == signer), None)


def _broken(seen: Seen, codes: list[str], failures: list[dict[str, Any]]) -> tuple[str, str, dict[str, Any]]:
    detail = {"codes": codes}
    if set(codes) <= _STALE_CODES and codes and not seen.malformed and seen.ours:
        said = (
            "The Content Credentials no longer fit the file: something in it, if only a title, was changed."
        )
        return STALE, said, detail
    code = next((one for one in codes if one in _MEANING), codes[0] if codes else "")
    where = next(
        (str(one.get("url", "")).rsplit("/", 1)[-1] for one in failures if one.get("code") == code), ""
    )
    meaning = _MEANING.get(code, code or seen.malformed or "the library does not say why")
    place = f" ({where})" if where and code == "assertion.hashedURI.mismatch" else ""
    return INVALID, f"The Content Credentials do not hold: {meaning}{place}.", detail
