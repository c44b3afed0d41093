"""The catalog over HTTP: tokens, tracks, DNA, match. Thin: every route calls a verb of `catalog`."""
