"""A node of an EVM chain, asked over JSON-RPC. Bounded in time and size, as every service is that we do not trust."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from provenance.authorities.base import Refused, Unreachable
from provenance.authorities.http import Service

QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
MAX_REASON = 200


class NodeRefused(Exception):
    """The node answered with an error: a call that reverts, a transaction it does not take. One short sentence."""


@dataclass(frozen=True)
class Fees:
    """What is offered for each unit of gas, in wei. `tip` 0 on a chain without a base fee."""

    most: int
    tip: int
    dynamic: bool = True

    def raised(self) -> Fees:
        """Enough more for nodes to take a replacement, which want a tenth on top of both."""
        return Fees(self.most * 9 // 8 + 1, self.tip * 9 // 8 + 1, self.dynamic)


@dataclass(frozen=True)
class Chain:
    service: Service

    @property
    def host(self) -> str:
        """What may be shown of the address: hosted nodes carry a key of their customer in its path."""
        return urlsplit(self.service.base_url).hostname or ""

    def ask(self, method: str, *params: Any) -> Any:
        """The result. Raises NodeRefused and authorities.base.Unreachable."""
        path = "" if urlsplit(self.service.base_url).path else "/"
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            status, told = self.service.ask("POST", path, body=body)
        except Refused as error:
            raise Unreachable(f"The node wants something else of us. {error}") from error
        if status == 404 or not isinstance(told, dict) or not {"result", "error"} & set(told):
            raise Unreachable("What answers at its address is no node of an EVM chain.")
        if told.get("error") is not None:
            raise NodeRefused(_reason(told["error"]))
        return told.get("result")

    def number(self, method: str, *params: Any) -> int:
        return _number(self.ask(method, *params))

    def chain_id(self) -> int:
        return self.number("eth_chainId")

    def call(self, to: str, data: str) -> bytes:
        """What a contract answers to a read, at the newest block."""
        return _data(self.ask("eth_call", {"to": to, "data": data}, "latest"))

    def has_code(self, address: str) -> bool:
        return bool(_data(self.ask("eth_getCode", address, "latest")))

    def nonce(self, address: str, block: str) -> int:
        return self.number("eth_getTransactionCount", address, block)

    def block_number(self) -> int:
        return self.number("eth_blockNumber")

    def block_time(self, number: int) -> int:
        """Seconds since 1970."""
        return _number(_object(self.ask("eth_getBlockByNumber", hex(number), False)).get("timestamp"))

    def gas_for(self, sender: str, to: str | None, data: str) -> int:
        """A fifth more than the call needs now. NodeRefused when it would revert."""
        call = {"from": sender, "data": data} | ({"to": to} if to else {})
        return self.number("eth_estimateGas", call) * 6 // 5

    def fees(self) -> Fees:
        """What gets a transaction into one of the next blocks."""
        head = _object(self.ask("eth_getBlockByNumber", "latest", False))
        if head.get("baseFeePerGas") is None:
            return Fees(self.number("eth_gasPrice"), 0, dynamic=False)
        try:
            tip = self.number("eth_maxPriorityFeePerGas")
        except NodeRefused:  # not every node has this one
            tip = 10**9
        return Fees(2 * _number(head["baseFeePerGas"]) + tip, tip)

    def send(self, raw: str) -> None:
        """Hand a signed transaction in. One the node knows already is no error."""
        try:
            self.ask("eth_sendRawTransaction", raw)
        except NodeRefused as error:
            if not any(words in str(error).lower() for words in ("already known", "known transaction")):
                raise

    def knows(self, tx: str) -> bool:
        """Whether the node has heard of a transaction, in a block or waiting."""
        return self.ask("eth_getTransactionByHash", tx) is not None

    def receipt(self, tx: str) -> dict[str, Any] | None:
        """{block: int, ok: bool, contract: str} of a transaction in a block."""
        told = self.ask("eth_getTransactionReceipt", tx)
        if told is None or _object(told).get("blockNumber") is None:
            return None
        return {
            "block": _number(told["blockNumber"]),
            "ok": _number(told.get("status", "0x1")) == 1,
            "contract": str(told.get("contractAddress") or ""),
        }

    def logs(self, address: str, topics: list[str | None]) -> list[dict[str, Any]]:
        told = self.ask(
            "eth_getLogs", {"address": address, "topics": topics, "fromBlock": "0x0", "toBlock": "latest"}
        )
        return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _number(value: Any) -> int:
    if not isinstance(value, str) or not QUANTITY.fullmatch(value):
        raise Unreachable("The node answered something that is not a number.")
    return int(value, 16)


def _data(value: Any) -> bytes:
    if not isinstance(value, str) or not DATA.fullmatch(value):
        raise Unreachable("The node answered something that is not data.")
    return bytes.fromhex(value[2:])


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreachable("The node answered something that is not a block or a transaction.")
    return value


def _reason(error: Any) -> str:
    said = error.get("message") if isinstance(error, dict) else error
    line = " ".join(str(said or "It gave no reason").split())
    return line if len(line) <= MAX_REASON else line[: MAX_REASON - 1] + "…"
