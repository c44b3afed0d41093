"""Writing the demo tracks: tagged FLAC files, several at a time, never half a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from catalog.demo import ARTISTS, render
from catalog.demo.write import write_artist, write_tracks

SHORT = replace(ARTISTS[0].tracks[0], form="sketch")
TRACKS = (SHORT, replace(SHORT, title="Who? Me: / again", seed=SHORT.seed + 1))


@dataclass(frozen=True)
class Written:
    paths: list[Path]
    told: list[tuple[int, int, str, str]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Two short tracks, written once by one process."""
    told: list[tuple[int, int, str, str]] = []
    paths = write_tracks(
        TRACKS,
        tmp_path_factory.mktemp("demo") / "new folder",
        processes=1,
        on_progress=lambda done, total, track, path: told.append((done, total, track.title, path.name)),
    )
    return Written(paths, told)


def test_a_file_holds_the_rendered_samples_and_its_tags(written: Written) -> None:
    with soundfile.SoundFile(written.paths[0]) as file:
        assert (file.format, file.subtype, file.samplerate, file.channels) == ("FLAC", "PCM_16", 44_100, 2)
        assert (file.title, file.artist) == (SHORT.title, SHORT.artist)
        assert SHORT.genres[0] in file.genre
        samples = file.read(dtype="float32").T
    assert np.abs(samples - render(SHORT).samples).max() <= 1 / 32_768


def test_file_names_carry_number_and_title_without_forbidden_characters(written: Written) -> None:
    assert [path.name for path in written.paths] == ["01 Tidewall.flac", "02 Who Me again.flac"]
    assert sorted(written.paths[0].parent.iterdir()) == written.paths


def test_progress_is_told_once_per_track(written: Written) -> None:
    titles = [track.title for track in TRACKS]
    names = [path.name for path in written.paths]
    assert written.told == [(1, 2, titles[0], names[0]), (2, 2, titles[1], names[1])]


def test_two_processes_write_the_same_bytes_as_one(written: Written, tmp_path: Path) -> None:
    together = write_artist(replace(ARTISTS[0], tracks=TRACKS), tmp_path, processes=2)
    assert [path.read_bytes() for path in together] == [path.read_bytes() for path in written.paths]


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"."):
        write_tracks([SHORT], tmp_path / "file", processes=1)
