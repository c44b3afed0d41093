"""o8's REST declarations: `POST /api/declarations`, as the deployed service really takes them. Pure.

It has no accounts, no signature and no search by hash, and anybody may change or delete an anonymous record. So
every field that was sent is kept here and held against the record later, and after a lost answer the list is
searched before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from provenance.authorities import o8_words
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

PAGE, PAGES = 100, 5
CLOCKS = timedelta(hours=24)  # how far two clocks may be apart
MAX_ID = 128


@dataclass(frozen=True)
class Declarations:
    """`wallet`: with one, o8 refuses to delete the record for others, and can be searched by it."""

    service: Service
    wallet: str = ""
    kind: str = "declarations"
    label: str = "o8"
    idempotent: bool = False

    @property
    def base_url(self) -> str:
        return self.service.base_url

    def fields(self, declaration: Declaration) -> dict[str, Any]:
        parent = next((one for one in declaration.parents if one.remote_id), None)
        return {
            "title": declaration.title,
            "artistName": declaration.artist,
            "artistWallet": self.wallet or None,
            **{f"ai{phase.capitalize()}": declaration.share(phase) for phase in PHASES},
            "methodology": o8_words.methodology(declaration),
            # o8 shows a prompt to everybody, "private" or not: only one that its owner opened is sent.
            "aiPrompt": declaration.prompt or None,
            "promptVisibility": "public" if declaration.prompt else "private",
            "daws": "",
            "plugins": "",
            "aiModels": o8_words.stack(declaration.model),
            "hardware": "",
            "parentDeclarationId": parent.remote_id if parent else None,
            "parentRelation": o8_words.relation(parent.relation) if parent else None,
            "ipfsCID": "",
            "sha256": declaration.file_sha256,
            "trainingRights": declaration.granted("training"),
            "derivativeRights": declaration.granted("derivative"),
            "remixRights": declaration.granted("remix"),
            "contributorSplits": [],
        }

    def declare(self, declaration: Declaration, fields: Mapping[str, Any]) -> Receipt:
        status, row = self.service.ask("POST", "/api/declarations", body=dict(fields))
        if status == 404:
            raise Refused("There is no o8 at this address: it has no declarations.")
        return self._receipt(row)

    def find(self, fields: Mapping[str, Any], since: datetime) -> Receipt | Search:
        """The record of an unanswered attempt, by file hash and methodology, which names the certificate."""
        wallet = {"artist": self.wallet, "canonState": "all"}
        query = wallet if self.wallet else {"artistName": fields["artistName"]}
        for page in range(PAGES):
            rows = self._listed({**query, "limit": PAGE, "offset": page * PAGE})
            for row in rows:
                if row.get("sha256") == fields["sha256"] and row.get("methodology") == fields["methodology"]:
                    return self._receipt(row)
            if len(rows) < PAGE or _older(rows[-1], since - CLOCKS):
                return Search.NOT_THERE if self.wallet or self._lists_all() else Search.CANNOT_TELL
        return Search.CANNOT_TELL

    def _lists_all(self) -> bool:
        """A newer o8 hides anonymous records from its list; an older one has no such state and shows every one."""
        rows = self._listed({"limit": 1})
        return bool(rows) and "canonState" not in rows[0]

    def _listed(self, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        _, told = self.service.ask("GET", f"/api/declarations?{urlencode(query)}")
        rows = told.get("declarations") if isinstance(told, dict) else None
        if not isinstance(rows, list):
            raise Unreachable("Its list of declarations is none.")
        return [row for row in rows if isinstance(row, dict)]

    def look(self, remote_id: str, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
        status, row = self.service.ask("GET", f"/api/declarations/{quote(remote_id, safe='')}")
        if status == 404:
            return None
        if not isinstance(row, dict):
            raise Unreachable("Its answer is no declaration.")
        return row

    def differences(self, fields: Mapping[str, Any], found: Mapping[str, Any]) -> list[Difference]:
        return [
            Difference(name, fields[name], found.get(name))
            for name in fields
            if not same(fields[name], found.get(name))
        ]

    def _receipt(self, row: Any) -> Receipt:
        named = row.get("id") if isinstance(row, dict) else None
        if not isinstance(named, str) or not 0 < len(named) <= MAX_ID:
            raise Unreachable("Its answer names no declaration.", perhaps_heard=True)
        kept = {
            name: row[name]
            for name in ("id", "createdAt", "badge", "authMethod", "canonState")
            if name in row
        }
        return Receipt(named, f"{self.base_url}/verify/{quote(named, safe='')}", "", kept)


def _older(row: Any, moment: datetime) -> bool:
    """Whether a row of the list, which runs from new to old, was made before `moment`."""
    try:
        return datetime.fromisoformat(str(row["createdAt"])) < moment
    except (KeyError, TypeError, ValueError):
        return False
