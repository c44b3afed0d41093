"""A local EVM chain: py-evm runs every transaction for real, behind JSON-RPC over a real socket, as a node's is.

`holding`: transactions wait in the pool until `mine()`, as they do where blocks take time.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from provenance.evm.wallet import recursion_limit_kept
from tests.provenance.o8_server import reply

with recursion_limit_kept():
    from eth_abi import decode
    from eth_account import Account
    from eth_account.typed_transactions import TypedTransaction
    from eth_tester import EthereumTester, PyEVMBackend
    from eth_tester.exceptions import BlockNotFound, TransactionFailed, TransactionNotFound
    from hexbytes import HexBytes

KEY = "0x" + hashlib.sha256(b"the account that writes, on a chain of a test").hexdigest()
OTHER_KEY = "0x" + hashlib.sha256(b"an account that does not").hexdigest()


class Node:
    def __init__(self) -> None:
        with recursion_limit_kept():
            self.tester = EthereumTester(PyEVMBackend())
        self.account = self.tester.add_account(KEY)
        rich = self.tester.get_accounts()[0]
        self.tester.send_transaction({"from": rich, "to": self.account, "value": 10**18, "gas": 21_000})
        self.lock = threading.Lock()
        self.asked: list[tuple[str, Any]] = []
        self.holding = False
        self.pool: dict[tuple[str, int], tuple[str, str, dict[str, Any]]] = {}
        self.misbehave: Callable[[BaseHTTPRequestHandler, str], bool] | None = None  # True: it has answered
        self.url = ""

    @property
    def chain_id(self) -> int:
        return int(self.tester.backend.chain.chain_id)

    def count(self, method: str) -> int:
        return sum(name == method for name, _ in self.asked)

    def mine(self, blocks: int = 1) -> None:
        with self.lock:
            waiting = [self.pool[at][1] for at in sorted(self.pool)]
            for raw in waiting:  # a block each
                self.tester.send_raw_transaction(raw)
            self.pool.clear()
            self.tester.mine_blocks(max(0, blocks - len(waiting)))

    def drop(self) -> None:
        """Forget what waits, as a node does that is restarted."""
        self.pool.clear()

    def answer(self, method: str, params: list[Any]) -> Any:
        return getattr(self, method)(*params)

    def eth_chainId(self) -> str:
        return hex(self.chain_id)

    def eth_blockNumber(self) -> str:
        return hex(self.tester.get_block_by_number("latest")["number"])

    def eth_getBlockByNumber(self, number: str, full: bool) -> Any:
        try:
            block = self.tester.get_block_by_number(number if number == "latest" else int(number, 16))
        except BlockNotFound:
            return None
        return {
            "number": hex(block["number"]),
            "timestamp": hex(block["timestamp"]),
            "baseFeePerGas": hex(block["base_fee_per_gas"]),
        }

    def eth_maxPriorityFeePerGas(self) -> str:
        return hex(10**9)

    def eth_getTransactionCount(self, address: str, block: str) -> str:
        waiting = sum(sender == address.lower() for sender, _ in self.pool) if block == "pending" else 0
        return hex(self.tester.get_nonce(address, "latest") + waiting)

    def eth_getCode(self, address: str, block: str) -> str:
        return self.tester.get_code(address)

    def eth_call(self, call: dict[str, str], block: str) -> str:
        return self.tester.call(self._whole(call))

    def eth_estimateGas(self, call: dict[str, str]) -> str:
        return hex(self.tester.estimate_gas(self._whole(call)))

    def _whole(self, call: dict[str, str]) -> dict[str, Any]:
        return {"from": self.tester.get_accounts()[0], "to": "", **call}

    def eth_sendRawTransaction(self, raw: str) -> str:
        said = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        tx, at = "0x" + _hash(raw), (Account.recover_transaction(raw).lower(), said["nonce"])
        if said["nonce"] < self.tester.get_nonce(at[0], "latest"):
            raise ValueError("nonce too low")
        if self.holding:
            earlier = self.pool.get(at)
            if earlier is not None and earlier[0] == tx:
                raise ValueError("already known")
            if earlier and any(
                said[fee] < earlier[2][fee] * 11 // 10 for fee in ("maxFeePerGas", "maxPriorityFeePerGas")
            ):
                raise ValueError("replacement transaction underpriced")
            self.pool[at] = (tx, raw, said)
            return tx
        return self.tester.send_raw_transaction(raw)

    def eth_getTransactionByHash(self, tx: str) -> Any:
        if any(tx == waiting for waiting, _, _ in self.pool.values()):
            return {"hash": tx, "blockNumber": None}
        try:
            found = self.tester.get_transaction_by_hash(tx)
        except TransactionNotFound:
            return None
        return {"hash": tx, "blockNumber": hex(found["block_number"]), "input": found["data"]}

    def eth_getTransactionReceipt(self, tx: str) -> Any:
        try:
            found = self.tester.get_transaction_receipt(tx)
        except TransactionNotFound:
            return None
        return {
            "blockNumber": hex(found["block_number"]),
            "status": hex(found["status"]),
            "contractAddress": found["contract_address"],
            "gasUsed": hex(found["gas_used"]),
        }

    def eth_getLogs(self, wanted: dict[str, Any]) -> Any:
        found = self.tester.get_logs(from_block=0, address=wanted["address"], topics=wanted["topics"])
        return [{"transactionHash": one["transaction_hash"]} for one in found]


def _why(error: Exception) -> str:
    """The contract's own words: Error(string), as eth-tester hands it on."""
    told = ast.literal_eval(str(error)) if str(error).startswith("b'") else b""
    return decode(["string"], told[4:])[0] if told[:4] == bytes.fromhex("08c379a0") else str(error)


def _hash(raw: str) -> str:
    from eth_utils import keccak

    return keccak(hexstr=raw).hex()


@contextlib.contextmanager
def serving() -> Iterator[Node]:
    held = Node()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            method, params = asked["method"], asked["params"]
            with held.lock:
                held.asked.append((method, params))
                if held.misbehave is not None and held.misbehave(self, method):
                    return
                told: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
                try:
                    told["result"] = held.answer(method, params)
                except TransactionFailed as error:
                    told["error"] = {"code": 3, "message": f"execution reverted: {_why(error)}"}
                except Exception as error:  # noqa: BLE001
                    told["error"] = {"code": -32000, "message": str(error) or type(error).__name__}
            reply(self, 200, json.dumps(told).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    held.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
