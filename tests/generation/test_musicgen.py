"""MusicGen and AudioGen on tiny genuine checkpoints: from the wish to the certificate, on the processor."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.test import Client
from scipy.signal import butter, sosfilt

from catalog import jobs
from catalog.analysis.keys import parse_key
from catalog.models import Artist, Track
from generation import exporting, lifecycle, pipeline
from generation.api.wishes import BriefQuery, MusicRequest
from generation.brief import Brief, Reference
from generation.engines import engines
from generation.engines.audiogen.engine import AudioGen
from generation.engines.base import Cache, CorpusTrack, EngineError, Material, Rendering
from generation.engines.mosaic.stretch import stretched
from generation.engines.musicgen import drift, form
from generation.engines.musicgen.engine import MusicGen
from generation.engines.neural import codec, exact, parts, places, warm, words
from generation.engines.neural.audiocraft_models import load
from generation.engines.neural.player import Player
from generation.engines.neural.sampling import Sampling
from generation.forms import StudioForm
from generation.models import GeneratedTrack, Generation
from generation.prompting import OPTIONS, BadWishes, Wishes
from provenance import verification
from tests.catalogs import stock
from tests.generation.tiny_models import make_demucs
from tests.people import owner
from tests.sounds import tone

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("tiny_models"),
    pytest.mark.sound,
]
BRIEF = Brief("dark techno", 140.0, None, 0.6, "Techno", 4.0, 5, options={"candidates": 1})


@pytest.fixture
def artist(recordings: Path) -> Artist:
    made = owner().artist
    stock(made, recordings)
    return made


def corpus(artist: Artist) -> tuple[CorpusTrack, ...]:
    return pipeline.corpus_of(
        list(Track.objects.of(artist).ready().select_related("analysis").order_by("title"))
    )


def render(tracks: tuple[CorpusTrack, ...] = (), **fields: Any) -> Rendering:
    brief = replace(BRIEF, **fields)
    return MusicGen().render(brief, Material(tracks), take=1, on_progress=lambda *_: None)


def submitted(artist: Artist, engine: str = "musicgen", **wishes: Any) -> Generation:
    options = {"prompt": "dark techno", "bpm": 140.0, "duration_seconds": 15.0, "seed": 11, **wishes}
    return lifecycle.submit(artist, wishes=Wishes(**options), engine=engine)[0]


def made(artist: Artist, engine: str = "musicgen", **wishes: Any) -> GeneratedTrack:
    generation = submitted(artist, engine, **wishes)
    word = pipeline.run(generation.pk)
    generation.refresh_from_db()
    assert word == "ready", generation.error
    return generation.takes.get()


def test_a_take_from_words_is_certified_with_its_weights_and_comes_in_stems(
    artist: Artist, client: Client
) -> None:
    generation = submitted(artist, options={"candidates": 2})
    assert generation.queue_name == "gpu" and generation.brief["model"] == "musicgen-small"
    assert "140 BPM" in generation.brief["text"]
    assert pipeline.run(generation.pk) == "ready"
    take = generation.takes.get()
    assert take.duration == pytest.approx(9 * 4 * 60 / 140, abs=0.01) and take.built_from == []
    verdict = verification.verify_file(take.file("wav"), filename=take.file("wav").name)
    assert verdict.exit_code == 0 and take.certificate is not None, verdict.sentence
    said = take.certificate.provenance["generator"]
    assert (said["model"], said["weights"]) == ("musicgen", "musicgen-small")
    assert said["weights_sha256"] == load("musicgen-small").sha256 and len(said["weights_sha256"]) == 64
    assert (
        said["licence"] == "CC-BY-NC-4.0" and said["commercial_use"] is False and said["fine_tuned"] is False
    )
    assert take.certificate.provenance["type"] == "ai_generated"
    assert take.certificate.provenance["credits"]["sound_sources"] == "machine"
    # the text holds the prompt's words: it is private as the prompt is
    assert "dark techno" not in json.dumps(take.certificate.statement)

    stems = [soundfile.read(take.stem_file(one["name"]), dtype="float64")[0] for one in take.stems]
    master = soundfile.read(take.file("wav"), dtype="float64")[0]
    assert len(stems) >= 2
    assert np.abs(sum(stems) / take.stems[0]["gain"] - master).max() <= 10 ** (-90 / 20)
    assert len(take.plan["candidates"]) == 2 and take.plan["choice"]
    assert all(one["match"] is not None for one in take.plan["candidates"])

    readme = exporting.readme(exporting.project_of(take)).decode()
    assert "CC-BY-NC-4.0" in readme and "Approximate" in readme
    client.force_login(artist.user)
    page = client.get(take.generation.get_absolute_url()).content.decode()
    assert "not for commercial use" in page and "MusicGen small" in page and "Approximate" in page
    public = client.get(take.certificate.get_absolute_url()).content.decode()
    assert "CC-BY-NC-4.0" in public and "Not allowed by the licence of the weights" in public


def test_the_same_recipe_gives_the_same_samples_and_another_seed_others() -> None:
    one, again, other = (render(seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(one.audio, again.audio)
    assert not np.array_equal(one.audio, other.audio)
    assert one.plan["sampling"] == {"temperature": 1.0, "top_k": 250, "top_p": 0.0, "cfg": 3.0}


def test_references_are_heard_as_a_melody_or_gone_on_from(artist: Artist) -> None:
    # By title: ids are drawn, and to networks this small some pairs of beginnings are one and the same.
    tracks = tuple(sorted(corpus(artist), key=lambda one: one.title))
    first, second = (Reference(track.id) for track in tracks[:2])
    for model, how in (("musicgen-melody", "melody"), ("musicgen-small", "continue")):
        one, other, none = (
            render(tracks, model=model, references=references) for references in ((first,), (second,), ())
        )
        assert one.plan["references_as"] == how and none.plan["references_as"] == "off"
        assert one.plan["conditioned_on"][0]["track_id"] == first.track_id
        assert not np.array_equal(one.audio, other.audio) and not np.array_equal(one.audio, none.audio)
    with pytest.raises(EngineError, match="Choose another"):
        render((), references=(first,))


def test_a_long_take_has_sections_joined_on_bar_lines_and_progress_that_never_falls() -> None:
    told: list[tuple[float, str]] = []
    brief = replace(BRIEF, duration_seconds=40.0, text="techno\nintro: only a kick\nbreak: no drums at all")
    take = MusicGen().render(brief, Material(()), take=1, on_progress=lambda *one: told.append(one))
    assert [one["name"] for one in take.sections] == [one.name for one in form.parts(23, 140.0, 30.0)]
    assert take.audio.shape[1] == take.plan["samples"] == round(23 * 4 * 60 / 140 * 44_100)
    bar = 4 * 60 / 140 * 50
    starts = [one["start"] for one in take.plan["windows"]]
    assert len(starts) >= 2 and all(abs(start / bar - round(start / bar)) < 0.02 for start in starts)
    assert [one["section"] for one in take.plan["windows"]] == ["drop", "outro"]
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert any("outro" in said for _, said in told)
    assert words.section_text(brief.text or "", "intro", 0.6).startswith("techno, only a kick")
    assert "kick" not in words.section_text(brief.text or "", "break", 0.6)


def test_a_melody_is_followed_from_the_place_each_window_begins_at(
    artist: Artist, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the network is given: the notes of its own stretch, also where the melody goes round."""
    import torch

    loaded = load("musicgen-melody")
    conditioner = loaded.net.lm.condition_provider.conditioners["self_wav"]
    given: list[list[int]] = []
    embed = conditioner._get_wav_embedding

    def listened(wave: Any) -> Any:
        chroma = embed(wave)
        if wave.wav.shape[-1] > 1:  # else it is the answer without a melody
            given.append(chroma[0].argmax(-1).tolist())
        return chroma

    monkeypatch.setattr(conditioner, "_get_wav_embedding", listened)
    each = 4.0  # seconds of each note: 40 seconds, after which it goes round
    scale = [0, 2, 4, 5, 7, 9, 11, 1, 3, 6]
    tune = np.concatenate(
        [tone(261.63 * 2 ** (note / 12), each, rate=44_100).astype(np.float32) for note in scale], axis=-1
    )
    asked = Sampling(top_k=50)
    player = Player(loaded, asked, melody=tune if tune.ndim == 2 else np.stack([tune, tune]))
    player.first(["a tune"], 4, 1, lambda _: None)
    for seconds in (30, 40):  # were played before; the last ten of them are heard again
        before = torch.zeros((1, 4, 50 * seconds), dtype=torch.int64)
        player.go_on(before, "a tune", 10 * 50, 4, 2, lambda _: None)
    per_second = len(given[0]) / 30.0
    for notes, begins in zip(given, (0.0, 20.0, 30.0), strict=True):
        for middle in np.arange(begins + 2.0 - begins % each, begins + 29.0, each):
            if middle < begins:
                continue
            heard = notes[round((middle - begins) * per_second)]
            assert heard == scale[int(middle / each) % len(scale)], (begins, middle)
    # And the same through a whole take: each window's melody begins where its context does.
    tracks = corpus(artist)
    seen: list[int] = []
    inside = Player._attributes

    def where(self: Player, texts: Any, frame: int) -> Any:
        seen.append(frame)
        return inside(self, texts, frame)

    monkeypatch.setattr(Player, "_attributes", where)
    take = render(
        tracks, model="musicgen-melody", references=(Reference(tracks[0].id),), duration_seconds=33.0
    )
    begun = [one["start"] - one["context"] for one in take.plan["windows"]]
    assert take.plan["references_as"] == "melody" and len(begun) >= 2
    assert seen[0] == 0 and set(seen[1:]) == set(begun) and max(begun) > 0


