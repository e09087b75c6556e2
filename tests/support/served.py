"""The application that `RealServer` lets gunicorn serve: the product, at a moment of the test's.

Settings come from the environment, as for `wsgi:app`. Chance is the system's: a server that is
started anew must not draw again what it drew before.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from pharmacy.app import create_app
from pharmacy.crypto.deriving import Argon2Deriver
from pharmacy.crypto.passwords import Argon2Hasher
from pharmacy.services.surroundings import Surroundings, system_random_bytes
from tests.support.cheap_derivation import CheapDeriver, CheapHasher
from tests.support.world import Clock, make_config

_CLOCK = Clock(datetime.fromisoformat(os.environ["TEST_NOW"]))
_SLOW = (
    (Argon2Hasher(), Argon2Deriver())
    if os.environ.get("TEST_REAL_COST")
    else (CheapHasher(), CheapDeriver())
)
app = create_app(
    make_config(
        os.environ["TEST_DATABASE"],
        Path(os.environ["TEST_FOLDER"]),
        **json.loads(os.environ.get("TEST_SETTINGS", "{}")),
    ),
    Surroundings(_CLOCK, system_random_bytes, *_SLOW),
)
