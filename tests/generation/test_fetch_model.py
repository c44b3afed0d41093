"""From the command to a model that works without the network: licence, download, list, damage."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from generation import fetching
from generation.engines.neural.catalogue import MODELS
from generation.engines.neural.places import place_of
from generation.engines.stable_audio import StableAudio
from tests.generation.hub_server import LocalHub, local_hub
from tests.generation.tiny_stable_audio import NAME

REPO = MODELS[NAME].repo
TOKEN = "hf_of_the_tests"


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library looks once, when it is first imported, and other tests of this process wanted it offline."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.fixture
def hub(
    tiny_stable_audio_files: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalHub]:
    """A hub that has the tiny Stable Audio behind a licence, and an empty folder of models."""
    monkeypatch.setenv("STARFORGE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with local_hub(tmp_path / "hub") as made:
        files = {
            str(file.relative_to(tiny_stable_audio_files)): file.read_bytes()
            for file in tiny_stable_audio_files.rglob("*")
            if file.is_file()
        }
        made.add(REPO, files)
        made.faults.gated = {REPO: TOKEN}
        settings.STARFORGE_HUB, settings.STARFORGE_HUB_TOKEN = made.endpoint, TOKEN
        yield made


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("fetch_model", *words, stdout=out)
    return out.getvalue()


def test_after_fetching_it_works_without_the_network(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    before = StableAudio().availability()
    assert not before.ready and "5.3 GB" in before.missing and f"fetch_model {NAME}" in before.how
    with pytest.raises(CommandError, match="--accept-licence"):
        run(NAME)
    assert hub.asked == [] and "absent" in run("--list")
    hub.faults.cut = [20_000]
    said = run(NAME, "--accept-licence")
    assert "Stability AI Community License" in said and "It is ready" in said and "/s" in said
    place = place_of(NAME)
    assert place is not None and place.manifest["licence"]["by"].endswith("at the command line")
    assert StableAudio().availability().ready and f"{NAME} " in run("--list")
    assert "as it was" in run(NAME, "--check")
    hub.asked.clear()
    run(NAME)  # accepted before, here and whole: nothing is asked
    assert hub.asked == []
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from generation.engines.neural import warm
    from generation.engines.stable_audio.pipeline import load

    assert load(NAME).rate == 44_100
    warm.forget()


def test_weights_put_there_by_hand_are_taken_over_and_asked_for_their_licence(
    hub: LocalHub, tiny_stable_audio_files: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(tiny_stable_audio_files, tmp_path / "models" / NAME)
    assert "nobody accepted" in StableAudio().availability().missing and "not accepted" in run("--list")
    run(NAME, "--accept-licence")
    assert hub.gets() == [] and StableAudio().availability().ready
    weights = tmp_path / "models" / NAME / "vae/diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "damaged" in run("--list")
    with pytest.raises(CommandError, match="bytes instead of"):
        run(NAME, "--check")
    run(NAME)
    assert [path for path, _ in hub.gets()] == ["diffusion_pytorch_model.safetensors"]
    assert fetching.verify_model(NAME) == ""


def test_what_the_hub_refuses_is_said(hub: LocalHub, settings: Settings) -> None:
    settings.STARFORGE_HUB_TOKEN = ""
    with pytest.raises(CommandError, match="HF_TOKEN"):
        run(NAME, "--accept-licence")
    with pytest.raises(CommandError, match="There is no model “nothing”"):
        run("nothing")
    assert place_of(NAME) is None


def test_what_a_model_needs_comes_with_it(hub: LocalHub) -> None:
    for name in ("musicgen-small", "t5-base"):
        model = MODELS[name]
        hub.add(model.repo, dict.fromkeys(model.files, b"not a network"))
    run("musicgen-small", "--accept-licence")
    assert place_of("musicgen-small") is not None and place_of("t5-base") is not None
    manifest = json.loads((fetching.models_folder() / "t5-base" / "manifest.json").read_text())
    assert manifest["licence"]["licence"] == "Apache-2.0"