def test_a_window_that_left_the_music_is_told_in_what(artist: Artist) -> None:
    track = corpus(artist)[0]
    sound = track.load()
    first, later = sound[:, : 14 * 44_100], sound[:, 14 * 44_100 : 28 * 44_100]
    found = exact.measured(first, 140.0)
    begun = drift.Beginning.of(first, found, in_time=True)
    assert begun.drift(later) == drift.Drift() and begun.drift(later).words == ""
    faster = begun.drift(stretched(later, factor=1.07, semitones=0))
    assert faster.tempo == pytest.approx(0.07, abs=0.01) and faster.words == "tempo (7% faster)"
    assert faster.semitones == 0
    higher = begun.drift(stretched(later, factor=1.0, semitones=3))
    assert (higher.semitones, higher.tempo) == (3, 0.0) and higher.words == "key (+3 semitones)"
    muffled = begun.drift(sosfilt(butter(8, 120, output="sos", fs=44_100), later).astype(np.float32))
    assert muffled.balance_db > 3 and "the balance of low and high" in muffled.words
    quiet = begun.drift(later * 0.01)
    assert -20 < quiet.level_db < -10 and quiet.words.startswith("level (-1") and quiet.balance_db == 0.0
    assert begun.drift(np.zeros_like(later)).level_db < -40
    # What was never in time is held against nothing, and a short window tells too little.
    loose = drift.Beginning.of(first, found, in_time=False)
    assert loose.drift(stretched(later, factor=1.07, semitones=3)) == drift.Drift()
    assert begun.drift(stretched(later, factor=1.07, semitones=3)[:, : 9 * 44_100]).tempo == 0.0
    assert max(drift.Drift(), higher, faster, key=lambda one: one.size) is faster


