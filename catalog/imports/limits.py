"""How much of a file somebody else wrote is taken in. A collection of 20,000 tracks is about 20 MB."""

from __future__ import annotations

MAX_BYTES = 64 * 2**20
MAX_TRACKS = 100_000
MAX_DEPTH = 64  # folders in folders of playlists
MAX_NAMES = 1_000  # different names of elements and attributes; Rekordbox uses about 60
MAX_SILENCE = 2**20  # bytes of XML without a single tag, or of text without a line end
MAX_PLAYLISTS = 10_000
MAX_MEMBERS = 500_000  # places in all playlists together
MAX_GRID = 2_000  # tempo changes of one track
MAX_CUES = 200
CHUNK = 64 * 2**10

NAME = 500
COMMENT = 2_000
LOCATION = 2_000
