from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from catalog.accounts import create_artist, issue_token


class Command(BaseCommand):
    help = "Makes an artist with a login and prints their API token (shown this once)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="login name; letters, digits and @ . + - _")
        parser.add_argument("--password", required=True)
        parser.add_argument(
            "--artist", default="", help="the artist's name as shown (default: the login name)"
        )
        parser.add_argument("--email", default="")

    def handle(self, *, name: str, password: str, artist: str, email: str, **_: Any) -> None:
        try:
            made = create_artist(username=name, password=password, name=artist, email=email)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(issue_token(made, name="made by create_artist")[1])
