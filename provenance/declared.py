"""Read what a client of `POST /api/stamp` claims into the plan's provenance form. Pure.

Clients send metadata in two shapes: the plan's `provenance` JSON, or the flat fields of the plan's own example
(`model`, `source_catalog_hash`, `generation_params`, `aesthetic_dna` …). The time of a declaration is ours: a
client that could set it could back-date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MAX_METADATA_BYTES = 64_000
HIDEABLE = ("title", "prompt", "notes")
_GENERATOR = {"model": "model", "model_version": "version"}
_SOURCE = {
    "source_catalog": "catalog_hash",
    "source_catalog_hash": "catalog_hash",
    "catalog_hash": "catalog_hash",
    "catalog_id": "catalog_id",
    "track_count": "track_count",
    "aesthetic_dna": "aesthetic_dna_snapshot",
    "aesthetic_dna_snapshot": "aesthetic_dna_snapshot",
}


class MetadataError(ValueError):
    """Metadata that cannot be read. The message is one sentence for whoever sent it."""


def parse(text: str) -> dict[str, Any]:
    """The JSON object in a form field; {} when the field is empty."""
    if not text.strip():
        return {}
    if len(text.encode("utf-8", "replace")) > MAX_METADATA_BYTES:
        raise MetadataError(f"metadata is larger than {MAX_METADATA_BYTES:,} bytes.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MetadataError("metadata is not valid JSON.") from error
    if not isinstance(value, dict):
        raise MetadataError("metadata must be a JSON object.")
    if _has_nul(value):
        raise MetadataError("metadata has a character that no text has (\\u0000). Take it out.")
    return value


def _has_nul(value: Any) -> bool:
    """Whether a name or a text anywhere in a JSON value has a NUL: databases cannot keep it."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str) and "\0" in one:
            return True
        if isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            left += one
    return False


def provenance(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance JSON for these claims, without title and timestamp, which the certificate has itself."""
    inner = metadata.get("provenance")
    claimed = dict(inner) if isinstance(inner, Mapping) else dict(metadata)
    for name in ("title", "filename", "provenance"):
        claimed.pop(name, None)
    when = claimed.pop("timestamp", None)
    if when is not None:
        claimed["claimed_timestamp"] = when
    for names, block in ((_GENERATOR, "generator"), (_SOURCE, "source")):
        _fold(claimed, names, block)
    # Another artist, their consent and the match with them are for us to say: nobody speaks for somebody else.
    for block, name in (("source", "partner"), ("result", "similarity_to")):
        if isinstance(said := claimed.get(block), Mapping) and name in said:
            claimed[block] = {key: value for key, value in said.items() if key != name}
    if "source_tracks" in claimed:
        params = claimed.get("generation_params")
        if isinstance(params, Mapping) and "reference_tracks" not in params:
            claimed["generation_params"] = {**params, "reference_tracks": claimed.pop("source_tracks")}
    return claimed


def hidden(text: str) -> set[str]:
    """The names in the form field `private`, separated by commas. Raises MetadataError."""
    names = {name.strip() for name in text.split(",") if name.strip()}
    if unknown := sorted(names - set(HIDEABLE)):
        raise MetadataError(f"{unknown[0][:32]!r} cannot be private; {', '.join(HIDEABLE)} can.")
    return names


def apart(claimed: Mapping[str, Any], title: str, names: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what is signed in the open, what is signed as salted hashes) of a provenance and its title."""
    said: dict[str, Any] = dict(claimed)
    private: dict[str, Any] = {}
    if "title" in names:
        private["title"] = title
    if "notes" in names:
        private["notes"] = said.pop("notes", None)
    params = said.get("generation_params")
    if "prompt" in names and isinstance(params, Mapping):
        private["prompt"] = params.get("prompt")
        said["generation_params"] = {name: value for name, value in params.items() if name != "prompt"}
    return said, private


def title(metadata: Mapping[str, Any], filename: str) -> str:
    """What the recording is called: the metadata's title, else the file name without its ending."""
    for found in (metadata.get("title"), filename.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]):
        if isinstance(found, str) and found.strip():
            return found.strip()
    return "Untitled"


def _fold(claimed: dict[str, Any], names: Mapping[str, str], block: str) -> None:
    """Move flat fields into `block`, never over one that stands there already."""
    held = claimed.get(block)
    if held is not None and not isinstance(held, Mapping):
        return
    inner = dict(held or {})
    for flat, name in names.items():
        if flat in claimed and name not in inner:
            inner[name] = claimed.pop(flat)
    if inner:
        claimed[block] = inner
