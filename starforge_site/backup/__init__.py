"""A backup: the database as it was in one moment, every file it names, keys and secrets; and the way back.

DEST/manifest.json    written last; says what is here, and what the log was in that moment
     database.*       SQLite's file, or PostgreSQL's custom dump
     files.jsonl      one line for each file of media/: path, bytes, SHA-256
     media/ keys/ secrets/
"""

from __future__ import annotations

FORMAT = 1
MANIFEST, LISTING, MEDIA = "manifest.json", "files.jsonl", "media"
SECRET_FOLDERS = ("keys", "secrets")


class BackupError(Exception):
    """It cannot be done. The message is one sentence for whoever runs the site."""
