"""Wall 1 as data: which room may look into which, and which libraries each may know.

The table is that of the architecture; a room that is not in it does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass

FLASK = frozenset({"flask", "flask_login", "wtforms", "werkzeug", "jinja2", "markupsafe"})


@dataclass(frozen=True)
class Room:
    """What one room may import of ours (with everything below it), and which libraries."""

    may_import: tuple[str, ...] = ()
    libraries: frozenset[str] = frozenset()


_JOINED = (
    "config",
    "labels",
    "pharmacy.crypto",
    "pharmacy.domain",
    "pharmacy.exchange",
    "pharmacy.persistence",
    "pharmacy.services",
    "pharmacy.unblinded",
    "pharmacy.web",
)

ROOMS: dict[str, Room] = {
    "config": Room(),
    "wsgi": Room(("config", "pharmacy.app")),
    "labels": Room(
        libraries=frozenset({"reportlab", "segno", "ppf", "zxingcpp", "pypdfium2", "PIL"})
    ),
    "migrations": Room(
        ("pharmacy.persistence", "pharmacy.unblinded.tables"), frozenset({"alembic", "sqlalchemy"})
    ),
    "pharmacy": Room(),
    "pharmacy.__main__": Room(("pharmacy.cli",)),
    "pharmacy.domain": Room(),
    "pharmacy.crypto": Room(libraries=frozenset({"cryptography", "pyotp"})),
    "pharmacy.persistence": Room(("pharmacy.domain",), frozenset({"sqlalchemy"})),
    "pharmacy.services": Room(
        (
            "labels",
            "pharmacy.crypto.passwords",
            "pharmacy.crypto.signing",
            "pharmacy.domain",
            "pharmacy.persistence",
        )
    ),
    "pharmacy.exchange": Room(("pharmacy.domain", "pharmacy.persistence", "pharmacy.services")),
    "pharmacy.web": Room(("labels", "pharmacy.domain", "pharmacy.services"), FLASK),
    "pharmacy.unblinded": Room(
        (
            "labels",
            "pharmacy.crypto",
            "pharmacy.domain",
            "pharmacy.persistence",
            "pharmacy.services",
            # The guard, with where a try comes from, and what fills the base template.
            "pharmacy.web.access",
            "pharmacy.web.forms",
            "pharmacy.web.frame",
            "pharmacy.web.house",
            "pharmacy.web.known_device",
        ),
        FLASK | {"sqlalchemy"},
    ),
    # Mails notices after their act, from the server's process or an operator's command.
    "pharmacy.postman": Room(("pharmacy.domain", "pharmacy.services")),
    "pharmacy.app": Room((*_JOINED, "pharmacy.postman"), frozenset({"flask"})),
    "pharmacy.cli": Room(
        (*_JOINED, "pharmacy.app", "pharmacy.demo", "pharmacy.postman"),
        frozenset({"click", "flask"}),
    ),
    "pharmacy.demo": Room((*_JOINED, "pharmacy.app"), frozenset({"click", "flask"})),
}

# Folders inside the package that hold data and no code.
DATA_FOLDERS = frozenset({"pharmacy/protocols"})

# Single files that know a library their room does not: one runs the migrations, for `db upgrade`;
# one judges passkeys, and hands out bytes.
KNOWS_BESIDES = {
    ("pharmacy.persistence.migrating", "alembic"),
    ("pharmacy.crypto.passkeys", "webauthn"),
}

# Ways to a module, or to a value of any type, that no reader of imports can follow.
NOWHERE_MODULES = frozenset(
    {
        "builtins",
        "imp",
        "importlib",
        "marshal",
        "pickle",
        "pkgutil",
        "random",
        "runpy",
        "shelve",
        "zipimport",
    }
)
NOWHERE_NAMES = frozenset(
    {
        "PickleType",
        "SystemRandom",
        "__builtins__",
        "__import__",
        "__loader__",
        "__spec__",
        "_getframe",
        "eval",
        "exec",
        "import_module",
        "import_string",
        "uuid1",
        "uuid4",
    }
)
NOWHERE_CHAINS = frozenset({"sys.modules"})

# The pure room: what of the standard library decides without looking anywhere.
DOMAIN_MODULES = frozenset(
    {
        "__future__",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "itertools",
        "json",
        "math",
        "re",
        "string",
        "tomllib",
        "typing",
        "unicodedata",
        "zoneinfo",
    }
)
DOMAIN_CALLS = frozenset({"open", "print", "input", "now", "today", "utcnow", "read_text"})

# Clock and chance are handed in; these are the places where the system's are taken.
CLOCK_NAMES = frozenset({"now", "today", "utcnow", "time_ns", "monotonic", "perf_counter"})
CHANCE_NAMES = frozenset({"urandom", "token_bytes", "token_hex", "token_urlsafe", "getrandbits"})
CLOCK_AND_CHANCE = frozenset({"pharmacy.services.surroundings", "config"})
