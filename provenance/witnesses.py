"""Who else bears witness to a stamp: a timestamp and a place on a blockchain, as a certificate's bundle brings them.

Pure and offline. What a chain holds can only be said by a node of it: without its answer an anchor is stated, not
believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provenance import timestamp_proof, wording
from provenance.log import notes
from provenance.proof import Check
from provenance.signing import Envelope
from provenance.trust import Trust


@dataclass(frozen=True)
class Brought:
    """What lies beside the stamp. `timestamp`: DER; `chain`: parsed JSON; both of nobody in particular."""

    timestamp: bytes = b""
    chain: Any = None
    chain_proof: str = ""


@dataclass(frozen=True)
class Believed:
    """What whoever checks brings along: `roots` in PEM instead of the trust file's, and what a node answered."""

    roots: bytes = b""
    chain_root: bytes | None = None


NOBODY = Believed()  # nothing brought along: the trust file's authorities, and no chain


def checks(stamp: Envelope, brought: Brought, trust: Trust, believed: Believed) -> list[Check]:
    """What is there is checked; what is not there is not mentioned."""
    out = []
    if brought.timestamp:
        out.append(_timestamp(stamp, brought.timestamp, trust, believed))
    if brought.chain is not None:
        try:
            out += _chain(stamp, brought, trust, believed)
        except (KeyError, TypeError, ValueError, AttributeError):
            out.append(Check("anchor", False, "What the bundle says about a blockchain cannot be read."))
    return out


def _timestamp(stamp: Envelope, answer: bytes, trust: Trust, believed: Believed) -> Check:
    roots = timestamp_proof.roots(believed.roots or trust.timestamp_roots.encode())
    whose = "of yours" if believed.roots else "of the trust file"
    try:
        when = timestamp_proof.check(answer, stamp.leaf(), roots)
    except timestamp_proof.Unavailable as error:
        return Check("timestamp", None, f"The bundle holds a timestamp, which was not checked. {error}")
    except timestamp_proof.Untrusted as error:
        what = "" if roots else " Name its root certificate with --tsa-root."
        return Check("timestamp", None, f"{error}{what}")
    except timestamp_proof.NoTimestamp as error:
        return Check("timestamp", False, str(error))
    said = f"A third party {whose} signed that this stamp existed on {wording.minute(when)}."
    return Check("timestamp", True, said, {"when": when.isoformat()})


def _chain(stamp: Envelope, brought: Brought, trust: Trust, believed: Believed) -> list[Check]:
    out = []
    if (anchor := brought.chain.get("anchor")) is not None:
        out.append(_anchor(stamp, anchor, brought.chain_proof, trust, believed))
    if (token := brought.chain.get("token")) is not None:
        detail = _detail(token)
        if token["id"] != "0x" + hashlib.sha256(stamp.payload).hexdigest():
            out.append(Check("anchor", False, "The token in the bundle is of another certificate.", detail))
        else:
            said = f"A token of it is said to be in {_place(detail)}. The chain was not asked: no network is used here."
            out.append(Check("anchor", None, said, detail))
    return out


def _anchor(
    stamp: Envelope, anchor: Mapping[str, Any], proof: str, trust: Trust, believed: Believed
) -> Check:
    """Whether this stamp leads to the root that is said to stand on the chain, and to the one a node answered."""
    detail = {**_detail(anchor), "size": anchor.get("size"), "root": anchor.get("root")}
    try:  # whoever signed the checkpoint then: it is the chain that vouches for the root
        head = notes.check_proof(notes.parse_proof(proof), stamp.leaf(), trust.log_keys_ever)
    except notes.NoteError as error:
        return Check(
            "anchor", False, f"The proof that leads to the blockchain does not hold. {error}", detail
        )
    if (head.size, "0x" + head.root.hex()) != (detail["size"], detail["root"]):
        said = "The root that is said to be on the blockchain is not the one this stamp leads to."
        return Check("anchor", False, said, detail)
    where = f"The log up to entry {head.size:,}, which holds this one, is"
    known = (detail["chain_id"], detail["contract"].lower()) in trust.contracts
    listed = "" if known else " The trust file does not list that contract."
    if believed.chain_root is None:
        said = f"{where} said to be anchored in {_place(detail)}. The chain was not asked: no network is used here."
        return Check("anchor", None, said + listed, detail)
    if believed.chain_root != head.root:
        said = "The root that the chain answered is not that of the log which holds this stamp."
        return Check("anchor", False, said, detail)
    return Check(
        "anchor",
        known or None,
        f"{where} anchored in {_place(detail)}: its node answered that root.{listed}",
        detail,
    )


def _detail(row: Mapping[str, Any]) -> dict[str, Any]:
    chain_id, block, contract = row["chain_id"], row["block"], row["contract"]
    if type(chain_id) is not int or type(block) is not int or not isinstance(contract, str):
        raise TypeError("no place on a chain")
    tx = wording.clip(row.get("tx") or "")
    return {
        "chain_id": chain_id,
        "contract": contract,
        "tx": tx,
        "block": block,
        "call": row.get("call"),
    }


def _place(detail: Mapping[str, Any]) -> str:
    return f"block {detail['block']:,} on chain {detail['chain_id']}"
