"""Mosaic measured: catalogs, takes, and every figure asked of them, without web server or database."""
