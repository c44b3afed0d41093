"""Pack the stand-alone verifier into a wheel: the very modules the server runs, under a name of their own.

The wheel is written here, byte for byte the same from the same sources: whoever rebuilds it from the repository
gets the file that was published. Imports of `provenance` and `catalog.audio` are renamed to the package's own;
an import that would reach anything else of Starforge stops the build.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import re
import sys
import zipfile
from pathlib import Path

from provenance.standalone import VERSION

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "starforge_verify"
DISTRIBUTION = f"{PACKAGE}-{VERSION}"
FILENAME = f"{DISTRIBUTION}-py3-none-any.whl"
REQUIRES = ("cryptography>=42", "rfc8785>=0.1.4,<0.2")
EXTRAS = {"c2pa": "c2pa-python>=0.38,<0.39", "timestamp": "rfc3161-client>=1.0.9,<2"}
MODULES = {
    **{
        f"provenance/{name}.py": f"{name}.py"
        for name in (
            "canonical", "credentials", "disclosure", "mp4", "proof", "signing", "statement", "streams",
            "timestamp_proof", "trust", "witnesses", "wording",
        )
    },
    **{
        f"provenance/manifest/{name}.py": f"manifest/{name}.py"
        for name in ("__init__", "boxes", "certificates", "child", "judging", "limited", "places", "writing")
    },
    **{f"provenance/log/{name}.py": f"log/{name}.py" for name in ("__init__", "notes", "tree")},
    **{f"provenance/standalone/{name}.py": f"{name}.py" for name in ("__init__", "check", "cli")},
    **{
        f"catalog/audio/{name}.py": f"audio/{name}.py"
        for name in (
            "__init__", "atomic", "confinement", "errors", "headers", "id3", "limits", "marking", "mpeg", "sniff",
            "vorbis",
        )
    },
}  # fmt: skip
_RENAMES = (
    (re.compile(r"(?m)^(\s*from )provenance\.standalone(?=[. ])"), rf"\1{PACKAGE}"),
    (re.compile(r"(?m)^(\s*from )provenance(?=[. ])"), rf"\1{PACKAGE}"),
    (re.compile(r"(?m)^(\s*from )catalog\.audio(?=[. ])"), rf"\1{PACKAGE}.audio"),
)
_STAMP = (1980, 1, 1, 0, 0, 0)
_OURS = {"catalog", "provenance", "generation", "starforge_site", "django", "rest_framework"}
_OUTSIDE = {"c2pa", "cryptography", "rfc3161_client", "rfc8785"}


class BuildError(Exception):
    """The sources cannot stand alone. The message names the import that reaches too far."""


def wheel() -> bytes:
    """The wheel's bytes, the same for the same sources. Raises BuildError."""
    files = {f"{PACKAGE}/{target}": _module(ROOT / source) for source, target in MODULES.items()}
    files[f"{PACKAGE}/__main__.py"] = (
        b"import sys\n\nfrom starforge_verify.cli import main\n\nsys.exit(main())\n"
    )
    _stands_alone(files)
    info = f"{DISTRIBUTION}.dist-info"
    files |= {
        f"{info}/METADATA": _metadata(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: starforge\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\nstarforge-verify = {PACKAGE}.cli:main\n".encode(),
        f"{info}/licenses/LICENSE": (ROOT / "LICENSE").read_bytes(),
    }
    record = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            member = zipfile.ZipInfo(name, _STAMP)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, data)
    return out.getvalue()


def _module(path: Path) -> bytes:
    text = path.read_text(encoding="utf-8")
    for pattern, replacement in _RENAMES:
        text = pattern.sub(replacement, text)
    return text.encode()


def _stands_alone(files: dict[str, bytes]) -> None:
    have = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in files}
    for name, data in files.items():
        for node in ast.walk(ast.parse(data, name)):
            for module in _imported(node):
                top = module.split(".")[0]
                if top == PACKAGE:
                    missing = module not in have
                else:
                    missing = top in _OURS or (top not in _OUTSIDE and top not in sys.stdlib_module_names)
                if missing:
                    raise BuildError(
                        f"{name} imports {module}, which the stand-alone verifier does not have."
                    )


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        if node.module in (PACKAGE, f"{PACKAGE}.audio", f"{PACKAGE}.log", f"{PACKAGE}.manifest"):
            # From a package both modules and names may come; names of ours are written in capitals.
            return [f"{node.module}.{a.name}" if a.name.islower() else node.module for a in node.names]
        return [node.module]
    return []


def _metadata() -> bytes:
    lines = [
        "Metadata-Version: 2.4",
        "Name: starforge-verify",
        f"Version: {VERSION}",
        "Summary: Checks recordings and certificates stamped by Starforge, offline.",
        "License-Expression: Apache-2.0",
        "License-File: LICENSE",
        "Requires-Python: >=3.11",
        *(f"Requires-Dist: {one}" for one in REQUIRES),
        *(
            line
            for extra, package in EXTRAS.items()
            for line in (f"Provides-Extra: {extra}", f'Requires-Dist: {package}; extra == "{extra}"')
        ),
        "",
        "Usage: starforge-verify --trust starforge-trust.json take.wav",
        "",
    ]
    return "\n".join(lines).encode()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    (folder / FILENAME).write_bytes(wheel())
    sys.stdout.write(f"{folder / FILENAME}\n")
