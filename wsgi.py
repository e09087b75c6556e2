"""The application a WSGI server serves: `wsgi:app`, its settings from the environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from config import Config, ConfigError, load
from pharmacy.app import create_app

# The status with which a gunicorn worker says that starting it again would not help.
_DO_NOT_RETRY = 3


def _settings() -> Config:
    try:
        return load(os.environ, Path(os.environ.get("TWINBAG_INSTANCE", "instance")))
    except ConfigError as error:
        print(error, file=sys.stderr)
        raise SystemExit(_DO_NOT_RETRY) from None


app = create_app(_settings())
