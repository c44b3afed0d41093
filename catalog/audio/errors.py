"""The one error that audio input and output raise for a file that cannot be used."""

from __future__ import annotations


class AudioError(Exception):
    """A sound file was refused or could not be processed.

    `code` is a stable word for programs: unsupported, empty, too_big, too_short, too_long,
    too_many_channels, sample_rate, truncated, damaged, silent, too_expensive, video, no_space.
    `reason` is one calm sentence for the artist, which says what to do where something can be done.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[type[AudioError], tuple[str, str]]:
        return (type(self), (self.code, self.reason))
