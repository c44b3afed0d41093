"""Models come from a hub whole, checked and resumed; every fault is a sentence and nothing half-written stays."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generation.hub import (
    Acceptance,
    FetchError,
    Hub,
    Manifest,
    Repository,
    WantedFile,
    errors,
    fetch,
    manifest_in,
    transfer,
)
from tests.generation.hub_server import COMMIT, LocalHub, local_hub

REPO = "people/tiny"
WEIGHTS = bytes(range(256)) * 1200  # 300 kB
FILES = {"config.json": b'{"tiny": true}', "vae/weights.bin": WEIGHTS}
WANTED = Repository(
    "tiny",
    REPO,
    (WantedFile("config.json"), WantedFile("vae/weights.bin"), WantedFile("extra.json", optional=True)),
)
YES = Acceptance("A Licence", "https://licence.example", "root", "2026-11-28T00:00:00+00:00")


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library looks once, when it is first imported, and other tests of this process wanted it offline."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    with local_hub(tmp_path / "hub") as made:
        made.add(REPO, FILES)
        yield made


def get(
    hub: LocalHub, models: Path, wanted: Repository = WANTED, *, token: str = "", **options: Any
) -> Manifest:
    return fetch(wanted, models, Hub(hub.endpoint, token, wait=lambda _: None), acceptance=YES, **options)


def left_in(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_a_model_comes_whole_and_is_remembered(hub: LocalHub, tmp_path: Path) -> None:
    models, told = tmp_path / "models", []
    made = get(hub, models, on_progress=told.append)
    home = models / "tiny"
    assert left_in(home) == {"config.json", "vae/weights.bin", "manifest.json"}
    assert (home / "vae/weights.bin").read_bytes() == WEIGHTS
    assert manifest_in(home) == made and made.commit == COMMIT and made.licence == YES
    assert {path: kept.checked for path, kept in made.files.items()} == {
        "config.json": "hub",
        "vae/weights.bin": "hub",
    }
    assert made.damage(home, hashes=True) == ""
    assert told[-1].done == told[-1].total == sum(map(len, FILES.values()))
    hub.asked.clear()
    get(hub, models)  # once more: looked at, not fetched
    assert hub.gets() == []
    (home / "vae/weights.bin").write_bytes(WEIGHTS[:-1] + b"x")
    assert "was changed" in made.damage(home, hashes=True) and made.damage(home) == ""
    get(hub, models)
    assert [path for path, _ in hub.gets()] == ["weights.bin"]
    assert (home / "vae/weights.bin").read_bytes() == WEIGHTS


def test_a_cut_line_and_a_killed_process_go_on_where_they_were(hub: LocalHub, tmp_path: Path) -> None:
    models = tmp_path / "models"
    hub.faults.busy = 2  # a hub that is busy for a moment is asked again
    hub.faults.cut = [100_000]

    def killed(progress: Any) -> None:
        if progress.done > 120_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(hub, models, on_progress=killed)
    assert not (models / "tiny").exists()
    assert ("weights.bin", "bytes=100000-") in hub.gets()  # of the cut
    (part,) = models.rglob("*.part")
    kept = part.stat().st_size
    assert kept > 120_000
    hub.asked.clear()
    get(hub, models)
    assert hub.gets() == [("weights.bin", f"bytes={kept}-")]
    assert (models / "tiny/vae/weights.bin").read_bytes() == WEIGHTS


def test_a_server_that_knows_no_ranges_sends_all_again(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults.cut, hub.faults.no_ranges = [100_000], True
    told: list[Any] = []
    get(hub, tmp_path / "models", on_progress=told.append)
    assert (tmp_path / "models/tiny/vae/weights.bin").read_bytes() == WEIGHTS
    assert told[-1].done == told[-1].total


def test_what_is_not_what_the_hub_names_is_thrown_away(hub: LocalHub, tmp_path: Path) -> None:
    models = tmp_path / "models"
    hub.faults.altered = {"vae/weights.bin"}
    with pytest.raises(errors.Altered, match="not the file the hub names"):
        get(hub, models)
    pinned = Repository("tiny", REPO, (WantedFile("config.json", sha256="ab" * 32),))
    with pytest.raises(errors.Altered, match="abababababab"):
        get(hub, models, pinned)
    hub.faults.altered, hub.faults.longer = set(), {"vae/weights.bin"}
    with pytest.raises(errors.Altered, match="more came"):
        get(hub, models)
    assert not (models / "tiny").exists()
    assert not [name for name in left_in(models) if "weights" in name]
    hub.faults.longer = set()
    get(hub, models)
    assert (models / "tiny/vae/weights.bin").read_bytes() == WEIGHTS


def test_a_folder_that_is_no_hub_serves_too_and_is_shown_no_token(hub: LocalHub, tmp_path: Path) -> None:
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    folder = f"{hub.endpoint}/{REPO}/resolve/main/vae"
    hub.faults.gated = {REPO: "hf_right"}
    with pytest.raises(errors.NoAnswer, match="401"):  # so it was asked without one
        get(
            hub,
            tmp_path / "models",
            Repository("plain", folder, (WantedFile("weights.bin"),)),
            token="hf_right",
        )
    hub.faults.gated = {}
    made = get(
        hub, tmp_path / "models", Repository("plain", folder, (WantedFile("weights.bin", digest[:8]),))
    )
    assert made.files["weights.bin"].checked == "pinned"


def test_a_gated_repository_says_how_to_be_let_in(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults.gated = {REPO: "hf_right"}
    with pytest.raises(errors.Gated, match=f"Log in at {hub.endpoint}/{REPO}.*HF_TOKEN"):
        get(hub, tmp_path / "models")
    with pytest.raises(errors.Gated, match="may not read it"):
        get(hub, tmp_path / "models", token="hf_wrong")
    get(hub, tmp_path / "models", token="hf_right")


def test_what_is_not_there_and_who_does_not_answer(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.NotThere, match=r"no missing\.json in people/tiny at “main”"):
        get(hub, tmp_path / "models", Repository("tiny", REPO, (WantedFile("missing.json"),)))
    hub.faults.busy = 50
    with pytest.raises(errors.NoAnswer, match=r"\(503\).*run the same command again"):
        get(hub, tmp_path / "models")
    hub.faults.busy, hub.faults.stall = 0, 0.4
    hub.add(REPO, {"long.bin": WEIGHTS[:4000]})
    monkeypatch.setattr(transfer, "TIMEOUT", 0.1)
    with pytest.raises(errors.NoAnswer, match="timed out"):
        get(hub, tmp_path / "models", Repository("tiny", REPO, (WantedFile("long.bin"),)))
    closed = Hub("http://127.0.0.1:9", wait=lambda _: None)
    with pytest.raises(errors.NoAnswer, match="no connection"):
        fetch(WANTED, tmp_path / "models", closed, acceptance=YES)


def test_a_full_disk_is_said_before_and_during(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**6))
    with pytest.raises(errors.NoSpace, match="307 kB are needed and 1 MB are free"):
        get(hub, models)
    assert hub.gets() == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    if Path("/dev/full").exists():  # the kernel answers every write with ENOSPC
        real = Path.open

        def full(self: Path, mode: str = "r", *rest: Any, **options: Any) -> Any:
            return real(
                Path("/dev/full") if self.suffix == ".part" and "b" in mode else self, mode, *rest, **options
            )

        monkeypatch.setattr(Path, "open", full)
        with pytest.raises(errors.NoSpace, match="goes on from here"):
            get(hub, models)
    assert not (models / "tiny").exists()


def test_two_at_once_do_not_mix(hub: LocalHub, tmp_path: Path) -> None:
    models = tmp_path / "models"

    def meanwhile(_: Any) -> None:
        with pytest.raises(errors.Busy):
            get(hub, models)

    get(hub, models, on_progress=meanwhile)
    data = json.loads((models / "tiny/manifest.json").read_text())
    assert data["licence"]["by"] == "root"
    assert issubclass(errors.Busy, FetchError)
