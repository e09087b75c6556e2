"""Wall 1: no room looks into a room, or knows a library, that the table does not give it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.import_rules import ROOMS
from tests.architecture.imports import import_faults
from tests.architecture.source import ROOT, planted, product

_HOUSE = {
    "config.py": "import os\n",
    "pharmacy/__init__.py": "",
    "pharmacy/domain/errors.py": "class Refusal(Exception): ...\n",
    "pharmacy/persistence/people.py": "import sqlalchemy as sa\nclass Person: ...\n",
    "pharmacy/services/people.py": "from pharmacy.persistence.people import Person\n",
    "pharmacy/unblinded/arm.py": "class Arm: ...\n",
    "pharmacy/unblinded/tables.py": "class Slot: ...\n",
}

# where, what, and a part of the sentence that must name it
PLANTS = [
    ("labels/pdf.py", "import config", "labels may not import config"),
    ("labels/pdf.py", "from pharmacy.domain import errors", "labels may not import"),
    ("labels/pdf.py", "import sqlalchemy", "labels may not know the library sqlalchemy"),
    ("config.py", "import flask", "config may not know the library flask"),
    ("wsgi.py", "from pharmacy.services import people", "wsgi may not import"),
    ("pharmacy/domain/a.py", "from pharmacy.persistence import people", "may not import"),
    ("pharmacy/domain/a.py", "import os", "may not know os"),
    ("pharmacy/domain/a.py", "import random", "random is known nowhere"),
    ("pharmacy/domain/a.py", "import flask", "may not know the library flask"),
    ("pharmacy/domain/a.py", "from pathlib import Path", "may not know pathlib"),
    ("pharmacy/domain/a.py", "open('list.csv')", "may not call open()"),
    ("pharmacy/domain/a.py", "import datetime as d\nd.datetime.now()", "may not call now()"),
    ("pharmacy/domain/a.py", "from datetime import date\ndate.today()", "may not call today()"),
    ("pharmacy/crypto/a.py", "from pharmacy.domain import errors", "may not import"),
    ("pharmacy/services/a.py", "import cryptography", "may not know the library cryptography"),
    ("pharmacy/unblinded/a.py", "import cryptography", "may not know the library cryptography"),
    ("pharmacy/services/a.py", "from pharmacy.crypto import aead", "may not import"),
    ("pharmacy/services/a.py", "import sqlalchemy as sa", "may not know the library sqlalchemy"),
    ("pharmacy/services/a.py", "from pharmacy.web import access", "may not import"),
    ("pharmacy/web/a.py", "from sqlalchemy.orm import Session", "the library sqlalchemy"),
    ("pharmacy/web/a.py", "from pharmacy.persistence.people import Person", "may not import"),
    ("pharmacy/web/a.py", "from pharmacy.unblinded import arm", "may not import"),
    ("pharmacy/web/a.py", "from pharmacy import unblinded", "may not import"),
    ("pharmacy/web/a.py", "import pharmacy", "may not import pharmacy"),
    ("pharmacy/web/a.py", "import pharmacy.unblinded.arm as words", "may not import"),
    ("pharmacy/web/a.py", "def f():\n    from pharmacy.unblinded.arm import Arm", "a.py:2"),
    (
        "pharmacy/web/a.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from pharmacy.unblinded.arm import Arm",
        "a.py:3",
    ),
    ("pharmacy/web/a.py", "from ..unblinded import arm", "pharmacy.unblinded.arm"),
    ("pharmacy/web/a/b.py", "from ...unblinded.arm import Arm", "pharmacy.unblinded.arm.Arm"),
    ("pharmacy/web/__init__.py", "from ..unblinded import arm", "pharmacy.unblinded.arm"),
    (
        "pharmacy/web/a.py",
        "import pharmacy.domain.errors\npharmacy.unblinded.arm.Arm('ivig')",
        "may not reach pharmacy.unblinded.arm",
    ),
    ("pharmacy/web/a.py", "from pharmacy.domain.errors import *", "takes everything"),
    ("pharmacy/web/a.py", "from pharmacy.services.people import Person", "through pharmacy.serv"),
    ("pharmacy/web/a.py", "from pharmacy.services import people\npeople.Person", "through"),
    (
        "pharmacy/services/a.py",
        "from pharmacy.persistence.people import sa",
        "sqlalchemy (through pharmacy.persistence.people.sa)",
    ),
    ("pharmacy/services/a.py", "import importlib", "importlib is known nowhere"),
    ("pharmacy/services/a.py", "def f(x):\n    import importlib.util", "is known nowhere"),
    ("pharmacy/services/a.py", "__import__('pharmacy.unblinded')", "__import__ is known nowhere"),
    ("pharmacy/services/a.py", "import pickle", "pickle is known nowhere"),
    ("pharmacy/services/a.py", "from marshal import dumps", "is known nowhere"),
    ("pharmacy/services/a.py", "import sys\nsys.modules['pharmacy']", "is known nowhere"),
    ("pharmacy/services/a.py", "exec('import pharmacy.unblinded')", "exec is known nowhere"),
    ("pharmacy/web/a.py", "from werkzeug.utils import import_string", "is known nowhere"),
    ("pharmacy/unblinded/a.py", "import sqlalchemy as sa\nsa.PickleType", "is known nowhere"),
    ("pharmacy/unblinded/a.py", "from random import shuffle", "random.shuffle is known nowhere"),
    ("pharmacy/unblinded/a.py", "import uuid\nuuid.uuid4()", "uuid.uuid4 is known nowhere"),
    ("pharmacy/persistence/a.py", "from uuid import uuid1", "is known nowhere"),
    ("pharmacy/web/a.py", "import os\nos.urandom(8)", "chance is handed in"),
    ("pharmacy/web/a.py", "import datetime\ndatetime.datetime.now()", "the clock is handed in"),
    ("pharmacy/cli/a.py", "from datetime import datetime as t\nt.now()", "the clock is handed in"),
    ("pharmacy/web/a.py", "from pharmacy import demo", "may not import"),
    ("pharmacy/app.py", "from pharmacy.cli import db", "pharmacy.app may not import"),
    ("pharmacy/unblinded/a.py", "from pharmacy.web.home import page", "may not import"),
    ("migrations/env.py", "from pharmacy.unblinded.arm import Arm", "migrations may not import"),
    ("migrations/env.py", "from pharmacy.domain import errors", "migrations may not import"),
    ("pharmacy/__init__.py", "from pharmacy.unblinded import arm", "pharmacy may not import"),
    ("pharmacy/web/a.py", "from tests.support import world", "may not import tests.support"),
    ("pharmacy/persistence/a.py", "import alembic", "may not know the library alembic"),
    ("pharmacy/common/a.py", "", "pharmacy/common/: the folder is not in the table"),
    ("pharmacy/common/words.txt", "ivig", "pharmacy/common/: the folder is not in the table"),
    ("pharmacy/tools.py", "", "the room pharmacy.tools is not in the table"),
    ("pharmacy/protocols/might.py", "", "a folder of data holds no code"),
    ("scripts/a.py", "import pharmacy.unblinded.arm", "scripts/: the folder is not in the table"),
    ("manage.py", "", "the room manage is not in the table"),
]

ALLOWED = [
    ("pharmacy/services/a.py", "from pharmacy.crypto import passwords"),
    ("pharmacy/services/a.py", "from pharmacy.crypto.passwords import Argon2Hasher"),
    ("pharmacy/web/a.py", "from pharmacy.services import people\npeople.leave()"),
    ("pharmacy/web/a/b.py", "from .. import access\nfrom . import c"),
    ("pharmacy/unblinded/a.py", "from pharmacy.web.access import door\nimport flask, sqlalchemy"),
    ("pharmacy/demo/a.py", "from pharmacy.unblinded import arm\nfrom pharmacy.app import f"),
    ("pharmacy/cli/a.py", "import click\nfrom pharmacy.demo import make"),
    ("migrations/env.py", "from pharmacy.unblinded import tables\nimport alembic"),
    ("pharmacy/__main__.py", "from pharmacy.cli import cli"),
    ("pharmacy/persistence/migrating.py", "import alembic"),
    ("pharmacy/services/surroundings.py", "import datetime, os\nos.urandom(1)"),
]


def test_every_import_is_in_the_table() -> None:
    assert import_faults(ROOT) == []


def test_the_whole_product_was_read() -> None:
    rooms = {source.path.split("/")[0] for source in product()}
    assert rooms == {"config.py", "wsgi.py", "labels", "migrations", "pharmacy"}
    assert len(product()) > 100
    assert {"pharmacy.domain", "pharmacy.unblinded", "labels"} <= ROOMS.keys()


@pytest.mark.parametrize(("where", "text", "told"), PLANTS)
def test_a_planted_import_is_found(tmp_path: Path, where: str, text: str, told: str) -> None:
    found = import_faults(planted(tmp_path, {**_HOUSE, where: text + "\n"}))

    assert len(found) >= 1
    assert any(told in fault for fault in found), found


@pytest.mark.parametrize(("where", "text"), ALLOWED)
def test_what_the_table_allows_is_allowed(tmp_path: Path, where: str, text: str) -> None:
    assert import_faults(planted(tmp_path, {**_HOUSE, where: text + "\n"})) == []