def test_a_cancel_stops_between_two_steps_and_the_next_take_is_as_if_nothing_was() -> None:
    before = render()
    calls = 0

    def stop(fraction: float, said: str) -> None:
        nonlocal calls
        calls += said == "Playing"
        if calls:
            raise jobs.Cancelled

    with pytest.raises(jobs.Cancelled):
        MusicGen().render(BRIEF, Material(()), take=1, on_progress=stop)
    assert np.array_equal(render().audio, before.audio)


def test_stereo_models_and_effects_and_the_codec(artist: Artist) -> None:
    wide = render(model="musicgen-stereo-small")
    assert not np.array_equal(wide.audio[0], wide.audio[1])
    effect = AudioGen().render(
        replace(BRIEF, options={}, prompt="rain", duration_seconds=12.0),
        Material(()),
        take=1,
        on_progress=lambda *_: None,
    )
    assert effect.audio.shape == (2, 12 * 44_100) and effect.plan["text"] == "rain"
    assert effect.generator["weights"] == "audiogen-medium"

    kept: dict[tuple[str, str, str], bytes] = {}

    class Shelf(Cache):
        def get(self, track_id: str, digest: str, name: str) -> bytes | None:
            return kept.get((track_id, digest, name))

        def put(self, track_id: str, digest: str, name: str, data: bytes) -> None:
            kept[track_id, digest, name] = data

    track = corpus(artist)[0]
    net = codec.Codec("musicgen-small")
    tokens = net.tokens_of(track, Shelf())
    assert len(kept) == 1 and tokens.shape == (4, pytest.approx(track.analysis.duration * 50, abs=2))
    silent = replace(track, load=lambda: np.zeros((2, 10), np.float32))  # not asked for: it is kept
    assert np.array_equal(net.tokens_of(silent, Shelf()), tokens)
    assert net.decoded(tokens).shape[1] == pytest.approx(track.analysis.duration * 44_100, rel=0.01)


