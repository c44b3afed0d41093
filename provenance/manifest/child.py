"""The child that the c2pa library runs in: one hostile file in, a short report out.

Started by `provenance.manifest.limited` as `python -m … DESCRIPTOR` with the file on standard input. It loads the
library, then waits for its job as JSON from the pipe behind that descriptor. It limits itself before it looks at the
first byte, can open no socket, and knows no key of ours: a manifest is signed here with a key that the parent threw
away, and the parent puts the true signature in.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from catalog.audio.confinement import confine
from catalog.audio.limits import Limits

_SIZES = {"code": 80, "url": 300, "explanation": 300}
_OFFLINE = {"remote_manifest_fetch": False, "ocsp_fetch": False}


def read(job: dict[str, Any]) -> dict[str, Any]:
    """What the library makes of the file's manifest: {"state": None} when there is none."""
    from c2pa import C2paError, Context, Reader

    wishes: dict[str, Any] = {
        "verify": {**_OFFLINE, "verify_trust": True},
        "trust": {"trust_config": job["purposes"]},
    }
    if job["anchors"]:
        wishes["trust"]["trust_anchors"] = job["anchors"]
    try:
        with (
            Context.from_dict(wishes) as context,
            os.fdopen(os.dup(0), "rb") as file,
            Reader(job["mime"], file, context=context) as reader,
        ):
            state, results = reader.get_validation_state(), reader.get_validation_results() or {}
            said = json.loads(reader.json())
    except C2paError.ManifestNotFound:
        return {"state": None}
    except C2paError as error:
        return {
            "state": "Invalid",
            "failures": [{"code": "manifest.unreadable", "explanation": str(error)[:300]}],
        }
    active = said.get("manifests", {}).get(said.get("active_manifest"), {})
    signer = active.get("signature_info") or {}
    return {
        "state": state,
        "failures": [_cut(one) for one in _failures(results)][:20],
        "label": str(said.get("active_manifest") or "")[:300],
        "issuer": str(signer.get("issuer") or "")[:200],
        "signed_by": str(signer.get("common_name") or "")[:200],
        "time": str(signer.get("time") or "")[:40],
        "ours": any(one.get("label") == job["assertion"] for one in active.get("assertions", [])),
    }


def _failures(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the manifest itself, of what it was made from, and of a time stamp that does not hold."""
    groups = [results.get("activeManifest") or {}]
    groups += [one.get("validationDeltas") or {} for one in results.get("ingredientDeltas") or []]
    found = [one for group in groups for one in group.get("failure") or []]
    notes = groups[0].get("informational") or []
    return found + [one for one in notes if str(one.get("code", "")).startswith("timeStamp.")]


def _cut(one: dict[str, Any]) -> dict[str, str]:
    return {name: str(one.get(name) or "")[:size] for name, size in _SIZES.items()}


def write(job: dict[str, Any]) -> dict[str, Any]:
    """Copy the file to descriptor `out` with a manifest in it, under a signature that is worth nothing yet."""
    from c2pa import Builder, C2paSignerInfo, Context, Signer

    wishes = {
        "verify": {**_OFFLINE, "verify_after_sign": False, "verify_after_reading": False},
        "builder": {"thumbnail": {"enabled": False}},
    }
    info = C2paSignerInfo(b"es256", job["chain"].encode(), job["key"].encode(), None)
    with (
        Context.from_dict(wishes) as context,
        Signer.from_info(info) as signer,
        Builder(job["definition"], context) as builder,
        os.fdopen(os.dup(0), "rb") as source,
        os.fdopen(job["out"], "w+b") as target,
    ):
        builder.sign(signer, job["mime"], source, target)
    return {"written": True}


def run(descriptor: int) -> None:
    report_to = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    try:
        import c2pa  # noqa: F401  loaded before the walls go up

        with os.fdopen(descriptor, "rb") as told:
            job = json.loads(told.read())
        size = os.fstat(0).st_size
        confine(Limits(**job["limits"]), output_bytes=size + (4 << 20) if "out" in job else 0)
        report = write(job) if "out" in job else read(job)
    except ImportError:
        report = {"error": "absent"}
    except MemoryError:
        report = {"error": "expensive"}
    except Exception as error:  # noqa: BLE001  whatever the library raises, the parent must learn of it
        report = {"error": "failed", "detail": repr(error)[:500]}
    data = json.dumps(report).encode()
    while data:
        data = data[os.write(report_to, data) :]
    os._exit(0)  # no destructor of a native library runs on hostile state


if __name__ == "__main__":
    run(int(sys.argv[1]))
