"""What of a certificate stands on a chain: from rows, and, where somebody names a node, from the chain itself."""

from __future__ import annotations

from typing import Any

from provenance import tokens, wording
from provenance.authorities.base import Unreachable
from provenance.evm import contract as calls
from provenance.evm.rpc import Chain, NodeRefused
from provenance.log import store, tree
from provenance.models import Anchor, Certificate
from provenance.proof import Check
from provenance.signing import open_envelope
from provenance.statement import utc_text


def anchor_of(certificate: Certificate) -> Anchor | None:
    """The earliest anchored state of the log that holds this certificate's entry."""
    rows = Anchor.objects.filter(status=Anchor.READY, checkpoint__size__gt=certificate.entry_id)
    return rows.select_related("checkpoint__key").order_by("checkpoint__size", "pk").first()


def token_of(certificate: Certificate) -> Anchor | None:
    return certificate.tokens.filter(status=Anchor.READY).order_by("pk").first()


def tx_of(certificate: Certificate) -> str | None:
    """`blockchain_tx`: the transaction of its token, else the one that anchored its place in the log."""
    row = token_of(certificate) or anchor_of(certificate)
    return row.tx or None if row else None


def described(certificate: Certificate) -> dict[str, Any] | None:
    """Everything needed to check it on the chain, without us. None where nothing was anchored."""
    anchor, token = anchor_of(certificate), token_of(certificate)
    if anchor is None and token is None:
        return None
    told: dict[str, Any] = {}
    if anchor is not None and (checkpoint := anchor.checkpoint) is not None:
        told["anchor"] = {
            **_where(anchor),
            "size": checkpoint.size,
            "root": "0x" + bytes(checkpoint.root).hex(),
            "call": {"to": anchor.contract, "data": calls.calling("heads(uint64)", calls.word(checkpoint.size))},
            "proof": store.proof_text(certificate.entry, checkpoint),
        }  # fmt: skip
    if token is not None:
        number = bytes.fromhex(token.token[2:])
        told["token"] = {
            **_where(token),
            "id": token.token,
            "call": {"to": token.contract, "data": calls.calling("tokenURI(uint256)", number)},
        }
    return told


def _where(row: Anchor) -> dict[str, Any]:
    return {
        "chain_id": row.chain_id,
        "contract": row.contract,
        "tx": row.tx,
        "block": row.block,
        "block_time": utc_text(row.block_time) if row.block_time else None,
        "where": place(row),
    }


def published() -> list[dict[str, Any]]:
    """Every contract this log was anchored in, for the trust file: who verifies believes no other."""
    rows = Anchor.objects.filter(status=Anchor.READY).order_by("chain_id", "contract")
    pairs = rows.values_list("chain_id", "contract").distinct()
    return [{"chain_id": chain_id, "contract": contract} for chain_id, contract in pairs]


def place(row: Anchor) -> str:
    """Where a row stands, for a reader."""
    when = f" of {wording.day(row.block_time)}" if row.block_time else ""
    return f"block {row.block:,}{when} on chain {row.chain_id}"


# --- checking -------------------------------------------------------------------------------------------


def checks(certificate: Certificate, chain: Chain | None = None) -> list[Check]:
    """Whether it stands there. Without a node nothing is asked and nothing claimed beyond our own records."""
    anchor, token = anchor_of(certificate), token_of(certificate)
    if chain is None:
        return [
            Check("anchor", None, f"{_said(row)} This was not looked up on the chain.", _where(row))
            for row in (anchor, token)
            if row is not None
        ]
    if anchor is None and token is None:
        return [Check("anchor", None, "Nothing of this certificate was written to a chain from here.")]
    out = []
    for row in (anchor, token):
        if row is None:
            continue
        try:
            out.append(_asked(certificate, row, chain))
        except Unreachable as error:
            out.append(Check("anchor", None, f"The chain could not be asked. {error.reason}", _where(row)))
        except NodeRefused as error:
            out.append(Check("anchor", None, f"The node did not answer: {error}", _where(row)))
    return out


def _asked(certificate: Certificate, row: Anchor, chain: Chain) -> Check:
    if (found := chain.chain_id()) != row.chain_id:
        return Check(
            "anchor", None, f"It stands on chain {row.chain_id}; that node serves chain {found}.", _where(row)
        )
    good = _log_stands(certificate, row, chain) if row.checkpoint else _token_stands(certificate, row, chain)
    if good:
        return Check("anchor", True, f"{_said(row)} The chain says the same.", _where(row))
    what = "another log than the one that is here" if row.checkpoint else "no token of this statement"
    return Check("anchor", False, f"The chain holds {what}.", _where(row))


def _log_stands(certificate: Certificate, row: Anchor, chain: Chain) -> bool:
    """The chain's root must hold this certificate's entry: our own record of the root is not believed."""
    assert row.checkpoint is not None  # noqa: S101  asked before
    size = row.checkpoint.size
    head = calls.head_at(chain, row.contract, size)
    leaf = tree.leaf_hash(open_envelope(certificate.envelope).leaf())
    proof = store.inclusion(certificate.entry_id, size)
    return head is not None and tree.verify_inclusion(leaf, certificate.entry_id, size, proof, head)


def _token_stands(certificate: Certificate, row: Anchor, chain: Chain) -> bool:
    """The number on the chain must be the hash of the statement as it is here."""
    return calls.holder(chain, row.contract, tokens.statement_hash(certificate)) is not None


def _said(row: Anchor) -> str:
    if row.checkpoint is not None:
        return (
            f"The log up to entry {row.checkpoint.size:,}, which holds this one, is anchored in {place(row)}."
        )
    return f"Its token is in {place(row)}."
