"""`make test-hostile`: ten thousand hostile inputs against the readers and one real web process.

Says how many were tried, what answered 5xx, crashed or leaked, and the most memory the web process ever had.
Exit status 1 when there was any of it, or more than 500 MB. `--share 0.1` tries a tenth; `--seed 2` others.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

MOST_BYTES = 500 * 2**20
OF_READERS = {"watermark": 20, "sound hash and stamp": 150}
EACH_READER, EACH_OPERATION = 200, 26
ODDITIES, FILES, SOCKETS, GARBAGE = 1500, 500, 300, 200
RATES = {
    f"STARFORGE_RATE_{name}": "1000000/min"
    for name in ("ANON", "USER", "TOKEN", "SHARED", "REPORT", "ACCOUNT")
}


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def readers(share: float, seed: int) -> tuple[Counter[str], list[str]]:
    """(how many for each reader, what crashed)."""
    from tests.security.parsers import READERS, hostile, outcome

    tried: Counter[str] = Counter()
    crashes = []
    for name in READERS:
        rng = random.Random(f"{seed} {name}")
        for _ in range(max(1, round(share * OF_READERS.get(name, EACH_READER)))):
            data = hostile(name, rng)
            tried[name] += 1
            if (came := outcome(name, data)) not in ("read", "refused"):
                crashes.append(f"{name}: {came} for {data[:200]!r}")
    return tried, crashes


def main() -> int:
    parsed = argparse.ArgumentParser(description=__doc__)
    parsed.add_argument("--share", type=float, default=1.0)
    parsed.add_argument("--seed", type=int, default=1)
    asked = parsed.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from tests.security.attack import Attack, Found
    from tests.security.processes import resident
    from tests.site import processes

    began = time.monotonic()
    tried, crashes = readers(asked.share, asked.seed)
    say(f"{sum(tried.values()):,} inputs to {len(tried)} readers: {len(crashes)} crashes")
    with tempfile.TemporaryDirectory(prefix="starforge-hostile-") as folder:
        data, port = Path(folder) / "data", processes.free_port()
        done = processes.manage(data, "migrate", "--verbosity", "0", **RATES)
        assert done.returncode == 0, done.stderr
        made = subprocess.run(
            [sys.executable, "-m", "tests.security.populate"],
            env=processes.environment(data, **RATES), cwd=processes.ROOT, capture_output=True, text=True,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        site = json.loads(made.stdout.splitlines()[-1])
        command = [sys.executable, "-m", "daphne", "-p", str(port), "starforge_site.asgi:application"]
        with processes.running(command, data, **RATES) as web:
            attack = Attack(port, site, random.Random(asked.seed))
            processes.wait_until(attack.alive, seconds=120, what="the site")
            before = resident(web.pid)[0]
            for name, step in {
                "foreign ids": attack.addresses,
                "oddities": lambda: attack.oddities(round(asked.share * ODDITIES)),
                "schema": lambda: attack.requests(max(2, round(asked.share * EACH_OPERATION))),
                "files": lambda: attack.files(round(asked.share * FILES)),
                "sockets": lambda: attack.sockets(round(asked.share * SOCKETS)),
                "garbage": lambda: attack.garbage(round(asked.share * GARBAGE)),
            }.items():
                step()
                now, peak = resident(web.pid)
                count, seconds = sum(attack.found.tried.values()), time.monotonic() - began
                say(f"{name}: {count:,} so far, {now / 2**20:.0f} MB, {seconds:.0f} s")
            found: Found = attack.found
            peak = resident(web.pid)[1]
            ended = web.poll() is not None or not attack.alive()
            traces = processes.output(data).count("Traceback (most recent call last)")
    for kind, count in [*sorted(found.tried.items()), ("bytes to readers", sum(tried.values()))]:
        say(f"{count:7,}  {kind}")
    total = sum(found.tried.values()) + sum(tried.values())
    wrong = {"crashes": crashes + found.crashes, "5xx": found.errors, "leaks": found.leaks}
    for kind, lines in wrong.items():
        for line in lines[:20]:
            say(f"{kind}: {line}")
    say("statuses:", dict(sorted(found.statuses.items())))
    counts = ", ".join(f"{len(lines)} {kind}" for kind, lines in wrong.items())
    say(
        f"{total:,} hostile inputs in {time.monotonic() - began:.0f} s: {counts}; {traces} tracebacks in its log; "
        f"web process {before / 2**20:.0f} MB before, {peak / 2**20:.0f} MB at most{'; it ENDED' if ended else ''}"
    )
    return int(any(wrong.values()) or ended or peak > MOST_BYTES)


if __name__ == "__main__":
    raise SystemExit(main())
