#!/usr/bin/env python3
"""Bring the third-party files we serve ourselves into static/vendor, and record where each came from.

    python bin/vendor.py            fetch the pinned packages again and rewrite static/vendor
    python bin/vendor.py --check    compare what is there with static/vendor/vendor.json (no network)

Packages come from the npm registry through `npm pack`; the integrity the registry states is checked before
a file is taken out. Nothing is loaded from a foreign host when a page is shown.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = {
    "@fontsource/playfair-display": ROOT / "static/vendor/playfair-display",
    "@fontsource/inter": ROOT / "static/vendor/inter",
    "axe-core": ROOT / "tests/vendor/axe-core",
}
PINS: dict[str, tuple[str, str, dict[str, str]]] = {
    "@fontsource/playfair-display": (
        "5.3.0",
        "OFL-1.1",
        {
            "LICENSE": "LICENSE",
            "files/playfair-display-latin-500-normal.woff2": "playfair-display-latin-500.woff2",
            "files/playfair-display-latin-ext-500-normal.woff2": "playfair-display-latin-ext-500.woff2",
        },
    ),
    "@fontsource/inter": (
        "5.3.0",
        "OFL-1.1",
        {
            "LICENSE": "LICENSE",
            **{
                f"files/inter-{script}-{weight}-normal.woff2": f"inter-{script}-{weight}.woff2"
                for script in ("latin", "latin-ext")
                for weight in (400, 500, 600)
            },
        },
    ),
    # For the tests only: never served.
    "axe-core": ("4.14.1", "MPL-2.0", {"LICENSE": "LICENSE", "axe.min.js": "axe.min.js"}),
}
RECORD = ROOT / "static/vendor/vendor.json"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(package: str, folder: Path) -> dict[str, object]:
    """Take the pinned files of one package; returns its entry for the record."""
    version, licence, files = PINS[package]
    spec = f"{package}@{version}"
    packed = subprocess.run(
        ["npm", "pack", spec, "--json", "--pack-destination", str(folder)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    answer = json.loads(packed.stdout)
    # npm 12 answers an object named by package; older ones a list.
    told = next(iter(answer.values())) if isinstance(answer, dict) else answer[0]
    archive = folder / told["filename"].replace("@", "").replace("/", "-")
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != told["integrity"]:
        raise SystemExit(f"{spec}: the archive does not have the integrity that the registry states.")
    place = PLACES[package]
    place.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for inside, outside in files.items():
            member = tar.extractfile(f"package/{inside}")
            if member is None:
                raise SystemExit(f"{spec}: {inside} is not in the package.")
            (place / outside).write_bytes(member.read())
    return {
        "package": package,
        "version": version,
        "licence": licence,
        "integrity": digest,
        "files": {
            str((place / name).relative_to(ROOT)): "sha256-" + sha256(place / name)
            for name in sorted(files.values())
        },
    }


def check() -> int:
    wrong = 0
    for entry in json.loads(RECORD.read_text()):
        for name, stated in entry["files"].items():
            path = ROOT / name
            if not path.is_file() or "sha256-" + sha256(path) != stated:
                sys.stderr.write(f"{name} is not the file of {entry['package']} {entry['version']}\n")
                wrong += 1
    return 1 if wrong else 0


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        return check()
    with tempfile.TemporaryDirectory() as folder:
        entries = [fetch(package, Path(folder)) for package in sorted(PINS)]
    RECORD.write_text(json.dumps(entries, indent=2) + "\n")
    sys.stdout.write(f"{RECORD.relative_to(ROOT)} written\n")
    return check()


if __name__ == "__main__":
    raise SystemExit(main())
