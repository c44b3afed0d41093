"""What `Starforge.vy` takes and answers. Its compiled form lies beside it, with the compiler that made it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from provenance.authorities.base import Unreachable
from provenance.evm.rpc import Chain, NodeRefused

HERE = Path(__file__).parent
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
WORD = 32
MAX_URI = 4096
MAX_ORIGIN = 256


@cache
def compiled() -> dict[str, Any]:
    """{compiler, settings, source_sha256, abi, bytecode, runtime, selectors, topics}"""
    return json.loads((HERE / "Starforge.json").read_text())


def word(value: int | bytes) -> bytes:
    """One argument of fixed size: numbers stand to the right of their 32 bytes, hashes fill them."""
    return value.to_bytes(WORD, "big") if isinstance(value, int) else value.rjust(WORD, b"\0")


def text(value: str) -> bytes:
    raw = value.encode()
    return word(len(raw)) + raw + b"\0" * (-len(raw) % WORD)


def deploying(origin: str) -> str:
    """The data of the transaction that makes the contract of a log."""
    if len(origin.encode()) > MAX_ORIGIN:
        raise ValueError("The name of this log is too long for the contract.")
    return compiled()["bytecode"] + (word(WORD) + text(origin)).hex()


def anchoring(size: int, root: bytes) -> str:
    return calling("anchor(uint64,bytes32)", word(size), word(root))


def minting(to: str, statement: bytes, uri: str) -> str:
    if len(uri.encode()) > MAX_URI:
        raise ValueError("The token of this certificate would be too large.")
    head = (word(bytes.fromhex(to[2:])), word(statement), word(3 * WORD))
    return calling("mint(address,bytes32,string)", *head, text(uri))


def calling(signature: str, *arguments: bytes) -> str:
    return compiled()["selectors"][signature] + b"".join(arguments).hex()


# --- reading --------------------------------------------------------------------------------------------


def head_at(chain: Chain, contract: str, size: int) -> bytes | None:
    """The root that was anchored for a log of `size` entries; None where that size was not."""
    found = _words(chain.call(contract, calling("heads(uint64)", word(size))), 1)
    return found if any(found) else None


def anchored_at(chain: Chain, contract: str, size: int) -> int:
    """The time of the block that anchored this size, in seconds since 1970."""
    return int.from_bytes(_words(chain.call(contract, calling("times(uint64)", word(size))), 1), "big")


def newest_size(chain: Chain, contract: str) -> int:
    return int.from_bytes(_words(chain.call(contract, calling("size()")), 1), "big")


def owner(chain: Chain, contract: str) -> str:
    """Who may write."""
    return "0x" + _words(chain.call(contract, calling("owner()")), 1)[-20:].hex()


def origin(chain: Chain, contract: str) -> str:
    """The name of the log this contract belongs to."""
    return _text(chain.call(contract, calling("origin()")))


def holder(chain: Chain, contract: str, token: bytes) -> str | None:
    """Whose token it is; None while it was not minted."""
    try:
        return "0x" + _words(chain.call(contract, calling("ownerOf(uint256)", word(token))), 1)[-20:].hex()
    except NodeRefused as error:
        if "no such token" in str(error) or "revert" in str(error).lower():
            return None
        raise


def token_uri(chain: Chain, contract: str, token: bytes) -> str:
    return _text(chain.call(contract, calling("tokenURI(uint256)", word(token))))


def anchor_tx(chain: Chain, contract: str, size: int, root: bytes) -> str:
    """The transaction that anchored it, from the contract's event; "" where the node keeps none that old."""
    topics: list[str | None] = [compiled()["topics"]["Anchored"], "0x" + word(size).hex(), "0x" + root.hex()]
    return _tx(chain, contract, topics)


def mint_tx(chain: Chain, contract: str, token: bytes) -> str:
    nobody = "0x" + bytes(WORD).hex()
    return _tx(chain, contract, [compiled()["topics"]["Transfer"], nobody, None, "0x" + token.hex()])


def _tx(chain: Chain, contract: str, topics: list[str | None]) -> str:
    try:
        found = chain.logs(contract, topics)
    except NodeRefused:  # hosted nodes bound how far back is searched
        return ""
    return str(found[0].get("transactionHash") or "") if found else ""


def _words(raw: bytes, count: int) -> bytes:
    if len(raw) != WORD * count:
        raise Unreachable("There is no contract of Starforge at this address of this chain.")
    return raw


def _text(raw: bytes) -> str:
    if len(raw) < 2 * WORD:
        raise Unreachable("There is no contract of Starforge at this address of this chain.")
    length = int.from_bytes(raw[WORD : 2 * WORD], "big")
    return raw[2 * WORD : 2 * WORD + length].decode("utf-8", "replace")


# --- a token --------------------------------------------------------------------------------------------


def token_document(said: Mapping[str, Any]) -> str:
    """A tokenURI that holds its JSON itself: nothing has to be hosted for it to be read."""
    raw = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    return "data:application/json;base64," + base64.b64encode(raw).decode()