def test_tempo_and_key_are_corrected_within_limits(artist: Artist) -> None:
    track = corpus(artist)[0]
    sound = track.load()
    found = exact.measured(sound, track.analysis.bpm or 140.0)
    assert found.bpm is not None and found.key is not None
    near = exact.correction(found, found.bpm * 1.05, None)
    assert near.possible and near.factor == pytest.approx(1.05, abs=1e-6)
    again = exact.measured(exact.corrected(sound, near), found.bpm * 1.05)
    assert again.bpm == pytest.approx(found.bpm * 1.05, abs=0.3)
    assert not exact.correction(found, found.bpm * 1.12, None).possible
    for heard, asked, shift in (
        ("F minor", "G minor", 2),
        ("F minor", "Ab major", 0),
        ("F minor", "B minor", 6),
    ):
        assert exact.semitones_to(parse_key(heard), parse_key(asked)) == shift


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda file: file.unlink(), "is missing in"),
        (lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]), "cannot be read"),
        (lambda file: file.write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR."), "never run|cannot be read"),
        (
            lambda file: shutil.copy(file.parents[1] / "musicgen-stereo-small" / file.name, file),
            "stereo|fit|belong",
        ),
    ],
    ids=["missing", "truncated", "code", "another model"],
)
def test_weights_that_are_not_right_are_a_sentence_and_nothing_is_published(
    artist: Artist,
    tiny_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Any,
    sentence: str,
) -> None:
    generation = submitted(artist)
    shutil.copytree(tiny_models, tmp_path / "models")
    monkeypatch.setenv("STARFORGE_MODELS", str(tmp_path / "models"))
    spoil(tmp_path / "models" / "musicgen-small" / "state_dict.bin")
    assert pipeline.run(generation.pk) == "failed"
    generation.refresh_from_db()
    assert generation.takes.count() == 0
    assert "manage.py fetch_model musicgen-small" in generation.error
    assert re.search(sentence, generation.error), generation.error


