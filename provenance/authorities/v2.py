"""o8's provenance v2 surface: `POST /api/provenance/stamp` and `/verify`, by the hash of the file. Pure.

It binds a hash to an identity that must exist there already, and needs IPFS at its side. Its own `valid` is weak
(a declaration that exists is enough), so what it declares is compared here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provenance.authorities.base import (
    PHASES,
    Declaration,
    Difference,
    Receipt,
    Refused,
    Search,
    Unreachable,
    same,
)
from provenance.authorities.http import Service

MAX_ID = 128


@dataclass(frozen=True)
class V2:
    service: Service
    identity: str
    kind: str = "v2"
    label: str = "o8"
    idempotent: bool = False

    @property
    def base_url(self) -> str:
        return self.service.base_url

    def fields(self, declaration: Declaration) -> dict[str, Any]:
        out: dict[str, Any] = {
            "identity_id": self.identity,
            "content_type": "audio",
            "content_fingerprint": declaration.file_sha256,
            "ai_contribution": sum(declaration.share(phase) for phase in PHASES) / len(PHASES) / 100,
            "metadata": {
                "certificate_id": declaration.certificate_id,
                "certificate_url": declaration.url,
                "statement_sha256": declaration.statement_sha256,
                "catalog_hash": declaration.block("source").get("catalog_hash"),
            },
        }
        if declaration.title:
            out["title"] = declaration.title
        if declaration.model:
            generator = declaration.block("generator")
            out["ai_model"] = {
                "name": str(generator.get("label") or generator.get("model")),
                "provider": "Starforge",
                "version": str(generator.get("version") or ""),
            }
        return out

    def declare(self, declaration: Declaration, fields: Mapping[str, Any]) -> Receipt:
        status, told = self.service.ask("POST", "/api/provenance/stamp", body=dict(fields))
        if status == 404:
            said = told.get("error") if isinstance(told, dict) else ""
            raise Refused(f"{said or 'There is no provenance surface at this address'}".rstrip(".") + ".")
        named = told.get("declaration_cid") if isinstance(told, dict) else None
        if not isinstance(named, str) or not 0 < len(named) <= MAX_ID:
            raise Unreachable("Its answer names no declaration.", perhaps_heard=True)
        kept = {name: told[name] for name in ("declaration_cid", "manifest_cid", "timestamp") if name in told}
        links = told.get("gateway_urls")
        url = links.get("declaration") if isinstance(links, Mapping) else ""
        return Receipt(named, url if isinstance(url, str) and url.startswith("https://") else "", "", kept)

    def find(self, fields: Mapping[str, Any], since: datetime) -> Receipt | Search:
        return Search.CANNOT_TELL

    def look(self, remote_id: str, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
        asked = {"declaration_cid": remote_id, "content_fingerprint": fields["content_fingerprint"]}
        status, told = self.service.ask("POST", "/api/provenance/verify", body=asked)
        if status == 404 or not isinstance(told, dict):
            return None
        checks = told.get("checks")
        there = isinstance(checks, Mapping) and checks.get("declaration_exists")
        return told if there else None

    def differences(self, fields: Mapping[str, Any], found: Mapping[str, Any]) -> list[Difference]:
        said = found.get("declaration")
        said = said if isinstance(said, Mapping) else {}
        content = said.get("content")
        content = content if isinstance(content, Mapping) else {}
        pairs = {
            "content_type": content.get("type"),
            "content_fingerprint": content.get("fingerprint"),
            "metadata": content.get("metadata"),
        }
        return [
            Difference(name, fields[name], value)
            for name, value in pairs.items()
            if not _kept(fields[name], value)
        ]


def _kept(sent: Any, found: Any) -> bool:
    """Whether everything that was sent is still there; o8 may add to it."""
    if isinstance(sent, Mapping) and isinstance(found, Mapping):
        return all(same(value, found.get(name)) for name, value in sent.items())
    return same(sent, found)
