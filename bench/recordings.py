"""Freely licensed recordings from Debian packages: which of them the background takes, which the evaluation.

The rule, fixed before anything was measured: the five packages of the first background stay in it. Of the
other packages, a composer with ten or more recordings of at least LEAST_SECONDS in them, or the soundtrack
where the files name no such composer, is kept for the evaluation, and then nothing of that package or
composer enters the background. All others go into the background, a few recordings of each composer.
Packages are taken as they are in Debian 12; licences are those of their copyright files. Recordings under
other than well-known free licences, short jingles and noises are left out.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

LEAST_SECONDS = 45.0
MOST_SECONDS = 240
SUFFIXES = (".ogg", ".mp3", ".opus", ".flac")
GPL2, SHARE = "GPL-2+", "CC-BY-SA-3.0"


@dataclass(frozen=True)
class Kept:
    """Files of one package by one composer or team: those whose path matches one of `names` (glob).

    take: how many, spread evenly over the names; None for all.
    """

    package: str
    licence: str
    composer: str
    take: int | None = None
    names: tuple[str, ...] = ("*",)


BACKGROUND = (
    Kept("asc-music", GPL2, "Michael Kievernagel", 3),
    Kept("singularity-music", SHARE, "Maxstack", 5),
    Kept("warmux-data", GPL2, "Olivier Militon", 4, ("Olivier*",)),
    Kept("warmux-data", GPL2, "Mike Errecart", 1, ("Mike*",)),
    Kept("warmux-data", GPL2, "Lawrence Azzoug", 1, ("Divertissement*",)),
    Kept("warmux-data", GPL2, "WarMUX contributors", 4, ("*ux.ogg", "construction.ogg")),
    Kept("warzone2100-music", GPL2, "Warzone 2100, 1999", 3, ("*/original_soundtrack/*",)),
    Kept("warzone2100-music", GPL2, "Warzone 2100 Project, legacy", 4, ("*/legacy_soundtrack/*",)),
    Kept("warzone2100-music", GPL2, "Warzone 2100 Project, aftermath", 4, ("*/aftermath_soundtrack/*",)),
    Kept("xmoto-data", GPL2, "Jens Erler", 4, ("MadeiraStew*", "Legolodio*", "*/menu.ogg", "ridealong*")),
    Kept("xmoto-data", GPL2, "X-Moto contributors", 3, ("batcave*", "foxrun*", "speeditup*")),
    Kept("extremetuxracer-data", GPL2, "Extreme Tux Racer contributors", 6),
    Kept("lincity-ng-data", GPL2, "pronobozo", 1, ("01*",)),
    Kept("lincity-ng-data", GPL2, "Robert van Herk", 2, ("02*", "03*")),
    Kept("frozen-bubble-data", "GPL-2", "The Frozen-Bubble Team", 3),
    Kept("ardentryst", SHARE, "Jordan Trudgett", 5, ("*/Music/*",)),
    Kept("btanks-data", "GPL-2 with exception", "Battle Tanks Team", 5, ("*/tunes/*",)),
    Kept("pushover-data", "GPL-3+", "Roberto Lorenz", 5),
    Kept("trackballs-data", GPL2, "Trackballs contributors", 5, ("tb_*",)),
    Kept("lugaru-data", SHARE, "Lugaru contributors", 2, ("Music*",)),
    Kept("fretsonfire-songs-sectoid", "MIT", "Carlos Viola Iborra", 4, ("*/song.ogg",)),
    Kept("fretsonfire-songs-muldjord", SHARE, "Muldjord", 4, ("*/song.ogg",)),
    Kept("planetblupi-music-ogg", "GPL-3+", "Planet Blupi", 4),
    Kept("hex-a-hop-data", SHARE, "remaxim", 2),
    Kept("amoebax-data", "Free-Art-License-1.2", "Àlex Almarza", 5),
    Kept("zaz-data", SHARE, "Leonard Ritter", 4),
)
CHO = "Kenta Cho"
EVALUATION = (
    Kept("marsshooter-data", SHARE, "Obsidian Shell"),
    *(
        Kept(f"{game}-data", "BSD-2-Clause", CHO)
        for game in (
            *("parsec47", "noiz2sa", "torus-trooper", "titanion"),
            *("gunroar", "mu-cade", "rrootage", "tumiki-fighters"),
        )
    ),
    Kept("hyperrogue-music", SHARE, "Shawn Parrotte", names=("hr3-*",)),
    Kept(
        "supertux-data",
        GPL2,
        "Wansti",
        names=(
            *("bossattack*", "*/cave.ogg", "darkforestkeep*", "*/fortress.ogg", "*/forest.ogg", "forest2*"),
            *("forest3*", "ghostforest.ogg", "ghostforest2*", "greatgigantic*", "credits*", "*/theme.ogg"),
        ),
    ),
    Kept("fillets-ng-data", "GPL-2", "Fish Fillets", names=("rybky*",)),
    Kept("nexuiz-music", GPL2, "Nexuiz soundtrack"),
    Kept("hedgewars-data", "GPL-2", "Hedgewars soundtrack", names=("*/Music/*",)),
    Kept("wesnoth-1.16-music", GPL2, "Wesnoth soundtrack"),
)


def download(folder: Path, wanted: tuple[Kept, ...]) -> None:
    """Fetch with apt-get and unpack with dpkg what `folder` lacks; one folder for each package."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(one.package for one in wanted):
        if (folder / name).is_dir():
            continue
        subprocess.run(["apt-get", "download", name], cwd=folder, check=True)
        (archive,) = folder.glob(f"{name}_*.deb")
        subprocess.run(["dpkg", "-x", archive, folder / name], check=True)
        for packed in (folder / name).rglob("*.pk3"):
            subprocess.run(["unzip", "-qo", packed, "-d", f"{packed}.d"], check=True)
        archive.unlink()


def files(folder: Path, kept: Kept) -> list[Path]:
    """The recordings, in order of their paths: long enough, and no more than `take`, evenly spaced."""
    root = folder / kept.package
    found = [
        path
        for path in sorted(root.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and any(path.match(name) for name in kept.names)
        and path.is_file()
        and soundfile.info(path).duration >= LEAST_SECONDS
    ]
    if kept.take is None or len(found) <= kept.take:
        return found
    return [found[round(at)] for at in np.linspace(0, len(found) - 1, kept.take)]


def read(path: Path) -> tuple[np.ndarray, int]:
    """The first four minutes, (channels, n) float32, and the rate. A song in stems is summed."""
    parts = [path.with_name("guitar.ogg"), path] if path.name == "song.ogg" else [path]
    sounds = []
    for part in parts:
        with soundfile.SoundFile(part) as file:
            rate = file.samplerate
            sounds.append(file.read(MOST_SECONDS * rate, dtype="float32", always_2d=True))
    length = min(len(sound) for sound in sounds)
    return np.ascontiguousarray(sum(sound[:length] for sound in sounds).T, dtype=np.float32), rate


def each(folder: Path, wanted: tuple[Kept, ...]) -> Iterator[tuple[Kept, Path]]:
    for kept in wanted:
        for path in files(folder, kept):
            yield kept, path
