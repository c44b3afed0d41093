"""System checks: each says what is wrong and what to do about it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from django.core.checks import run_checks

from starforge_site import checks  # noqa: F401  registers them


def found() -> dict[str, str]:
    """{id: hint} of everything the product's own checks say."""
    return {str(message.id): str(message.hint) for message in run_checks(tags=["starforge"])}


@pytest.fixture(autouse=True)
def sound(settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Start from an installation about which there is nothing to say."""
    settings.STARFORGE_DATA = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SECRET_KEY = "x7" * 32
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    settings.STARFORGE_PUBLIC_URL = ""
    settings.DEBUG = False


def test_a_fresh_installation_has_nothing_to_say() -> None:
    assert found() == {}


def test_a_data_folder_that_cannot_be_written_is_an_error(settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    settings.STARFORGE_DATA = blocked / "below"
    assert list(found()) == ["starforge.E001"]
    assert "STARFORGE_DATA" in found()["starforge.E001"]


@pytest.mark.parametrize("key", ["short", "django-insecure-" + "x" * 50])
def test_a_weak_secret_key_is_an_error(settings, key: str) -> None:  # type: ignore[no-untyped-def]
    settings.SECRET_KEY = key
    assert "STARFORGE_SECRET_KEY" in found()["starforge.E002"]


def test_secrets_that_others_may_read_are_a_warning(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "key").write_text("secret")
    (secrets / "key").chmod(0o644)
    assert found()["starforge.W003"] == f"chmod go= {secrets / 'key'}"
    (secrets / "key").chmod(0o600)
    assert found() == {}


def test_debug_is_an_error_only_when_others_can_reach_the_site(settings) -> None:  # type: ignore[no-untyped-def]
    settings.DEBUG = True
    assert "starforge.E003" not in found()
    settings.ALLOWED_HOSTS = ["localhost", "music.example.org"]
    assert "STARFORGE_HOSTS" in found()["starforge.E003"]


def test_a_site_for_others_without_https_is_a_warning(settings) -> None:  # type: ignore[no-untyped-def]
    settings.ALLOWED_HOSTS = ["music.example.org"]
    assert list(found()) == ["starforge.W002"]
    settings.STARFORGE_PUBLIC_URL = "https://music.example.org"
    assert found() == {}


def test_a_missing_audiocraft_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "audiocraft" else there(name, *rest)
    )
    assert "requirements-audiocraft.txt" in found()["starforge.W001"]


def test_a_blockchain_without_an_account_is_a_warning(settings) -> None:  # type: ignore[no-untyped-def]
    settings.STARFORGE_EVM_URL = "http://127.0.0.1:8545"
    assert "STARFORGE_EVM_KEY_FILE" in found()["starforge.W004"]
    settings.STARFORGE_EVM_KEY = "0x" + "5" * 64
    assert found() == {}


def test_a_queue_that_would_hand_out_running_tasks_again_is_an_error(settings) -> None:  # type: ignore[no-untyped-def]
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "timeout": 100, "retry": 100}
    assert "starforge.E004" in found()


@pytest.mark.parametrize(
    "paths", [["no.such"], ["generation.engines.mosaic.engine.Nothing"], ["nothing"], []]
)
def test_an_engine_that_cannot_be_loaded_is_an_error(settings, paths: list[str]) -> None:  # type: ignore[no-untyped-def]
    settings.STARFORGE_ENGINES = paths
    assert "STARFORGE_ENGINES" in found()["starforge.E005"]
