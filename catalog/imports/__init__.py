"""Collections of DJ programs and plain lists, read as a stream of `Entry`. Pure: files in, values out.

Nothing here opens a path that a collection names, follows a link in it, or expands an entity.
"""

from catalog.imports.entry import Cue, Entry, GridPoint, ListedPlaylist, Note
from catalog.imports.errors import ImportRefused
from catalog.imports.matching import Known, Wanted, fold, narrowed
from catalog.imports.reading import Survey, read, survey
from catalog.imports.sniffing import Kind, kind_of

__all__ = [
    "Cue",
    "Entry",
    "GridPoint",
    "ImportRefused",
    "Kind",
    "Known",
    "ListedPlaylist",
    "Note",
    "Survey",
    "Wanted",
    "fold",
    "kind_of",
    "narrowed",
    "read",
    "survey",
]
