"""The application a WSGI server serves: `wsgi:app`, its settings from the environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from config import Config, ConfigError, load
from pharmacy.app import create_app, refuse_wrong_secrets, start_postman

# The status with which a gunicorn worker says that starting it again would not help.
_DO_NOT_RETRY = 3


def _settings() -> Config:
    try:
        config = load(os.environ, Path(os.environ.get("TWINBAG_INSTANCE", "instance")))
        if not refuse_wrong_secrets(config):
            # A worker that is started while the database is away serves when it is back.
            print("The database does not answer; the secrets were not compared.", file=sys.stderr)
        return config
    except ConfigError as error:
        print(error, file=sys.stderr)
        raise SystemExit(_DO_NOT_RETRY) from None


_config = _settings()
app = create_app(_config)
start_postman(app, _config)
