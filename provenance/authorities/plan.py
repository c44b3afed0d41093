"""The plan's contract at a configured address: `POST /api/stamp` with the file, `GET /api/verify/:id`. Pure.

Another Starforge speaks it. The certificate's id goes along as Idempotency-Key, so sending again after a lost answer
is safe there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from provenance.authorities.base import Declaration, Difference, Receipt, Refused, Search, Unreachable, same
from provenance.authorities.http import Service, Upload

MAX_ID = 128
MARK = "starforge"  # the part of the metadata that says whose stamp this repeats


@dataclass(frozen=True)
class Plan:
    service: Service
    kind: str = "plan"
    label: str = "o8"
    idempotent: bool = True

    @property
    def base_url(self) -> str:
        return self.service.base_url

    def fields(self, declaration: Declaration) -> dict[str, Any]:
        if declaration.file is None:
            raise Refused(
                f"{self.label} wants the recording itself, and its file is no longer kept here. Stamp it there by hand."
            )
        params, source = declaration.block("generation_params"), declaration.block("source")
        kept = ("bpm", "energy", "key", "genre", "duration_seconds", "seed")
        return {
            "type": declaration.provenance.get("type"),
            "title": declaration.title or declaration.certificate_id,
            "timestamp": declaration.created,
            "model": declaration.model,
            "source_catalog_hash": source.get("catalog_hash"),
            "track_count": source.get("track_count"),
            "generation_params": {name: params[name] for name in kept if params.get(name) is not None},
            MARK: {
                "certificate_id": declaration.certificate_id,
                "signature": declaration.signature,
                "statement_sha256": declaration.statement_sha256,
                "file_sha256": declaration.file_sha256,
                "url": declaration.url,
            },
        }

    def declare(self, declaration: Declaration, fields: Mapping[str, Any]) -> Receipt:
        if declaration.file is None:
            raise Refused("The file of this recording is no longer kept here.")
        try:
            upload = Upload(
                declaration.file,
                f"{declaration.certificate_id}.{declaration.file_format}",
                {"metadata": json.dumps(fields, ensure_ascii=False)},
            )
            status, told = self.service.ask(
                "POST", "/api/stamp", upload=upload, headers={"Idempotency-Key": declaration.certificate_id}
            )
        except FileNotFoundError as error:
            raise Refused("The file of this recording is no longer kept here.") from error
        if status == 404:
            raise Refused("There is no stamp at this address.")
        named = told.get("certificate_id") if isinstance(told, dict) else None
        if not isinstance(named, str) or not 0 < len(named) <= MAX_ID:
            raise Unreachable("Its answer names no certificate.", perhaps_heard=True)
        kept = {name: told[name] for name in ("certificate_id", "timestamp") if name in told}
        return Receipt(named, self._address(named), str(told.get("signature") or "")[:300], kept)

    def find(self, fields: Mapping[str, Any], since: datetime) -> Receipt | Search:
        return Search.CANNOT_TELL

    def look(self, remote_id: str, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
        status, told = self.service.ask("GET", f"/api/verify/{quote(remote_id, safe='')}")
        if status == 404:
            return None
        if not isinstance(told, dict):
            raise Unreachable("Its answer is no verdict.")
        return told

    def differences(self, fields: Mapping[str, Any], found: Mapping[str, Any]) -> list[Difference]:
        """It must call the stamp valid and still say what was sent; how it files the rest is its own affair."""
        said = found.get("metadata")
        said = said if isinstance(said, Mapping) else {}
        wanted = {"valid": True, "type": fields["type"], MARK: fields[MARK]}
        read = {"valid": found.get("valid"), "type": said.get("type"), MARK: said.get(MARK)}
        return [
            Difference(name, wanted[name], read[name])
            for name in wanted
            if not same(wanted[name], read[name])
        ]

    def _address(self, remote_id: str) -> str:
        return f"{self.base_url}/api/verify/{quote(remote_id, safe='')}"
