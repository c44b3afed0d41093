"""Compile provenance/evm/Starforge.vy into Starforge.json: `python -m bench.make_contract`.

Needs requirements-dev.txt. A test compiles it again and compares, so the two cannot drift apart.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from typing import Any

from provenance.evm.contract import HERE
from provenance.evm.wallet import recursion_limit_kept

SOURCE = HERE / "Starforge.vy"
TARGET = HERE / "Starforge.json"


def compiled() -> dict[str, Any]:
    with warnings.catch_warnings(), recursion_limit_kept():
        warnings.simplefilter("ignore")
        import vyper
        from eth_utils import keccak
        from vyper.compiler import compile_code

        source = SOURCE.read_text()
        made = compile_code(
            source,
            contract_path=SOURCE.name,
            output_formats=["abi", "bytecode", "bytecode_runtime", "method_identifiers"],
        )
    events = {
        one["name"]: f"{one['name']}({','.join(field['type'] for field in one['inputs'])})"
        for one in made["abi"]
        if one["type"] == "event"
    }
    return {
        "compiler": f"vyper {vyper.__version__}",
        "settings": "as the pragmas of the source say: evm-version paris, optimize gas",
        "source_sha256": hashlib.sha256(source.encode()).hexdigest(),
        "bytecode": made["bytecode"],
        "runtime": made["bytecode_runtime"],
        "selectors": {name: f"0x{int(value, 16):08x}" for name, value in made["method_identifiers"].items()},
        "topics": {name: "0x" + keccak(text=text).hex() for name, text in events.items()},
        "abi": made["abi"],
    }


def main() -> None:
    TARGET.write_text(json.dumps(compiled(), indent=1) + "\n")
    print(f"{TARGET}: {len(compiled()['runtime']) // 2 - 1:,} bytes of runtime code")


if __name__ == "__main__":
    main()
