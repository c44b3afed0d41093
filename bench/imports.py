"""A collection of 4,000 tracks, from the first byte sent to the report; and one of 20,000, read."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from bench import collection
from bench.figures import Figure, demo_at_rest
from bench.product import OVER, Product

TRACKS, WANTED = 4_000, 5.0
MANY, WANTED_MANY = 20_000, 10.0


def imports(product: Product) -> list[Figure]:
    demo_at_rest(product)  # its analysis would stand in the way
    artist = f"imports{int(time.time())}"
    product.manage("create_artist", artist, "--password", "a-long-enough-phrase-42")
    other = Product(product.data, product.port)
    other.log_in(artist, "a-long-enough-phrase-42")
    with tempfile.TemporaryDirectory(dir=product.data) as folder:
        file = collection.write(Path(folder) / "collection.xml", TRACKS)
        first, counts = _import(other, file)
        again, second = _import(other, file)
        many = _read(collection.write(Path(folder) / "many.xml", MANY))
    assert counts["created"] == TRACKS, counts
    return [
        Figure(f"Rekordbox XML of {TRACKS:,} imported", f"{first:.1f} s", f"{WANTED:.0f} s", first <= WANTED),
        Figure(
            f"… again: {second['unchanged']:,} as they were",
            f"{again:.1f} s",
            f"{WANTED:.0f} s",
            again <= WANTED,
        ),
        Figure(
            f"Rekordbox XML of {MANY:,} read into entries",
            f"{many:.1f} s",
            f"{WANTED_MANY:.0f} s",
            many <= WANTED_MANY,
        ),
    ]


def _import(product: Product, file: Path) -> tuple[float, dict[str, Any]]:
    """Seconds from sending to the report, and its counts."""
    began = time.monotonic()
    with file.open("rb") as stream:
        answer = product.api.post(f"{product.base}/api/imports/rekordbox/", files={"file": stream})
    answer.raise_for_status()
    while (row := product.get(answer.headers["Location"]))["status"] not in OVER:
        assert time.monotonic() - began < 300, "not imported after five minutes"
        time.sleep(0.05)
    assert row["status"] == "ready", row["reason"]
    return time.monotonic() - began, dict(row["counts"])


def _read(file: Path) -> float:
    from catalog.imports import Entry, read, survey

    began = time.monotonic()
    count = sum(isinstance(one, Entry) for one in read(file, survey(file, "rekordbox")))
    assert count == MANY
    return time.monotonic() - began
