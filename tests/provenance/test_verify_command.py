"""`manage.py verify` answers a script by its exit status: a verdict below 64, anything else above."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from provenance.management.commands import verify
from provenance.models import SigningKey

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[int, str]:
    """Exit status and output, as the shell would see them."""
    out = io.StringIO()
    try:
        call_command("verify", *arguments, stdout=out)
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def test_an_intact_file_exits_with_0_and_says_why(certify, files):
    made = certify({"wav": files["wav"]})
    code, said = run(str(files["wav"]))
    assert code == 0
    assert said.startswith("Intact.")
    assert made.pk in said


def test_an_altered_file_exits_with_1(certify, files):
    certify({"mp3": files["mp3"]})
    data = bytearray(files["mp3"].read_bytes())
    data[-3000] ^= 1
    files["mp3"].write_bytes(data)
    code, said = run(str(files["mp3"]))
    assert code == 1
    assert said.startswith("Altered.")
    assert "NO   audio" in said


def test_a_file_without_credentials_exits_with_2(files):
    assert run(str(files["flac"]))[0] == 2


def test_a_revoked_stamp_exits_with_4(certify, files):
    from django.utils import timezone

    certify({"wav": files["wav"]})
    SigningKey.objects.update(revoked_at=timezone.now())
    # The log key is revoked as well, so the proof no longer counts: only the stamp key's revocation is 4.
    SigningKey.objects.filter(purpose="log").update(revoked_at=None)
    assert run(str(files["wav"]))[0] == 4


def test_json_is_one_object(certify, files):
    made = certify({"flac": files["flac"]})
    code, said = run(str(files["flac"]), "--json")
    body = json.loads(said)
    assert (code, body["valid"], body["certificate_id"]) == (0, True, made.pk)


def test_what_was_not_checked_exits_above_63(tmp_path, files, monkeypatch):
    (tmp_path / "a.txt").write_text("text " * 200)
    assert run(str(tmp_path / "a.txt"))[0] == verify.NOT_AUDIO == 65
    assert run(str(tmp_path / "none.wav"))[0] == verify.MISSING == 66
    assert run()[0] == verify.USAGE == 64

    def broken(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(verify, "verify_file", broken)
    assert run(str(files["wav"]))[0] == verify.CRASH == 70


@pytest.mark.slow
def test_the_shell_sees_64_for_a_wrong_call():
    import subprocess
    import sys
    from pathlib import Path

    manage = Path(verify.__file__).parents[3] / "manage.py"
    done = subprocess.run([sys.executable, str(manage), "verify"], capture_output=True, check=False)
    assert done.returncode == 64
