"""The sentences of a certificate. Pure: from what was signed to what a reader is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from provenance.statement import Claim

MAX_WORDS = 80  # of anybody's text inside one of our sentences


def day(moment: datetime | str) -> str:
    """7 February 2026"""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{when.day} {when:%B %Y}"


def minute(moment: datetime | str) -> str:
    """7 February 2026, 12:35 UTC"""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{day(when)}, {when:%H:%M} UTC"


def short(digest: str) -> str:
    """9c1e…77b0; an algorithm in front ("sha256:") is left out."""
    bare = digest.removeprefix("sha256:")
    return f"{bare[:4]}…{bare[-4:]}" if len(bare) > 12 else bare


def model_name(provenance: Mapping[str, Any]) -> str:
    """Mosaic 1.0, from `generator`; "" when none is named."""
    generator = provenance.get("generator")
    if not isinstance(generator, Mapping):
        return ""
    model = clip(generator.get("label") or generator.get("model") or "")
    version = clip(generator.get("version") or "")
    name = model[:1].upper() + model[1:]
    return f"{name} {version}".strip() if version and version not in name else name


def track_count(provenance: Mapping[str, Any]) -> int | None:
    """How many recordings the catalog had; None where it is not said."""
    return _of_source(provenance, "track_count") or None


def partner(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """The other artist of a recording of two, with their catalog: {artist, catalog_hash, …}; {} of one's own."""
    source = provenance.get("source")
    found = source.get("partner") if isinstance(source, Mapping) else None
    return found if isinstance(found, Mapping) and isinstance(found.get("artist"), str) else {}


def recordings(provenance: Mapping[str, Any]) -> str:
    """What of the catalog went in: "6 of the 12 recordings", as far as it was signed; "" when nothing was."""
    return _recordings(provenance.get("source"))


def whose(provenance: Mapping[str, Any], artist: str) -> str:
    """What of whose catalogs went in: "6 of the 12 recordings of Ossa and 4 of the 30 of Cleo"; "" unsaid."""
    own, other = recordings(provenance), partner(provenance)
    if not own:
        return ""
    if not other:
        return f"{own} of {artist}"
    theirs = _recordings(other) or "recordings"
    if 0 not in (_of_source(provenance, "recordings_used"), _count(other, "recordings_used")):
        theirs = theirs.removesuffix(" recordings")  # the word was said of the first
    return f"{own} of {artist} and {theirs} of {clip(other['artist'])}"


def _recordings(source: Any) -> str:
    count, used = _count(source, "track_count") or None, _count(source, "recordings_used")
    if count is None:
        return ""
    all_of_them = f"{count:,} recording{'' if count == 1 else 's'}"
    if used == 0:  # an engine with weights hears none of them
        return f"the Aesthetic DNA of {all_of_them}"
    return all_of_them if used is None or used >= count else f"{used:,} of the {all_of_them}"


def _of_source(provenance: Mapping[str, Any], name: str) -> int | None:
    return _count(provenance.get("source"), name)


def _count(source: Any, name: str) -> int | None:
    value = source.get(name) if isinstance(source, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def unnamed(provenance: Mapping[str, Any]) -> str:
    """What stands where a title is private."""
    return "An adapter" if provenance.get("type") == "adapter" else "A recording"


def origin(claim: Claim, title: str = "") -> str:
    """One sentence: what this recording is, as it was signed. `title`: of a private one, once it was opened."""
    when = day(claim.provenance["timestamp"])
    title = f"“{clip(claim.title or title)}”" if claim.title or title else "This recording"
    artist = clip(claim.artist)
    if claim.declared:
        return f"{title} was declared by {artist} on {when}."
    by = f" by {model}" if (model := model_name(claim.provenance)) else ""
    verb = "composed" if claim.provenance.get("type") == "ai_generated" else "made"
    source = whose(claim.provenance, artist)
    return f"{title} was {verb} on {when}{by}{f' from {source}' if source else f' for {artist}'}."


def clip(text: Any) -> str:
    """Somebody's text on one line, not longer than a sentence can bear."""
    line = " ".join(str(text).split())
    return line if len(line) <= MAX_WORDS else line[: MAX_WORDS - 1].rstrip() + "…"
