"""`manage.py up`: everything that is needed, then the site and its workers as one group."""

from __future__ import annotations

import errno
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from catalog.rescoring import outdated
from provenance import keys
from starforge_site import checks
from starforge_site.launcher import Launcher, Service, die_with_parent
from starforge_site.management.commands import work

ANSWER_WITHIN_SECONDS = 60.0
DEMO_LOGIN = "demo"
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  compared, not bound


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`. A name is looked up; every address must be loopback."""
    try:
        addresses = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(str(address).split("%")[0]).is_loopback for address in addresses)


def refuse_taken_port(host: str, port: int) -> None:
    """Raise CommandError with one clear sentence when `host:port` cannot be bound."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise CommandError(f"{host} is not an address of this machine: {error.strerror}.") from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandError(
                    f"Port {port} on {host} is already in use. Stop what runs there, or choose another port: "
                    f"make run PORT={port + 1}"
                ) from error
            raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error


def shown(host: str, port: int) -> str:
    """The address to open in a browser."""
    if host in EVERYWHERE:
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def names_of(host: str) -> list[str]:
    """What a browser elsewhere may call this machine when we listen on `host`."""
    if host not in EVERYWHERE:
        return [f"[{host}]" if ":" in host else host]
    name = socket.gethostname()
    try:
        addresses = [str(entry[4][0]) for entry in socket.getaddrinfo(name, None, socket.AF_INET)]
    except OSError:
        addresses = []
    return sorted({name, socket.getfqdn(), *addresses})


def is_published() -> bool:
    """Whether the settings say that others reach the site, a proxy on this machine for instance."""
    return bool(settings.STARFORGE_PUBLIC_URL or checks.open_to_network())


class Command(BaseCommand):
    help = "Prepares everything, then runs the site and its workers until Ctrl-C."
    requires_system_checks = ["starforge"]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
        )
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-demo", action="store_true", help="make no demo artists on the first run")

    def handle(self, *, host: str, port: int, no_demo: bool, **_: Any) -> None:
        refuse_taken_port(host, port)
        try:
            self.prepare()
            login = self.demo(wanted=not no_demo, open_to_others=not is_loopback(host) or is_published())
        except KeyboardInterrupt:
            self.say("\nStopped before the start. The next run goes on from here.")
            raise SystemExit(130) from None
        connections.close_all()

        def started(launcher: Launcher) -> None:
            self.wait_for_answer(launcher, host, port)
            if launcher.stopping:
                return
            self.say(f"\nStarforge is at {shown(host, port)}")
            if login:
                self.say(login)
            self.say("Ctrl-C stops everything.\n")

        Launcher([self.web(host, port), *self.workers()]).run(started=started)
        self.say("Stopped.")

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    # --- before the start ---------------------------------------------------------------------------

    def prepare(self) -> None:
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        call_command("migrate", verbosity=0, interactive=False)
        keys.ensure()
        if outdated():  # after an upgrade that brought another background; in its own process, as the demo is
            connections.close_all()
            subprocess.call([sys.executable, str(settings.BASE_DIR / "manage.py"), "rescore"])

    def demo(self, *, wanted: bool, open_to_others: bool) -> str:
        """Make the demo artists where they are missing; returns what to tell about their login.

        Its password is known to everyone, so it works only while nobody else can reach the site.
        """
        people = get_user_model().objects.filter(artist__is_demo=True)
        if open_to_others:
            if people.filter(is_active=True).update(is_active=False):
                self.say("Other machines can reach this site, so the demo login is closed.")
            return "Sign up on the page, or: manage.py create_artist NAME --password …"
        people.filter(is_active=False).update(is_active=True)
        made = settings.STARFORGE_DATA / "demo-made"  # only on the first run: what is deleted stays deleted
        if wanted and not made.exists():
            self.make_demo()
            made.touch()
        demo = people.filter(username=DEMO_LOGIN).first()
        if demo is None or not demo.check_password(DEMO_LOGIN):
            return ""
        return f"Log in as {DEMO_LOGIN}, password {DEMO_LOGIN}"

    def make_demo(self) -> None:
        connections.close_all()
        parent = os.getpid()
        # In its own process: the synthesiser's libraries and threads stay out of the launcher.
        failed = subprocess.call(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo"],
            preexec_fn=lambda: die_with_parent(signal.SIGTERM, parent),
        )
        if failed:
            raise CommandError("The demo artists could not be made (see above). To start without: --no-demo")

    # --- the group ----------------------------------------------------------------------------------

    def web(self, host: str, port: int) -> Service:
        environment = {
            "STARFORGE_DATA": str(settings.STARFORGE_DATA),
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(settings.BASE_DIR), os.environ.get("PYTHONPATH")])
            ),
        }
        if "STARFORGE_HOSTS" not in os.environ and host not in settings.ALLOWED_HOSTS:
            environment["STARFORGE_HOSTS"] = ",".join([*settings.ALLOWED_HOSTS, *names_of(host)])
        return Service(
            name="web",
            command=[
                sys.executable, "-m", "daphne", "--verbosity", "0", "--no-server-name",
                "--bind", host, "--port", str(port), "starforge_site.asgi:application",
            ],
            environment=environment,
            orphan_signal=signal.SIGKILL,
        )  # fmt: skip

    def workers(self) -> list[Service]:
        # One worker to a cluster: a job that takes its cluster down takes no other job along.
        gpu = settings.STARFORGE_GPU_WORKERS
        also = "gpu" if gpu is None else ""
        return [
            *(work.service("cpu", number + 1, also) for number in range(settings.STARFORGE_WORKERS)),
            *(work.service("gpu", number + 1) for number in range(gpu or 0)),
            work.service("train"),
        ]

    def wait_for_answer(self, launcher: Launcher, host: str, port: int) -> None:
        url = f"{shown(host, port)}healthz"
        deadline = time.monotonic() + ANSWER_WITHIN_SECONDS
        while not launcher.stopping:
            launcher.look()
            try:
                with urllib.request.urlopen(url, timeout=2):  # noqa: S310  our own http address
                    return
            except urllib.error.HTTPError as error:
                if error.code >= 500:
                    raise CommandError("The site starts, but answers with an error (see above).") from None
                return  # it answers; which host names it accepts is another matter
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise CommandError(
                    f"The site did not answer at {url} within {ANSWER_WITHIN_SECONDS:.0f} s (see above)."
                )
            time.sleep(0.1)
