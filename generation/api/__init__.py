"""Generations over HTTP: briefs, requests, takes. Thin: every route calls a verb of `generation`."""
