"""Where a certificate stands with others, in the words the page uses. From rows, not from the network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from provenance import wording
from provenance.lineage import ADAPTER
from provenance.models import Certificate, ExternalStamp


@dataclass(frozen=True)
class Standing:
    """`mark`: good, warn or bad, beside the word. `verb`: what its owner can do about it, "" for nothing."""

    state: str
    word: str
    mark: str
    sentence: str
    url: str = ""
    verb: str = ""
    differences: tuple[dict[str, Any], ...] = ()

    @property
    def compared(self) -> list[tuple[str, str, str]]:
        """(field, what was sent, what stands there now) for a reader."""
        return [
            (str(one.get("field", "")), _shown(one.get("sent")), _shown(one.get("found")))
            for one in self.differences
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "word": self.word,
            "sentence": self.sentence,
            "url": self.url,
            "differences": [
                {name: one[name] for name in ("field", "sent", "found") if name in one}
                for one in self.differences
            ],
        }


def of(certificate: Certificate) -> Standing:
    row = certificate.external_stamps.first()
    if row is None:
        can = settings.STARFORGE_O8_URL and certificate.provenance["type"] != ADAPTER
        verb = "Declare on o8" if can else ""
        return Standing(
            "local", "Stamped locally", "good", "Not declared on o8; the stamp holds without it.", "", verb
        )
    return of_row(row)


def of_row(row: ExternalStamp) -> Standing:
    link = row.remote_url if row.remote_url.startswith(("https://", "http://")) else ""
    if row.remote_id:
        return _declared(row, link)
    if row.status in (ExternalStamp.QUEUED, ExternalStamp.RUNNING):
        if row.next_try_at is None:
            return Standing("queued", "Queued for o8", "warn", "Stamped locally; it is sent in a moment.")
        again = wording.minute(row.next_try_at)
        return Standing(
            "queued", "Queued for o8", "warn", f"Stamped locally. {row.error} Next try: {again}.".replace("  ", " "),
            verb="Try Now",
        )  # fmt: skip
    if row.refused:
        return Standing(
            "refused",
            "Refused by o8",
            "bad",
            f"{_ended(row.error)} The local stamp holds.",
            verb="Send Again",
        )
    return Standing(
        "failed",
        "Not declared on o8",
        "warn",
        f"{_ended(row.error)} The local stamp holds.",
        verb="Send Again",
    )


def _declared(row: ExternalStamp, link: str) -> Standing:
    looked = f" Compared {wording.minute(row.compared_at)}." if row.compared_at else ""
    failed = f" {row.error}" if row.error else ""
    if row.missing:
        said = f"It was declared as {row.remote_id} and is no longer there. The local signature still proves.{looked}"
        return Standing("missing", "Missing on o8", "warn", said, "", "Declare Again")
    if row.differences:
        names = ", ".join(str(one.get("field")) for one in row.differences)
        said = f"What stands there is no longer what was declared: {names}. The local signature still proves.{looked}"
        return Standing(
            "differs", "Does not match", "bad", said, link, "Compare Again", tuple(row.differences)
        )
    when = f" on {wording.day(row.declared_at)}" if row.declared_at else ""
    return Standing(
        "declared",
        "Declared on o8",
        "good",
        f"As {row.remote_id}{when}.{looked}{failed}",
        link,
        "Compare Now",
    )


def _shown(value: Any) -> str:
    """A field's value for a reader: yes and no, nothing for nothing."""
    if value in (None, "", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return wording.clip(
        value if isinstance(value, (str, int, float)) else json.dumps(value, ensure_ascii=False)
    )


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
