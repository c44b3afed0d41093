"""Collections as files: what is read from them, and what is refused."""

from __future__ import annotations

import codecs
import resource
import time
from datetime import date
from pathlib import Path

import pytest

from bench import collection as large
from catalog.imports import (
    Cue,
    Entry,
    GridPoint,
    ImportRefused,
    Kind,
    ListedPlaylist,
    Note,
    kind_of,
    read,
    survey,
)
from tests.collections import HEAD, collection, folder, playlist, track, written

Found = list[Entry | ListedPlaylist | Note]


def found(path: Path, filename: str = "") -> Found:
    kind = kind_of(path, filename or path.name)
    return list(read(path, survey(path, kind), name=path.stem))


def entries(path: Path) -> list[Entry]:
    return [one for one in found(path) if isinstance(one, Entry)]


def notes(path: Path) -> list[Note]:
    return [one for one in found(path) if isinstance(one, Note)]


# --- Rekordbox XML ---


def test_every_field_of_a_rekordbox_track_is_read(tmp_path: Path) -> None:
    inside = (
        '<TEMPO Inizio="0.025" Bpm="174.00" Metro="4/4" Battito="1"/>'
        '<TEMPO Inizio="88.310" Bpm="87.00" Metro="4/4" Battito="3"/>'
        '<POSITION_MARK Name="Drop" Type="0" Start="44.137" Num="1" Red="40" Green="226" Blue="20"/>'
        '<POSITION_MARK Name="" Type="4" Start="60.0" End="65.5" Num="-1"/>'
    )
    text = collection(
        track(
            7,
            inside=inside,
            Name="Passout Blood",
            Artist="Ossa & Co",
            Album="First Light",
            Label="Own",
            Remixer="Cleo",
            Year=2019,
            AverageBpm="174.00",
            Colour="0xFF007F",
            Comments="dubplate",
            LastPlayed="2024-12-24",
            Location="file://localhost/C:/Users/dj/M%C3%BCsic/100%25%20#1.mp3",
        )
    )
    [entry] = entries(written(tmp_path / "c.xml", text))
    assert entry.to_json() == {
        "id": "7",
        "title": "Passout Blood",
        "artist": "Ossa & Co",
        "album": "First Light",
        "genre": "Dubstep",
        "label": "Own",
        "remixer": "Cleo",
        "comment": "dubplate",
        "colour": "#FF007F",
        "location": "C:/Users/dj/Müsic/100% #1.mp3",
        "year": 2019,
        "bpm": 174.0,
        "duration": 187.0,
        "rating": 4,
        "plays": 3,
        "size": 1_000_007,
        "bitrate": 320,
        "added_on": "2021-03-04",
        "last_played_on": "2024-12-24",
        "key": "Ab minor",
        "grid": [[0.025, 174.0, "4/4", 1], [88.31, 87.0, "4/4", 3]],
        "cues": [
            ["cue", 44.137, None, 1, "Drop", "#28E214"],
            ["loop", 60.0, 65.5, -1, "", ""],
        ],
    }
    assert entry.grid[0] == GridPoint(0.025, 174.0)
    assert entry.cues[0] == Cue("cue", 44.137, None, 1, "Drop", "#28E214")
    assert entry.filename == "100% #1.mp3"
    assert Entry.from_json(entry.to_json()) == entry


def test_paths_keep_their_beginning_on_every_system(tmp_path: Path) -> None:
    """The known library loses the first slash of paths on macOS and Linux."""
    locations = {
        "file://localhost/Users/dj/a.mp3": "/Users/dj/a.mp3",
        "file:///home/dj/a.mp3": "/home/dj/a.mp3",
        "file://localhost/D:/Music/a.mp3": "D:/Music/a.mp3",
        "C:\\Music\\a.mp3": "C:/Music/a.mp3",
        "file://nas/share/a.mp3": "//nas/share/a.mp3",
        "soundcloud:tracks:12345": "soundcloud:tracks:12345",
        "file://[broken/a.mp3": "//[broken/a.mp3",
    }
    text = collection(*(track(n, Location=one) for n, one in enumerate(locations)))
    assert [one.location for one in entries(written(tmp_path / "c.xml", text))] == list(locations.values())


def test_failure_13_tracks_without_tempo_or_key_come_in(tmp_path: Path) -> None:
    """12 tracks of the real library have BPM 0 and 8 no key."""
    text = collection(track(1, AverageBpm="0.00", Tonality=""), track(2, AverageBpm=None, Tonality=None))
    path = written(tmp_path / "c.xml", text)
    assert [(one.bpm, one.key) for one in entries(path)] == [(None, None)] * 2
    assert notes(path) == []


