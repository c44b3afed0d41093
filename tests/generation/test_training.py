"""Adapters on a tiny genuine checkpoint: what is learned, that it survives being killed, and how it is put on."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.analysis import TrackAnalysis
from catalog.analysis.keys import parse_key
from catalog.analysis.model import Section
from generation.brief import Brief
from generation.engines.mosaic.store import DiskCache
from generation.engines.neural.words import described
from generation.training import adapter, checkpoint, lora, session
from generation.training.captions import Known, caption
from generation.training.dataset import Recording, chunks, split, trusted_grid
from generation.training.errors import TrainingError
from generation.training.recipe import Recipe
from generation.training.session import Material, News
from generation.training.tokens import encode

RECIPE = Recipe(
    rank=8,
    alpha=16,
    learning_rate=5e-3,
    warmup=2,
    steps=12,
    batch=4,
    validate_every=4,
    chunk_seconds=4,
    seed=3,
)


def recordings_in(folder: Path, count: int = 4) -> list[Recording]:
    """The first tracks of the demo catalog, with their analyses."""
    import json

    from catalog.audio.decode import decode

    found = []
    for number in range(count):
        facts = json.loads((folder / f"{number:02d}.json").read_text())
        heard = TrackAnalysis.from_json(
            facts["document"], vector=np.load(folder / f"{number:02d}.vector.npy")
        )
        file = folder / f"{number:02d}.flac"
        found.append(
            Recording(
                f"trk_{number}",
                facts["audio_sha256"],
                heard,
                lambda rate, file=file: decode(file, sample_rate=rate).samples,  # type: ignore[misc]
                Known(("Dubstep",), ("sub-heavy",)),
            )
        )
    return found


def loaded() -> Any:
    from generation.engines.neural.audiocraft_models import load
    from generation.engines.neural.devices import Device

    return load("musicgen-small", Device("cpu", False))


def trained(folder: Path, recordings: Path, recipe: Recipe = RECIPE, **more: Any) -> dict[str, Any] | None:
    options: dict[str, Any] = {"on_news": lambda news: None, "pause": lambda: False} | more
    return session.train(
        loaded(),
        Material(recordings_in(recordings), {"catalog_hash": "sha256:00"}),
        recipe,
        name="Tiny",
        folder=folder,
        cache=DiskCache(folder.parent / "tokens", 2**26),
        **options,
    )


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """As workers do: sums come out the same to the bit only with as many threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_model_folders: tuple[Path, Path],
    recordings: Path,
    _one_thread: None,
) -> tuple[Path, dict[str, Any]]:
    """An adapter trained without a break: its folder and card."""
    from tests.generation.tiny_models import _point

    folder = tmp_path_factory.mktemp("training") / "adapter"
    with pytest.MonkeyPatch.context() as patch:
        _point(patch, *tiny_model_folders)
        card = trained(folder, recordings)
    assert card is not None
    return folder, card


def test_training_lowers_the_loss_on_tracks_it_never_saw(finished: tuple[Path, dict[str, Any]]) -> None:
    folder, card = finished
    losses = card["losses"]
    assert losses["best"] < losses["before"] - 0.05
    assert losses["train"][-1][1] < losses["train"][0][1]
    assert [point[0] for point in losses["validation"]] == [0, 4, 8, 12]
    assert (card["training"]["tracks"], card["training"]["held_out_tracks"]) == (3, 1)
    assert card["sha256"] == hashlib.sha256((folder / adapter.FILE).read_bytes()).hexdigest()
    assert card["base"]["licence"] == "CC-BY-NC-4.0"


