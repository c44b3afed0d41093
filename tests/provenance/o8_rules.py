"""o8's own rules for a declaration v1.0, written again from its schema: what it refuses, this refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

WALLET = r"0x[a-fA-F0-9]{40}"
CID = r"(Qm[1-9A-HJ-NP-Za-km-z]{44}|ba[a-z2-7]{57})"
TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z?"
Rule = Callable[[Any], bool]


def text(pattern: str = r"[\s\S]*", least: int = 0) -> Rule:
    return lambda value: isinstance(value, str) and len(value) >= least and bool(re.fullmatch(pattern, value))


def number(low: float, high: float) -> Rule:
    return lambda value: type(value) in (int, float) and low <= value <= high


def positive(value: Any) -> bool:
    return type(value) is int and value > 0


def one_of(*words: str) -> Rule:
    return lambda value: value in words


NAME = text(least=1)
ANY = text()
SCHEMA: dict[str, Any] = {
    "version": one_of("1.0"),
    "declaration_id": NAME,
    "created_at": text(TIME),
    "updated_at": text(TIME),
    "identity": {
        "primary_artist": {"name": NAME, "wallet?": text(WALLET), "signature?": ANY},
        "collaborators": [{"name": NAME, "role": NAME, "wallet?": text(WALLET), "split?": number(0, 1)}],
        "contributors": [{"name": NAME, "role": NAME, "contribution": NAME}],
    },
    "creative_stack": {
        "daws": [ANY],
        "plugins": [ANY],
        "ai_models": [{"name": NAME, "provider": NAME, "version?": ANY, "usage": NAME}],
        "hardware": [ANY],
        "samples": [{"name": NAME, "source": NAME, "license?": ANY}],
    },
    "production_intelligence": {
        "ai_contribution": {
            phase: number(0, 1)
            for phase in ("composition", "arrangement", "production", "mixing", "mastering")
        },
        "methodology": NAME,
        "notes?": ANY,
    },
    "provenance": {
        "ipfs_cid?": text(CID),
        "source_material": [
            {
                "cid": text(CID),
                "description": NAME,
                "relationship": one_of("sample", "remix", "cover", "interpolation"),
            }
        ],
        "samples": [{"cid": text(CID), "name": NAME, "timestamp?": ANY}],
        "stems": [{"cid": text(CID), "name": NAME, "type": NAME}],
    },
    "revision_history": [
        {"version": NAME, "timestamp": text(TIME), "changes": NAME, "previous_cid?": text(CID)}
    ],
    "audio_fingerprint": {
        "sha256": text("[a-fA-F0-9]{64}"),
        "duration_ms": positive,
        "format": NAME,
        "sample_rate?": positive,
        "bit_depth?": positive,
    },
}


def errors(value: Any, rule: Any = None, where: str = "") -> list[str]:
    """What `o8 validate` would say is wrong; [] for a valid declaration. Unknown keys are named too: o8 drops them."""
    rule = SCHEMA if rule is None else rule
    if callable(rule):
        return [] if rule(value) else [where]
    if isinstance(rule, list):
        if not isinstance(value, list):
            return [where]
        return [wrong for at, one in enumerate(value) for wrong in errors(one, rule[0], f"{where}[{at}]")]
    if not isinstance(value, dict):
        return [where or "$"]
    known = {name.rstrip("?") for name in rule}
    out = [f"{where}.{name} is dropped" for name in value if name not in known]
    for name, inner in rule.items():
        bare = name.rstrip("?")
        if bare in value:
            out += errors(value[bare], inner, f"{where}.{bare}")
        elif not name.endswith("?"):
            out.append(f"{where}.{bare} is missing")
    return out
