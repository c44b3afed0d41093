"""Two artists in a site that is about to be attacked: `python -m tests.security.populate`, printed as JSON.

The first owns one of everything; the second is the one who attacks, with a token and a session of their own.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import django


def main() -> None:
    django.setup()
    from tests.belongings import belongings
    from tests.people import person

    owned = belongings(person("owner", name="Ossa Owner"), Path(tempfile.mkdtemp()))
    attacker = person("attacker")
    sessions = {
        "owner": owned.person.page.cookies["sessionid"].value,
        "attacker": attacker.page.cookies["sessionid"].value,
    }
    tokens = {"owner": owned.person.key, "attacker": attacker.key}
    sys.stdout.write(json.dumps({"values": owned.values, "sessions": sessions, "tokens": tokens}) + "\n")


if __name__ == "__main__":
    main()
