"""MusicGen on tiny genuine checkpoints: from the wish to the certificate, on the processor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.models import Artist
from generation import lifecycle, pipeline
from generation.brief import Brief
from generation.engines.base import Material, Rendering
from generation.engines.musicgen.engine import MusicGen
from generation.models import GeneratedTrack
from generation.prompting import Wishes
from provenance import verification
from tests.catalogs import stock
from tests.people import owner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tiny_models")]


@pytest.fixture
def artist(recordings: Path) -> Artist:
    made = owner().artist
    stock(made, recordings)
    return made


def made(artist: Artist, **wishes: Any) -> GeneratedTrack:
    options = {"prompt": "dark techno", "bpm": 140.0, "duration_seconds": 15.0, "seed": 11, **wishes}
    generation, _ = lifecycle.submit(artist, wishes=Wishes(**options), engine="musicgen")
    word = pipeline.run(generation.pk)
    generation.refresh_from_db()
    assert word == "ready", generation.error
    return generation.takes.get()


def render(**fields: Any) -> Rendering:
    brief = Brief("dark techno", 140.0, None, 0.6, "Techno", 4.0, 5)
    return MusicGen().render(replace(brief, **fields), Material(()), take=1, on_progress=lambda *_: None)


def test_a_take_from_words_is_certified_with_its_weights(artist: Artist) -> None:
    take = made(artist)
    assert take.engine == "musicgen" and take.duration == pytest.approx(15, abs=0.5)
    assert take.built_from == []
    verdict = verification.verify_file(take.file("wav"), filename=take.file("wav").name)
    assert verdict.exit_code == 0, verdict.sentence
    assert take.certificate is not None
    said = take.certificate.provenance["generator"]
    assert said["model"] == "musicgen" and said["weights"] == "musicgen-small"
    assert len(said["weights_sha256"]) == 64
    assert said["licence"] == "CC-BY-NC-4.0" and said["fine_tuned"] is False


def test_the_same_recipe_gives_the_same_samples_and_another_seed_others() -> None:
    one, again, other = (render(seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(one.audio, again.audio)
    assert not np.array_equal(one.audio, other.audio)
