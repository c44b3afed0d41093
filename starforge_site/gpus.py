"""How full the memory of this host's GPUs is, by the driver's own tool."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

TOOL = "nvidia-smi"
ASKED = ("name", "memory.used", "memory.total")
SECONDS = 5.0


def memory() -> list[dict[str, Any]]:
    """{name, used_mb, total_mb} of each GPU, in the driver's order; [] where there is none or it does not say."""
    if not shutil.which(TOOL):
        return []
    command = [TOOL, f"--query-gpu={','.join(ASKED)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return parsed(done.stdout)


def parsed(table: str) -> list[dict[str, Any]]:
    """The tool's lines, such as `NVIDIA H100 80GB HBM3, 1024, 81559`. What is no number is left out."""
    found = []
    for line in table.splitlines():
        name, *numbers = (part.strip() for part in line.rsplit(",", 2))
        if len(numbers) == 2 and all(number.isdigit() for number in numbers):
            found.append({"name": name, "used_mb": int(numbers[0]), "total_mb": int(numbers[1])})
    return found
