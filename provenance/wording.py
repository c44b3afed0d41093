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
    source = provenance.get("source")
    count = source.get("track_count") if isinstance(source, Mapping) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else None


def origin(claim: Claim, title: str = "") -> str:
    """One sentence: what this recording is, as it was signed. `title`: of a private one, once it was opened."""
    when = day(claim.provenance["timestamp"])
    title = f"“{clip(claim.title or title)}”" if claim.title or title else "This recording"
    artist = clip(claim.artist)
    if claim.declared:
        return f"{title} was declared by {artist} on {when}."
    by = f" by {model}" if (model := model_name(claim.provenance)) else ""
    count = track_count(claim.provenance)
    recordings = "" if count is None else f" from {count:,} recording{'' if count == 1 else 's'} of {artist}"
    verb = "composed" if claim.provenance.get("type") == "ai_generated" else "made"
    whose = recordings or f" for {artist}"
    return f"{title} was {verb} on {when}{by}{whose}."


def clip(text: Any) -> str:
    """Somebody's text on one line, not longer than a sentence can bear."""
    line = " ".join(str(text).split())
    return line if len(line) <= MAX_WORDS else line[: MAX_WORDS - 1].rstrip() + "…"
