"""`serve`: everything between an empty folder and a page in the browser.

Secrets, schema, the practice study or the set-up link, then gunicorn in the foreground in
this very process, so that the terminal's Ctrl-C and a supervisor's signals reach it.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from pathlib import Path

import click

from config import Config, ConfigError
from pharmacy.cli.db import upgrade_database
from pharmacy.cli.starting import (
    CannotStart,
    installation_environ,
    installation_options,
    read_config,
)

_ADDRESS = "127.0.0.1"
_ROOT = Path(__file__).resolve().parents[2]
# More threads than `services.shares` lets derivations hold, so that some are always free: for
# pages, and for whoever breaks a code.
SERVER = (
    *("-m", "gunicorn", "--chdir", str(_ROOT)),
    *("--worker-class", "gthread", "--workers", "2", "--threads", "18"),
    # The control socket would lie outside the instance folder and answer any local process.
    "--no-control-socket",
    *("--log-level", "warning"),
)


@click.command()
@installation_options
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port on 127.0.0.1; 8000 unless set otherwise."
)
def serve(instance: Path, demo: bool, port: int | None) -> None:
    """Set up what is missing and serve the pages on this machine, until Ctrl-C.

    What is there already is kept: secrets, data and the practice study.
    """
    os.umask(0o077)
    environ = installation_environ(instance, demo, port)
    config = read_config(environ)
    _refuse_busy_port(config.port)
    upgrade_database(config)
    for line in _welcome(config):
        click.echo(line)
    _refuse_busy_port(config.port)
    sys.stdout.flush()
    bind = f"{_ADDRESS}:{config.port}"
    # What serves pages needs no right to change the schema.
    environ.pop("TWINBAG_OWNER_DATABASE_URL", None)
    os.execve(sys.executable, [sys.executable, *SERVER, "--bind", bind, "wsgi:app"], environ)


def _refuse_busy_port(port: int) -> None:
    """Ask for the port as the server will, so that the answer is a sentence."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_ADDRESS, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotStart(
                    f"Port {port} is in use by another program; "
                    f"stop that one, or choose another port, such as PORT={_next_port(port)}."
                ) from error
            raise CannotStart(
                f"Port {port} cannot be opened ({os.strerror(error.errno or 0)}); "
                "choose one from 1024 on."
            ) from error


def _next_port(port: int) -> int:
    return port + 1 if port < 65535 else 8000


def _welcome(config: Config) -> list[str]:
    """The lines that tell the person at the terminal where to go and how to get in."""
    # Read here: the other commands need neither the web nor the practice study.
    from pharmacy.app import create_app, refuse_wrong_secrets, set_up_path

    app = create_app(config)
    lines = [f"Twinbag serves {config.public_url} (stop with Ctrl-C)."]
    if config.demo:
        from pharmacy.demo import seed

        lines += seed(app)
    try:
        refuse_wrong_secrets(config)
    except ConfigError as wrong:
        raise CannotStart(str(wrong)) from None
    if config.demo:
        return lines
    path = set_up_path(app)
    if path is not None:
        lines.append("Nobody has an account yet. This link makes the first administrator, once:")
        lines.append(f"  {config.public_url}{path}")
    return lines
