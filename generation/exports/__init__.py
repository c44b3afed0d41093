"""A take as other programs open it: stems, MIDI, DAWproject, Reaper.

Pure functions from a `Project` to files. They know no database and no HTTP, invent nothing the take does not hold, and
write the same bytes for the same take.
"""
