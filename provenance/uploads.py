"""An uploaded file as a path on disk for exactly as long as it is looked at."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile

from catalog.turns import Turns

# Stamping and checking decode whole recordings: some hundred MB and a core each, also for people without account.
AT_WORK = Turns(2, patience=20.0)


@contextlib.contextmanager
def on_disk(upload: UploadedFile) -> Iterator[Path]:
    """The path of the upload's bytes, removed afterwards whatever happened.

    A large upload lies in a temporary file of Django's already; a small one is written to one of ours. The
    name its sender gave it is never used.
    """
    if isinstance(upload, TemporaryUploadedFile):
        try:
            yield Path(upload.temporary_file_path())
        finally:
            with contextlib.suppress(FileNotFoundError):
                upload.close()
        return
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="check-") as held:
        for chunk in upload.chunks():
            held.write(chunk)
        held.flush()
        yield Path(held.name)


@contextlib.contextmanager
def copy_of(path: Path) -> Iterator[Path]:
    """A copy in a folder of its own, for whoever has to change the file; removed afterwards."""
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="mark-") as folder:
        yield Path(shutil.copyfile(path, Path(folder) / "recording"))


def too_large(upload: UploadedFile) -> bool:
    return (upload.size or 0) > settings.STARFORGE_UPLOAD_BYTES
