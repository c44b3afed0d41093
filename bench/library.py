"""A whole library: two hundred tracks of three minutes, from the first upload to the last result."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from bench.figures import Figure, write_wav
from bench.product import Product

TRACKS, SECONDS, RATE = 200, 180, 44_100
WANTED = 180.0


def library(product: Product) -> list[Figure]:
    """Uploads run beside the workers, as they do in the product; both are in the time."""
    artist = f"library{int(time.time())}"
    product.manage("create_artist", artist, "--password", "a-long-enough-phrase-42")
    other = Product(product.data, product.port)
    other.log_in(artist, "a-long-enough-phrase-42")
    with tempfile.TemporaryDirectory(dir=product.data) as folder:
        files = _files(Path(folder))
        began = time.monotonic()
        for file in files:
            with file.open("rb") as body:
                other.api.put(
                    f"{other.base}/api/tracks/",
                    params={"filename": file.name},
                    data=body,
                    headers={"Content-Type": "audio/wav"},
                ).raise_for_status()
        uploaded = time.monotonic() - began
        while (done := other.analysed()) < len(files):
            assert time.monotonic() - began < 1800, f"{done} of {len(files)} analysed after half an hour"
            time.sleep(0.5)
        spent = time.monotonic() - began
    name = f"{TRACKS} WAV tracks of {SECONDS // 60} min analysed (uploads took {uploaded:.0f} s of it)"
    return [Figure(name, f"{spent:.0f} s", f"{WANTED:.0f} s", spent <= WANTED)]


def _files(folder: Path) -> list[Path]:
    """Distinct recordings: pieces of rendered tracks behind one another, each file from another place on."""
    from catalog.demo import ARTISTS, render

    pieces = [render(track).samples.T for artist in ARTISTS for track in artist.tracks[:4]]
    reel = np.concatenate(pieces)
    length = SECONDS * RATE
    files = []
    for number, start in enumerate(np.linspace(0, len(reel), TRACKS, endpoint=False).astype(int)):
        file = folder / f"{number:03}.wav"
        write_wav(file, np.roll(reel, -start, axis=0)[:length])
        files.append(file)
    return files
