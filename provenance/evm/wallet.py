"""The account that writes. Its key is held here and shown nowhere: in no repr, no message, no traceback."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from provenance.evm.rpc import Fees

KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
INSTALL = ".venv/bin/python -m pip install -r requirements-evm.txt -c constraints.txt"


class NoWallet(Exception):
    """Nothing can be signed. The message is one sentence that says what to do, and holds nothing of the key."""


@contextlib.contextmanager
def recursion_limit_kept() -> Iterator[None]:
    """For imports of the Ethereum packages: py_ecc lets the whole process recurse 100,000 deep.

    That is deeper than its stack: a request of a few hundred kilobytes of nested JSON would then end the process.
    """
    before = sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@dataclass(frozen=True)
class Signed:
    raw: str
    tx: str


class Wallet:
    """Raises NoWallet without the packages, without a key, or with one that is none."""

    def __init__(self, key: str) -> None:
        if importlib.util.find_spec("eth_account") is None:
            raise NoWallet(f"Writing to a chain needs a package more: {INSTALL}")
        if not key:
            raise NoWallet("No key is set to write to the chain with: STARFORGE_EVM_KEY_FILE names its file.")
        if not KEY.fullmatch(key):
            raise NoWallet("The key to write to the chain with is not 64 hexadecimal digits.")
        with recursion_limit_kept():
            from eth_account import Account

        try:
            self._account: Any = Account.from_key(key if key.startswith("0x") else f"0x{key}")
        except Exception:  # noqa: BLE001  its message may quote the key
            raise NoWallet("The key to write to the chain with is no key of an account.") from None

    def __repr__(self) -> str:
        return f"Wallet({self.address})"

    @property
    def address(self) -> str:
        return str(self._account.address).lower()

    def sign(self, *, chain_id: int, nonce: int, to: str | None, data: str, gas: int, fees: Fees) -> Signed:
        from eth_utils import to_checksum_address

        said: dict[str, Any] = {"chainId": chain_id, "nonce": nonce, "data": data, "gas": gas, "value": 0}
        if to:
            said["to"] = to_checksum_address(to)
        if fees.dynamic:
            said |= {"type": 2, "maxFeePerGas": fees.most, "maxPriorityFeePerGas": fees.tip}
        else:
            said |= {"gasPrice": fees.most}
        signed = self._account.sign_transaction(said)
        return Signed("0x" + bytes(signed.raw_transaction).hex(), "0x" + bytes(signed.hash).hex())
