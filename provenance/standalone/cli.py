"""The command `starforge-verify`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from provenance import disclosure, timestamp_proof
from provenance.standalone import VERSION
from provenance.standalone.check import Bundle, NotReadable, Outcome, check_bundle, check_file
from provenance.trust import Trust, TrustError
from provenance.witnesses import Believed

USAGE, UNREADABLE, MISSING, CRASH = 64, 65, 66, 70  # as sysexits.h names them
MARKS = {True: "yes", False: "NO ", None: " - "}
HELP = """\
Is this recording what it says it is? Looks at the file and the trust file, and at nothing else: no network.

Exit status: 0 intact and trusted, 1 altered or forged, 2 no credentials, 4 revoked, 5 the sound is intact
but the file around it is not as it was issued; 64 and above: not checked (64 wrong call, 65 cannot be read,
66 no such file, 70 the check itself failed). Several files: the highest one.
"""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """argparse would exit with 2, which means "no credentials" here."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser(
        "starforge-verify", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="a recording, or a bundle (zip or folder)"
    )
    parser.add_argument("--trust", type=Path, metavar="FILE", help="starforge-trust.json of the Starforge you trust"
                        " (default: $STARFORGE_TRUST)")  # fmt: skip
    parser.add_argument(
        "--bundle", type=Path, metavar="FILE", help="check the recordings by this certificate bundle"
    )
    parser.add_argument(
        "--disclosure", type=Path, metavar="FILE", help="private parts somebody opened to you"
    )
    parser.add_argument(
        "--tsa-root", type=Path, metavar="FILE", help="certificates (PEM) of the timestamping authorities you believe"
        " (default: those the trust file names)"
    )  # fmt: skip
    parser.add_argument(
        "--chain-root", type=_root, metavar="HEX", help="what a node of the blockchain answered to the bundle's call:"
        " 0x and 64 digits"
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object for each file")
    parser.add_argument("--version", action="version", version=f"starforge-verify {VERSION}")
    options = parser.parse_args(arguments)
    trusted = options.trust or (
        Path(os.environ["STARFORGE_TRUST"]) if os.environ.get("STARFORGE_TRUST") else None
    )
    if trusted is None:
        parser.error("name the trust file: --trust starforge-trust.json (a bundle's own keys prove nothing)")
    try:
        trust = Trust.from_json(_json(trusted))
        bundle = Bundle.read(options.bundle) if options.bundle else None
        shown = disclosure.Disclosure.from_json(_json(options.disclosure)) if options.disclosure else None
        believed = Believed(_roots(options.tsa_root) if options.tsa_root else b"", options.chain_root)
        return max(_one(path, trust, bundle, shown, believed, as_json=options.json) for path in options.files)
    except FileNotFoundError as error:
        return _say(MISSING, f"There is no file {error.filename}.")
    except (TrustError, NotReadable, disclosure.DisclosureError) as error:
        return _say(UNREADABLE, str(error))
    except Exception as error:  # noqa: BLE001  the exit status must never read as a verdict
        return _say(CRASH, f"The check itself failed, which says nothing about the file: {error!r}")


def _one(
    path: Path,
    trust: Trust,
    bundle: Bundle | None,
    shown: disclosure.Disclosure | None,
    believed: Believed,
    *,
    as_json: bool,
) -> int:
    if not path.exists():
        return _say(MISSING, f"There is no file {path}.")
    if path.is_dir() or path.suffix.lower() == ".zip":
        outcome = check_bundle(Bundle.read(path), trust, shown=shown, believed=believed)
    else:
        outcome = check_file(path, trust, bundle=bundle, shown=shown, believed=believed)
    if as_json:
        sys.stdout.write(json.dumps({"file": str(path), **outcome.to_json()}, ensure_ascii=False) + "\n")
    else:
        _tell(path, outcome)
    return outcome.exit_code


def _tell(path: Path, outcome: Outcome) -> None:
    lines = [f"{path.name}: {outcome.state.replace('_', ' ')}. {outcome.sentence}", ""]
    lines += [f"  {MARKS[check.ok]}  {check.name:<11} {check.sentence}" for check in outcome.checks]
    lines += [f"  opened     {name}: {value}" for name, value in (outcome.opened or {}).items()]
    if outcome.certificate_id:
        lines += ["", f"  certificate  {outcome.certificate_id}"]
    if outcome.unchecked:
        lines += ["", "  Not checked here:", *(f"    {one}" for one in outcome.unchecked)]
    sys.stdout.write("\n".join(lines).rstrip() + "\n")


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise NotReadable(f"{path.name} is not readable JSON.") from error


def _root(text: str) -> bytes:
    raw = bytes.fromhex(text.removeprefix("0x"))
    if len(raw) != 32 or not any(raw):  # a contract answers zeros for what it does not hold
        raise argparse.ArgumentTypeError("that is no root: 0x and 64 digits, not all of them zero")
    return raw


def _roots(path: Path) -> bytes:
    pem = path.read_bytes()
    try:
        if timestamp_proof.roots(pem):
            return pem
    except ValueError:
        pass
    raise NotReadable(f"{path.name} holds no certificates (PEM).")


def _say(status: int, sentence: str) -> int:
    sys.stderr.write(f"starforge-verify: {sentence}\n")
    return status