BAD = [
    ("AverageBpm", "fast", "BPM “fast” is not a number"),
    ("AverageBpm", "nan", "BPM “nan” is not a number"),
    ("AverageBpm", "9999", "is not a tempo"),
    ("Tonality", "Q#", "Key “Q#” is not a key"),
    ("TotalTime", "-3", "is not a length"),
    ("Year", "2O19", "is not a number"),
    ("Rating", "many", "is not a number"),
    ("PlayCount", "-1", "is out of range"),
    ("DateAdded", "yesterday", "is not a day"),
    ("DateAdded", "2021-02-31", "is not a day"),
    ("Size", "1e400", "is not a number"),
]


@pytest.mark.parametrize(("field", "value", "reason"), BAD)
def test_a_bad_field_is_left_out_and_said_and_the_track_comes_in(
    tmp_path: Path, field: str, value: str, reason: str
) -> None:
    path = written(tmp_path / "c.xml", collection(track(1, **{field: value}), track(2)))
    assert [one.title for one in entries(path)] == ["Tune 1", "Tune 2"]
    [note] = notes(path)
    assert (note.kind, note.name) == ("warning", "Tune 1")
    assert reason in note.reason


def test_a_colour_of_thousands_of_digits_is_no_colour(tmp_path: Path) -> None:
    mark = f'<POSITION_MARK Start="4.0" Red="{"1" * 5000}" Green="{"0" * 5000}" Blue="1"/>'
    [entry] = entries(written(tmp_path / "c.xml", collection(track(1, inside=mark))))
    assert [(cue.start, cue.colour) for cue in entry.cues] == [(4.0, "")]


def test_tempos_and_lengths_of_three_decimals_are_no_thousands(tmp_path: Path) -> None:
    values = {"AverageBpm": "128,000", "TotalTime": "215,250", "Size": "1,234,567"}
    path = written(tmp_path / "c.xml", collection(track(1, **values), track(2, PlayCount="1_0")))
    first, second = entries(path)
    assert (first.bpm, first.duration, first.size, second.plays) == (128.0, 215.25, 1_234_567, None)
    assert [note.name for note in notes(path)] == ["Tune 2"]


def test_ids_that_are_no_numbers_missing_or_doubled(tmp_path: Path) -> None:
    text = collection(
        track(1, TrackID="abc"), track(2, TrackID=None), track(3, TrackID="x" * 300), track(4, TrackID="abc")
    )
    path = written(tmp_path / "c.xml", text)
    ids = [one.id for one in entries(path)]
    assert ids[0] == ids[3] == "abc"
    assert len(set(ids)) == 3 and all(len(one) <= 64 for one in ids)
    assert ids == [one.id for one in entries(path)]
    assert "stands in the file twice" in notes(path)[0].reason


def test_a_row_without_name_and_file_is_rejected_with_its_place(tmp_path: Path) -> None:
    path = written(tmp_path / "c.xml", collection(track(1), track(2, Name="", Location=None)))
    assert len(entries(path)) == 1
    assert notes(path) == [Note("rejected", "Track 2", "It has neither a name nor a file.")]


def test_text_is_cut_and_cleaned_for_any_database(tmp_path: Path) -> None:
    [entry] = entries(
        written(tmp_path / "c.xml", collection(track(1, Name="a\u0301" + "x" * 900 + "\u0085")))
    )
    assert len(entry.title) == 500
    assert entry.title.startswith("áx")


def test_utf_16_is_read(tmp_path: Path) -> None:
    text = collection(track(1, Name="Größe"), head='<?xml version="1.0" encoding="UTF-16"?>\n')
    assert entries(written(tmp_path / "c.xml", text, "utf-16"))[0].title == "Größe"


def test_playlists_by_id_and_by_location_with_their_folders(tmp_path: Path) -> None:
    lists = folder(
        "Sets",
        folder("2024", playlist("Night", 2, 1, 2)),
        playlist("By file", "file://localhost/Users/dj/Music/tune%201.mp3", key_type=1),
    ) + playlist("Loose", 1)
    path = written(tmp_path / "c.xml", collection(track(1), track(2), playlists=lists))
    listed = [one for one in found(path) if isinstance(one, ListedPlaylist)]
    assert listed == [
        ListedPlaylist("Night", "Sets / 2024", ("2", "1", "2")),
        ListedPlaylist("By file", "Sets", ("/Users/dj/Music/tune 1.mp3",), by_location=True),
        ListedPlaylist("Loose", "", ("1",)),
    ]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol" * 10}">' for n in range(9))