def test_a_pause_and_another_process_change_nothing(
    finished: tuple[Path, dict[str, Any]], tiny_models: Path, recordings: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "adapter"
    steps = iter(range(1000))
    random.seed(time.time())  # whatever chance there is beside the training's own
    slices = 0
    while (card := trained(folder, recordings, pause=lambda: next(steps) % 5 == 4)) is None:
        slices += 1
    assert slices == 2
    assert card["sha256"] == finished[1]["sha256"]
    assert card["losses"] == finished[1]["losses"]


def train_slowly(folder: Path, recordings: Path, environment: dict[str, str]) -> None:
    """In a process of its own: writes a checkpoint after every step, slowly enough to be killed in between."""
    import torch

    torch.set_num_threads(1)
    os.environ.update(environment)
    session.CHECKPOINT_SECONDS = 0.0
    trained(folder, recordings, on_news=lambda news: time.sleep(0.3 if news.step > 4 else 0.0))


def test_a_killed_training_goes_on_and_ends_the_same(
    finished: tuple[Path, dict[str, Any]], tiny_models: Path, recordings: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "adapter"
    names = ("STARFORGE_MODELS", "STARFORGE_DEVICE", "HF_HOME", "HF_HUB_OFFLINE")
    environment = {name: os.environ[name] for name in names}
    process = multiprocessing.get_context("spawn").Process(
        target=train_slowly, args=(folder, recordings, environment), daemon=True
    )
    process.start()
    deadline = time.monotonic() + 120
    while ((found := checkpoint.read(folder)) is None or found["step"] < 5) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    found = checkpoint.read(folder)
    assert found is not None and 5 <= found["step"] < RECIPE.steps
    assert not (folder / adapter.FILE).exists()
    card = trained(folder, recordings)
    assert card is not None and card["sha256"] == finished[1]["sha256"]


def logits(net: Any) -> Any:
    """What the language model says of a fixed stretch of tokens."""
    import torch

    from generation.training.trainer import _attributes

    codes = torch.from_numpy(np.random.default_rng(0).integers(0, 64, (1, 4, 60)))
    net.lm.eval()
    with torch.no_grad():
        out = net.lm.compute_predictions(codes, [_attributes(net.lm, "dubstep, sub-heavy, 140 bpm")])
    return out.logits[out.mask]


def test_strength_leads_away_from_the_base_step_by_step_and_back(
    finished: tuple[Path, dict[str, Any]], tiny_models: Path
) -> None:
    import torch

    one = loaded()
    before = {name: part.clone() for name, part in one.net.lm.named_parameters()}
    base = logits(one.net)
    folder, card = finished
    put_on = adapter.Worn(
        "adp_1", "Tiny", folder / adapter.FILE, card["sha256"], "musicgen-small", one.sha256, 0.0
    )
    distances = []
    for strength in (0.0, 0.25, 0.5, 1.0):
        with adapter.worn(one.net.lm, replace(put_on, strength=strength), one.sha256):
            distances.append(float((logits(one.net) - base).norm()))
    assert distances[0] == 0.0
    assert distances == sorted(distances) and len(set(distances)) == 4
    # The warm model is clean for the next job.
    assert all(torch.equal(part, before[name]) for name, part in one.net.lm.named_parameters())
    assert torch.equal(logits(one.net), base)
    # What generates is what was trained: the same as peft computes it beside the weights.
    factors, scale = adapter.read(folder / adapter.FILE, card["sha256"])
    with lora.applied(one.net.lm, factors, scale):
        added = logits(one.net)
    with lora.injected(one.net.lm, RECIPE):
        assert torch.equal(logits(one.net), base)  # fresh factors say nothing yet
        lora.put_back(one.net.lm, factors)
        assert torch.allclose(logits(one.net), added, atol=1e-4)
    assert torch.equal(logits(one.net), base)


def test_a_wrong_or_damaged_adapter_is_told_in_words(
    finished: tuple[Path, dict[str, Any]], tiny_models: Path, tmp_path: Path
) -> None:
    one = loaded()
    folder, card = finished
    right = adapter.Worn("adp_1", "Tiny", folder / adapter.FILE, card["sha256"], "musicgen-small", one.sha256)
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes((folder / adapter.FILE).read_bytes()[:-9])
    for wrong, words in [
        (replace(right, base_sha256="00"), "other weights"),
        (replace(right, file=tmp_path / "none"), "missing or damaged"),
        (replace(right, file=damaged), "not the one that was trained"),
        (replace(right, file=damaged, sha256=""), "missing or damaged"),
        (replace(right, strength=1.5), "from 0 to 1"),
    ]:
        with pytest.raises(TrainingError, match=words), adapter.worn(one.net.lm, wrong, one.sha256):
            raise AssertionError("it was put on")
    factors, _ = adapter.read(folder / adapter.FILE)
    short = {name: part[:, :-1] if name.endswith("A") else part for name, part in factors.items()}
    with pytest.raises(lora.Mismatch), lora.applied(one.net.lm, short, 1.0):
        raise AssertionError("it was put on")


def test_a_full_disk_costs_nothing_that_was_kept(
    finished: tuple[Path, dict[str, Any]],
    tiny_models: Path,
    recordings: Path,
    tmp_path: Path,
    monkeypatch: Any,
) -> None:
    folder = tmp_path / "adapter"
    asked = iter(range(100))  # after each track but the last, then after each step
    assert trained(folder, recordings, pause=lambda: next(asked) >= 3) is None
    kept = (folder / checkpoint.FILE).read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("catalog.audio.atomic.flush", full)
        with pytest.raises(TrainingError, match="no room"):
            trained(folder, recordings, pause=lambda: True)
    assert (folder / checkpoint.FILE).read_bytes() == kept
    assert sorted(one.name for one in folder.iterdir()) == [checkpoint.FILE]


def test_a_cache_that_does_not_keep_its_tokens_is_told_instead_of_made_again_without_end(
    tiny_models: Path, recordings: Path, tmp_path: Path
) -> None:
    small = DiskCache(tmp_path / "tokens", 40_000)  # two tracks of four
    options: dict[str, Any] = {
        "name": "Tiny",
        "folder": tmp_path / "adapter",
        "on_news": lambda news: None,
        "pause": lambda: True,
    }
    material = Material(recordings_in(recordings), {})
    for _ in range(4):
        assert len(small.tracks()) < 4
        try:
            assert session.train(loaded(), material, RECIPE, cache=small, **options) is None
        except TrainingError as error:
            assert "do not stay on this machine" in error.reason
            break
    else:
        raise AssertionError("it went on")
    needed = {one.id for one in material.recordings}
    held = DiskCache(tmp_path / "tokens", 40_000, lambda: needed)
    slices = 0
    while not (tmp_path / "adapter" / checkpoint.FILE).exists():
        assert session.train(loaded(), material, RECIPE, cache=held, **options) is None
        slices += 1
        assert slices <= 4
    assert set(held.tracks()) == needed


def test_cancel_early_stop_and_nonsense(tiny_models: Path, recordings: Path, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(news: News) -> None:
        if news.step == 2:
            raise Stop

    net = loaded().net
    with pytest.raises(Stop):
        trained(tmp_path / "cancelled", recordings, on_news=stop)
    assert not any("lora" in name for name, _ in net.lm.named_parameters())
    worse = replace(RECIPE, learning_rate=1e-6, steps=1000, validate_every=1, patience=1, warmup=1000)
    card = trained(tmp_path / "early", recordings, replace(worse, learning_rate=1e-2, warmup=0, alpha=512))
    assert card is not None and card["stopped_early"] and card["steps"] < 1000
    assert card["losses"]["best_step"] == min(card["losses"]["validation"], key=lambda point: point[1])[0]
    with pytest.raises(TrainingError, match="two are needed"):
        session.train(
            loaded(),
            Material(recordings_in(recordings, 1), {}),
            RECIPE,
            name="One",
            folder=tmp_path / "one",
            cache=None,
            on_news=lambda news: None,
            pause=lambda: False,
        )


# --- what is learned from ---------------------------------------------------------------------------


def test_tracks_are_kept_apart_whole_and_chunks_begin_on_bars(recordings: Path) -> None:
    ids = [f"trk_{number}" for number in range(12)]
    learned, apart = split(ids, 0.15, seed=1)
    assert sorted([*learned, *apart]) == sorted(ids) and len(apart) == 2
    assert split(ids[::-1], 0.15, seed=1) == (learned, apart)
    assert any(split(ids, 0.15, seed=seed)[1] != apart for seed in range(2, 6))
    one = recordings_in(recordings, 1)[0]
    assert trusted_grid(one.analysis)
    found = chunks(one, 4.0)
    bars = one.analysis.bars.start
    assert len(found) > 8 and all(np.abs(bars - chunk.start).min() < 1e-4 for chunk in found)
    assert all(chunk.start + chunk.seconds <= one.analysis.duration + 1e-6 for chunk in found)
    loose = replace(one, analysis=replace(one.analysis, tempo_steady=False))
    assert [chunk.start for chunk in chunks(loose, 4.0)][:3] == [0.0, 2.0, 4.0]
    assert len(chunks(one, 300.0)) == 1


def test_captions_are_rules(recordings: Path) -> None:
    heard = recordings_in(recordings, 1)[0].analysis
    known = Known(("Dubstep",), ("sub-heavy",))
    drop = Section("drop", 0.0, 16.0, 0, 8)
    steady = replace(
        heard, energy=0.9, bpm=140.2, bpm_confidence=0.9, sections=(drop,), key=parse_key("F minor")
    )
    said = caption(known, steady, 0, 16)
    assert said == (
        "Dubstep, very energetic, driving, sub-heavy, 140 BPM, F minor, full energy, all instruments"
    )
    # The same words as a request for such music is written in.
    brief = Brief("", 140.0, parse_key("F minor"), 0.9, "Dubstep", 30.0, 1)
    assert said.startswith(described(brief, {"palette_words": ["sub-heavy"]}, []))
    unsure = replace(steady, bpm_confidence=0.0, key=None, energy=0.5)
    assert caption(Known(), unsure, 900, 904) == "instrumental music"


def test_tokens_are_those_of_the_whole_and_made_once(
    tiny_models: Path, recordings: Path, tmp_path: Path
) -> None:
    net = loaded().net
    one = recordings_in(recordings, 1)[0]
    sound = one.load(32_000)
    codes = encode(net.compression_model, sound)
    assert codes.shape == (4, sound.shape[1] // 640) and codes.max() < 64

    import torch

    with torch.no_grad():
        whole, _ = net.compression_model.encode(torch.from_numpy(sound.mean(axis=0)[None, None, :]))
    same = (whole[0, :, : codes.shape[1]].numpy() == codes).mean()
    assert same > 0.99  # windows overlap, so their edges are not heard
    cache = DiskCache(tmp_path, 2**26)
    from generation.training.tokens import codes_of

    first = codes_of(one, net.compression_model, "ab" * 32, cache, lambda: None)

    def never(rate: int) -> Any:
        raise AssertionError("it was decoded again")

    again = codes_of(replace(one, load=never), net.compression_model, "ab" * 32, cache, lambda: None)
    assert np.array_equal(first, again)