def test_what_is_missing_is_said_on_the_page_and_in_the_api(
    artist: Artist, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client.force_login(artist.user)
    ready = {one["slug"]: one for one in client.get("/api/engines/").json()}
    assert ready["musicgen"]["availability"]["ready"] and ready["musicgen"]["queue"] == "gpu"
    assert [one["name"] for one in ready["musicgen"]["models"] if one["ready"]]
    brief = client.get("/api/brief/", {"engine": "musicgen", "prompt": "dark", "bpm": "131"}).json()["brief"]
    assert "131 BPM" in brief["text"] and brief["model"] == "musicgen-small"
    page = client.get("/generate/", {"engine": "musicgen"}).content.decode()
    assert "not for commercial use" in page and "What the model is told" in page
    wrong = {"engine": "musicgen", "cfg": 99, "model": "huge"}
    answer = client.post("/api/generate/music", json.dumps(wrong), content_type="application/json")
    assert answer.status_code == 400 and "cfg" in answer.content.decode()

    monkeypatch.setenv("STARFORGE_MODELS", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for one in client.get("/api/engines/", {"commercial_use": "false"}).json():
        assert one["commercial_use"] is False
        if one["slug"] == "musicgen":
            assert "fetch_model musicgen-small" in one["availability"]["how"]
            assert "T5 base" in one["availability"]["missing"]
    assert "fetch_model musicgen-small" in client.get("/generate/").content.decode()
    answer = client.post(
        "/api/generate/music", json.dumps({"engine": "musicgen"}), content_type="application/json"
    )
    assert answer.status_code == 409 and "fetch_model" in answer.json()["detail"]


def test_settings_and_lengths_that_mean_nothing_are_refused_before_anything_is_queued(artist: Artist) -> None:
    for wishes, name in (
        ({"duration_seconds": 300.0}, "duration_seconds"),
        ({"model": "huge"}, "model"),
        ({"options": {"candidates": 40}}, "candidates"),
        ({"options": {"references_as": "melody"}, "model": "small"}, "model"),
    ):
        with pytest.raises(BadWishes) as refused:
            submitted(artist, **wishes)
        assert name in refused.value.errors
    assert not Generation.objects.exists()


def test_form_and_api_know_the_settings_that_engines_have() -> None:
    named = {one.name for engine in engines().values() for one in getattr(engine, "options", ())}
    assert named == set(OPTIONS)
    assert named <= set(StudioForm.base_fields) and named <= set(MusicRequest().fields)
    assert named <= set(BriefQuery().fields)


def test_a_model_stays_warm_and_makes_room_and_too_little_memory_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    assert load("musicgen-small") is load("musicgen-small")
    monkeypatch.setenv("STARFORGE_MODEL_MEMORY_MB", "1")
    load("audiogen-medium")
    assert [key[0] for key in warm.kept()] == ["audiogen-medium"]  # type: ignore[index]

    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("audiocraft.models.lm.LMModel.generate", full)
    with pytest.raises(EngineError, match="smaller model"):
        render()
    assert places.place_of("musicgen-small") is not None and warm.kept() == []


def test_demucs_separates_where_its_weights_are(
    artist: Artist, tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_models, tmp_path / "models")
    monkeypatch.setenv("STARFORGE_MODELS", str(tmp_path / "models"))
    file = tmp_path / "models" / "htdemucs" / "955717e8-8726e21a.th"
    mix = np.random.default_rng(1).normal(0, 0.1, (2, 9 * 44_100)).astype(np.float32)
    assert "Demucs on this machine" in parts.taken_apart(mix, lambda: None).how
    make_demucs(file)
    ticks: list[int] = []
    apart = parts.taken_apart(mix, lambda: ticks.append(1))
    assert apart.how.endswith("by Demucs.") and len(ticks) >= 2 and set(apart.stems) >= {"drums", "harmony"}
    assert np.abs(sum(apart.stems.values()) - mix).max() < 1e-6
    tracks = corpus(artist)
    take = render(tracks, model="musicgen-melody", references=(Reference(tracks[0].id),))
    assert take.plan["references_as"] == "melody" and "Demucs" in take.plan["approximate"]["stems"]
    file.write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(EngineError, match="damaged"):
        parts.taken_apart(mix, lambda: None)
