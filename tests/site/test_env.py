"""Settings come from the environment; nonsense stops the process with one sentence."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from starforge_site import env
from tests.site import processes


def test_a_flag_reads_the_usual_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for word, value in {"1": True, "yes": True, "On": True, "0": False, "no": False, "": False}.items():
        monkeypatch.setenv("STARFORGE_X", word)
        assert env.flag("STARFORGE_X") is value
    monkeypatch.delenv("STARFORGE_X")
    assert env.flag("STARFORGE_X", True) is True


def test_a_flag_refuses_a_word_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARFORGE_X", "perhaps")
    with pytest.raises(env.BadSetting, match="STARFORGE_X='perhaps'"):
        env.flag("STARFORGE_X")


@pytest.mark.parametrize("value, sentence", [("two", "not a whole number"), ("0", "less than 1")])
def test_a_number_refuses_nonsense(monkeypatch: pytest.MonkeyPatch, value: str, sentence: str) -> None:
    monkeypatch.setenv("STARFORGE_X", value)
    with pytest.raises(env.BadSetting, match=sentence):
        env.integer("STARFORGE_X", 5, least=1)


def test_a_number_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARFORGE_X", " ")
    assert env.integer("STARFORGE_X", 5) == 5


def test_words_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARFORGE_X", "a, b,,c ")
    assert env.words("STARFORGE_X") == ["a", "b", "c"]


def test_a_secret_is_made_once_and_for_its_owner_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("STARFORGE_X", raising=False)
    folder = tmp_path / "secrets"
    first = env.secret("STARFORGE_X", folder)
    assert len(first) >= 64
    assert env.secret("STARFORGE_X", folder) == first
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.stat().st_mode & 0o777 for file in folder.iterdir()] == [0o600]


def test_a_secret_may_be_given_or_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "given").write_text("from a file\n")
    monkeypatch.setenv("STARFORGE_X_FILE", str(tmp_path / "given"))
    assert env.secret("STARFORGE_X", tmp_path / "secrets") == "from a file"
    monkeypatch.setenv("STARFORGE_X", "given")
    assert env.secret("STARFORGE_X", tmp_path / "secrets") == "given"
    assert not (tmp_path / "secrets").exists()


def test_sqlite_is_the_default_and_set_up_for_several_writers(tmp_path: Path) -> None:
    entry = env.database("", tmp_path / "starforge.sqlite3")
    assert entry["NAME"] == str(tmp_path / "starforge.sqlite3")
    assert entry["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in entry["OPTIONS"]["init_command"]


def test_a_url_names_a_postgresql(tmp_path: Path) -> None:
    entry = env.database("postgres://me:p%40ss@db.example:5433/music?sslmode=require", tmp_path / "unused")
    assert (entry["USER"], entry["PASSWORD"]) == ("me", "p@ss")
    assert (entry["HOST"], entry["PORT"], entry["NAME"]) == ("db.example", "5433", "music")
    assert entry["OPTIONS"] == {"sslmode": "require"}


def test_a_url_of_another_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(env.BadSetting, match="mysql"):
        env.database("mysql://localhost/music", tmp_path / "unused")


def test_an_empty_secret_of_a_crash_is_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STARFORGE_X", raising=False)
    (tmp_path / "starforge_x").touch()
    made = env.secret("STARFORGE_X", tmp_path)
    assert len(made) >= 64
    assert env.secret("STARFORGE_X", tmp_path) == made
    assert [file.name for file in tmp_path.iterdir()] == ["starforge_x"]  # and no draft is left


def test_many_who_make_a_secret_at_once_get_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STARFORGE_X", raising=False)
    (tmp_path / "starforge_x").touch()
    with ThreadPoolExecutor(8) as several:
        made = list(several.map(lambda _: env.secret("STARFORGE_X", tmp_path), range(32)))
    assert len(set(made)) == 1 and made[0]


def test_a_choice_is_one_of_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARFORGE_X", "debug")
    assert env.choice("STARFORGE_X", ("DEBUG", "INFO"), "INFO") == "DEBUG"
    monkeypatch.setenv("STARFORGE_X", "LOUD")
    with pytest.raises(env.BadSetting, match="'LOUD' is none of DEBUG, INFO"):
        env.choice("STARFORGE_X", ("DEBUG", "INFO"), "INFO")


@pytest.mark.parametrize("value", ["often", "60", "60/fortnight", "-1/min", "0/min", "many/min"])
def test_a_rate_refuses_nonsense(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("STARFORGE_X", "30/hour")
    assert env.rate("STARFORGE_X", "60/min") == "30/hour"
    monkeypatch.setenv("STARFORGE_X", value)
    with pytest.raises(env.BadSetting, match="is not a rate"):
        env.rate("STARFORGE_X", "60/min")


@pytest.mark.parametrize("url", ["postgres://h:abc/x", "postgres://me:pass@h:99999/x", "postgres://[::1/x"])
def test_a_database_url_that_cannot_be_read_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(env.BadSetting, match="DATABASE_URL cannot be read") as refused:
        env.database(url, tmp_path / "unused")
    assert "pass" not in str(refused.value).partition("; use")[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, value",
    [
        ("STARFORGE_LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "postgres://h:abc/x"),
        ("STARFORGE_RATE_ANON", "often"),
        ("STARFORGE_ENGINES", "no.such"),
    ],
)
def test_nonsense_stops_the_start_with_a_sentence(tmp_path: Path, name: str, value: str) -> None:
    done = processes.manage(tmp_path / "data", "up", "--no-demo", **{name: value})
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert name in said
    assert "Traceback" not in said


def test_an_address_is_http_and_holds_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, read in {
        "": "",
        "http://localhost:3000/": "http://localhost:3000",
        "https://a.b/o8": "https://a.b/o8",
    }.items():
        monkeypatch.setenv("STARFORGE_X_URL", value)
        assert env.address("STARFORGE_X_URL") == read
    for value in (
        "ftp://a.b",
        "localhost:3000",
        "https://",
        "https://a.b/?x=1",
        "http://a:99999",
        "https://me:secret@a.b",
    ):
        monkeypatch.setenv("STARFORGE_X_URL", value)
        with pytest.raises(env.BadSetting) as refused:
            env.address("STARFORGE_X_URL")
        assert "secret" not in str(refused.value)
