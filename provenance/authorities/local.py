"""The authority that is always there: this Starforge itself. Its stamp is the declaration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from provenance.authorities.base import Declaration, Difference, Receipt, Search, same


class Local:
    """Nothing is sent: the signed and logged certificate is what others would only repeat."""

    kind = "local"
    label = "Starforge"
    base_url = ""
    idempotent = True

    def fields(self, declaration: Declaration) -> dict[str, Any]:
        return {
            "certificate_id": declaration.certificate_id,
            "statement_sha256": declaration.statement_sha256,
        }

    def declare(self, declaration: Declaration, fields: Mapping[str, Any]) -> Receipt:
        return Receipt(declaration.certificate_id, declaration.url, declaration.signature)

    def find(self, fields: Mapping[str, Any], since: datetime) -> Receipt | Search:
        return Receipt(str(fields["certificate_id"]))

    def look(self, remote_id: str, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return fields

    def differences(self, fields: Mapping[str, Any], found: Mapping[str, Any]) -> list[Difference]:
        return [
            Difference(name, fields[name], found.get(name))
            for name in fields
            if not same(fields[name], found.get(name))
        ]