HOSTILE: list[tuple[str, str | bytes, str]] = [
    (
        "external entity",
        f'{HEAD}<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><DJ_PLAYLISTS>&e;</DJ_PLAYLISTS>',
        "forbidden",
    ),
    (
        "external document type",
        f'{HEAD}<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><DJ_PLAYLISTS/>',
        "forbidden",
    ),
    ("billion laughs", f"{HEAD}<!DOCTYPE x [{LAUGHS}]><DJ_PLAYLISTS>&l8;</DJ_PLAYLISTS>", "forbidden"),
    (
        "quadratic blowup",
        f'{HEAD}<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]><DJ_PLAYLISTS>{"&a;" * 5_000}</DJ_PLAYLISTS>',
        "forbidden",
    ),
    ("deep nesting", f"<DJ_PLAYLISTS><PLAYLISTS>{'<NODE>' * 200_000}", "too_deep"),
    ("truncated", collection(*map(track, range(99)))[:9_000], "truncated"),
    ("cut in the root", "<DJ_PLAYLISTS>", "truncated"),
    ("not well-formed", collection(track(1)).replace("</COLLECTION>", "</COLLECTOIN>"), "damaged"),
    ("other XML", "<NML VERSION='19'><COLLECTION/></NML>", "not_rekordbox"),
    ("a web page", "<html><body>Log in</body></html>", "not_rekordbox"),
    ("no tracks", collection(), "empty"),
    ("an unknown encoding", '<?xml version="1.0" encoding="klingon"?><DJ_PLAYLISTS/>', "damaged"),
    (
        "a name of 3 MB",
        f"<DJ_PLAYLISTS><COLLECTION><TRACK Name='{'x' * 3_000_000}'/></COLLECTION></DJ_PLAYLISTS>",
        "too_large",
    ),
    (
        "a million attributes",
        "<DJ_PLAYLISTS {}/>".format(" ".join(f"a{n}=''" for n in range(400_000))),
        "too_large",
    ),
    (
        "ever new names",
        f"<DJ_PLAYLISTS>{''.join(f'<a{n}/>' for n in range(5_000))}</DJ_PLAYLISTS>",
        "not_rekordbox",
    ),
    ("a database", b"SQLite format 3\x00" + bytes(100), "database"),
    ("an MP3", b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" * 100, "unsupported"),
    ("nothing", b"", "empty"),
    ("blanks", b" \n \n", "empty"),
    ("words", "Dear sir or madam,\nplease find enclosed\n" * 20, "no_header"),
    ("a table with an open quotation mark", 'Title,Artist\n"Never' + "x,\n" * 90_000, "damaged"),
    ("a line of 3 MB", "Title,Artist\n" + "x" * 3_000_000, "damaged"),
    ("a header alone", "Title,Artist\n", "empty"),
    ("a playlist of nothing", "#EXTM3U\n#EXTINF:1,a\n", "empty"),
]


@pytest.mark.parametrize(("text", "code"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_hostile_or_broken_file_is_refused_with_a_sentence(
    tmp_path: Path, text: str | bytes, code: str
) -> None:
    began = time.process_time()
    with pytest.raises(ImportRefused) as refused:
        found(written(tmp_path / "file", text))
    assert refused.value.code == code
    assert refused.value.reason.endswith(".")
    assert time.process_time() - began < 3


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "c.xml"
    with path.open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    with pytest.raises(ImportRefused, match="larger than 64 MB"):
        kind_of(path)


def test_a_location_is_never_opened(tmp_path: Path) -> None:
    """A path in a collection is text. Here it would block for ever if anything opened it."""
    import os

    pipe = tmp_path / "pipe.mp3"
    os.mkfifo(pipe)
    text = collection(
        track(1, Location=f"file://localhost{pipe}"), track(2, Location="file://x/../../etc/passwd")
    )
    assert [one.location for one in entries(written(tmp_path / "c.xml", text))] == [
        str(pipe),
        "//x/../../etc/passwd",
    ]


def test_five_thousand_tracks_are_read_in_little_memory(tmp_path: Path) -> None:
    path = large.write(tmp_path / "c.xml", 5_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen = survey(path, "rekordbox")
    count = sum(isinstance(one, Entry) for one in read(path, seen))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (seen.tracks, count) == (5_000, 5_000)
    assert grown < 40_000  # kB; the file alone has 4,000


# --- tables and lists ---

REKORDBOX_LIST = (
    "#\tArtwork\tTrack Title\tArtist\tAlbum\tGenre\tBPM\tRating\tTime\tKey\tDate Added\tDJ Play Count\n"
    "1\t\tPassout Blood\tOssa\t\tDnB\t174,00\t*****\t03:25\t1A\t2021-03-04\t12\n"
)


def test_a_list_as_rekordbox_exports_it_is_read(tmp_path: Path) -> None:
    [entry] = entries(written(tmp_path / "list.txt", REKORDBOX_LIST, "utf-16"))
    assert (entry.title, entry.bpm, entry.rating, entry.duration) == ("Passout Blood", 174.0, 5, 205.0)
    assert (entry.key and entry.key.name, entry.added_on, entry.plays) == ("Ab minor", date(2021, 3, 4), 12)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("sep=;\nTitel;Interpret;BPM;Tonart;Länge\nGröße;Ossa;140,5;Fm;3:25\n", "utf-8-sig"),
        ('"name","artist","bpm","key","length"\n\n"Größe","Ossa","140.5","4A","3:25"\n', "cp1252"),
        ("Location,Title,Artist,Tempo,Initial Key,Duration\n/m/a.mp3,Größe,Ossa,140.5,9m,205\n", "utf-8"),
        (
            "Track Name\tFile Path\tBPM\tKey Result\tSeconds\tArtists\n"
            "Größe\tC:\\m\\a.mp3\t140.5\tF min\t205\tOssa\n",
            "utf-16-le",
        ),
    ],
)
def test_tables_in_other_spellings_are_read(tmp_path: Path, text: str, encoding: str) -> None:
    [entry] = entries(written(tmp_path / "t.csv", text, encoding))
    assert (entry.title, entry.artist, entry.bpm, entry.duration) == ("Größe", "Ossa", 140.5, 205.0)
    assert entry.key is not None and entry.key.name == "F minor"


@pytest.mark.parametrize(
    ("column", "stars"),
    [
        (["0", "3", "5"], [0, 3, 5]),
        (["0", "60", "100"], [0, 3, 5]),
        (["51", "255"], [1, 5]),
        (["★★☆☆☆"], [2]),
    ],
)
def test_ratings_are_read_in_the_scale_of_their_column(
    tmp_path: Path, column: list[str], stars: list[int]
) -> None:
    rows = "".join(f"Tune {number},{one}\n" for number, one in enumerate(column))
    assert [one.rating for one in entries(written(tmp_path / "t.csv", f"Title,Rating\n{rows}"))] == stars


def test_a_day_that_could_be_two_days_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "Title,Date Added\nA,03/04/2021\nB,25/04/2021\nC,04.03.2021\n")
    assert [one.added_on for one in entries(path)] == [None, date(2021, 4, 25), date(2021, 3, 4)]
    assert "two different days" in notes(path)[0].reason


def test_a_playlist_file_gives_tracks_and_a_playlist(tmp_path: Path) -> None:
    text = (
        "#EXTM3U\n#EXTINF:205,Ossa - Passout Blood\n/Users/dj/a.mp3\n"
        "C:\\Music\\Größe.mp3\n#EXTINF:-1,Stream\nhttp://example.org/s\n/Users/dj/a.mp3\n"
    )
    everything = found(written(tmp_path / "Night.m3u8", text))
    first, second, stream, again = (one for one in everything if isinstance(one, Entry))
    assert (first.title, first.artist, first.duration) == ("Passout Blood", "Ossa", 205.0)
    assert (second.title, second.location) == ("Größe", "C:/Music/Größe.mp3")
    assert (stream.title, stream.duration, stream.location) == ("Stream", None, "http://example.org/s")
    assert again.id == first.id
    assert everything[-1] == ListedPlaylist("Night", "", (first.id, second.id, stream.id, first.id))


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"<DJ_PLAYLISTS/>", "renamed.txt", "rekordbox"),
        (codecs.BOM_UTF16_LE + "<?xml ?>".encode("utf-16-le"), "", "rekordbox"),
        (b"#EXTM3U\n/a.mp3", "list.txt", "m3u"),
        (b"/a.mp3\n", "list.m3u", "m3u"),
        (b"Title;Artist\n", "", "csv"),
    ],
)
def test_a_kind_is_told_by_content(tmp_path: Path, content: bytes, name: str, kind: Kind) -> None:
    assert kind_of(written(tmp_path / "file", content), name) == kind


# --- keys ---


def test_failure_08_every_spelling_of_a_key_becomes_one_label(tmp_path: Path) -> None:
    """Rekordbox said "Abm", the analyser "G# minor", and no label was common to both."""
    spellings = {
        "Ab minor": ["Abm", "G# minor", "1A", "01A", "6m", "g#m", "A♭m", "AB MINOR", "gis-moll"],
        "F minor": ["4A", "04A", "9m", "Fm", "fmin", "F Minor"],
        "F# minor": ["Gbm", "F#m", "F♯ minor", "11A"],
        "B major": ["B maj", "1B", "6d", "Cb"],
        "A minor": ["8A", "1m", "a minor", "Amin"],
        "Eb minor": ["E♭m", "D#m", "Ebm", "2A"],
        "Db major": ["8d", "C#", "3B"],
    }
    numbered = [(name, text) for name, texts in spellings.items() for text in texts]
    text = collection(*(track(n, Tonality=said) for n, (_, said) in enumerate(numbered)))
    read_as = [one.key.name if one.key else None for one in entries(written(tmp_path / "c.xml", text))]
    assert read_as == [name for name, _ in numbered]
