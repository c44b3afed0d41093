#!/usr/bin/env python
"""Starforge's commands: `python manage.py help` lists them."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "starforge_site.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as missing:
        raise SystemExit(
            "Starforge's packages are not installed here. Run `make run` once: it installs them."
        ) from missing
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
