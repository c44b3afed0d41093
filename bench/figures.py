"""What is measured, and what was asked for. Each figure is a function of a running product."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.product import OVER, Product

PROMPT = "Dark dubstep with ethnic percussion, 140 BPM"
PAGES = ("/", "/catalog/", "/dna/", "/generate/", "/history/", "/verify/", "/account/")


@dataclass(frozen=True)
class Figure:
    name: str
    measured: str
    wanted: str
    fine: bool


def demo_at_rest(product: Product, *, within: float = 300.0) -> None:
    """Logged in as the demo artist, whose tracks are all analysed, after so many seconds at most."""
    if "Authorization" not in product.api.headers:
        product.log_in("demo", "demo")
    deadline = time.monotonic() + within
    while any(product.get(f"/api/tracks/?status={state}")["count"] for state in ("queued", "analysing")):
        assert time.monotonic() < deadline, f"the demo tracks are not analysed after {within:.0f} s"
        time.sleep(0.5)


def takes(product: Product) -> list[Figure]:
    """The plan's own criterion: five takes, at least three over .6, every stamp valid."""
    demo_at_rest(product)
    made = []
    for seed in range(1, 6):
        asked = product.generate(prompt=PROMPT, duration_seconds=60, seed=seed, takes=1)
        made += product.finished(asked["id"])["takes"]
    scores = [take["similarity_score"] for take in made]
    valid = sum(product.get(f"/api/verify/{take['certificate_id']}")["valid"] for take in made)
    above = sum(score > 0.6 for score in scores)
    listed = " ".join(f"{score:.2f}" for score in scores)
    return [
        Figure(f"takes of 60 s over .6 ({listed})", f"{above} of 5", "3 of 5", above >= 3),
        Figure("stamps valid", f"{valid} of 5", "5 of 5", valid == 5),
    ]


def job(product: Product) -> list[Figure]:
    """From the click: a take of 60 s generated, scored and stamped."""
    demo_at_rest(product)
    spent = []
    for seed in ("first", "second", "third"):
        began = time.monotonic()
        asked = product.generate(prompt=PROMPT, duration_seconds=60, seed=seed, takes=1)
        product.finished(asked["id"])
        spent.append(time.monotonic() - began)
    slowest = max(spent)
    return [
        Figure("click to finished take of 60 s (slowest of 3)", f"{slowest:.1f} s", "30 s", slowest <= 30)
    ]


def analysis(product: Product) -> list[Figure]:
    """Twelve tracks of 90 s from the first upload to the last result, workers warm."""
    from catalog.demo import ARTISTS, render

    artist = f"bench{int(time.time())}"
    product.manage("create_artist", artist, "--password", "a-long-enough-phrase-42")
    other = Product(product.data, product.port)
    other.log_in(artist, "a-long-enough-phrase-42")
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for track in ARTISTS[0].tracks[:12]:
            samples = render(track).samples
            fitted = np.resize(samples.T, (90 * 44_100, 2))  # repeated or cut to 90 s
            file = Path(folder) / f"{track.title}.wav"
            write_wav(file, fitted)
            files.append(file)
        began = time.monotonic()
        for file in files:
            answer = other.api.put(
                f"{other.base}/api/tracks/",
                params={"filename": file.name},
                data=file.read_bytes(),
                headers={"Content-Type": "audio/wav"},
            )
            answer.raise_for_status()
        while other.analysed() < len(files):
            assert time.monotonic() - began < 300, "not analysed after five minutes"
            time.sleep(0.1)
        spent = time.monotonic() - began
    return [Figure("12 tracks of 90 s uploaded and analysed", f"{spent:.1f} s", "30 s", spent <= 30)]


def write_wav(file: Path, samples: np.ndarray) -> None:
    """(n, channels) at 44.1 kHz, 16 bit."""
    import soundfile

    soundfile.write(file, samples, 44_100, subtype="PCM_16")


def pages(product: Product) -> list[Figure]:
    """Every page again and again while a generation runs."""
    demo_at_rest(product)
    asked = product.generate(prompt=PROMPT, duration_seconds=120, seed="pages", takes=2)
    over = threading.Event()

    def wait() -> None:
        try:
            product_b.finished(asked["id"])
        finally:
            over.set()

    product_b = Product(product.data, product.port)
    product_b.api.headers.update(product.api.headers)
    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    spent: dict[str, list[float]] = {path: [] for path in PAGES}
    while not over.is_set():
        for path in PAGES:
            began = time.monotonic()
            answer = product.pages.get(product.base + path, allow_redirects=False)
            spent[path].append(time.monotonic() - began)
            assert answer.status_code in {200, 302}, f"{path} answered {answer.status_code}"
        time.sleep(0.05)
    waiter.join()
    everything = [seconds for several in spent.values() for seconds in several]
    p95 = float(np.percentile(everything, 95)) * 1000
    slowest = max(PAGES, key=lambda path: float(np.percentile(spent[path], 95)))
    name = f"pages during a generation, p95 of {len(everything)} (slowest {slowest})"
    return [Figure(name, f"{p95:.0f} ms", "200 ms", p95 <= 200)]


def sockets(product: Product) -> list[Figure]:
    """From the worker's write to the message: when the row could be read, when the socket heard of it."""
    demo_at_rest(product)
    asked = product.generate(prompt=PROMPT, duration_seconds=60, seed="sockets", takes=2)
    written: dict[int, float] = {}
    over = threading.Event()

    def watch() -> None:
        """Note when each version of the row could first be read, by looking every 2 ms."""
        rows = sqlite3.connect(f"file:{product.data / 'starforge.sqlite3'}?mode=ro", uri=True)
        while not over.is_set():
            found = rows.execute("select version from generation_generation where id = ?", [asked["id"]])
            for (version,) in found:
                written.setdefault(version, time.time())
            time.sleep(0.002)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    heard: dict[int, float] = {}
    for moment, message in product.listen(asked["ws"]):
        heard.setdefault(message["version"], moment)
        if message["status"] in OVER:
            break
    over.set()
    watcher.join()
    first = min(heard)  # sent on connecting, however old it was
    late = [heard[version] - written[version] for version in heard if version in written and version != first]
    worst = max(late) * 1000
    name = f"written by the worker to heard by a socket, worst of {len(late)}"
    return [Figure(name, f"{worst:.0f} ms", "500 ms", worst <= 500)]
