"""What one installation is told from outside: typed, frozen, read once at the start.

Settings are environment variables named TWINBAG_...; what the environment does not say is
read from `secrets.env` in the instance folder. A missing or weak secret stops the start with
a sentence. Neither a sentence nor a `repr` shows a secret or a database address.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

SECRETS_FILE = "secrets.env"
SECRET_NAMES = ("TWINBAG_SECRET_KEY", "TWINBAG_PEPPER", "TWINBAG_BREAK_KEY")
SETTING_NAMES = frozenset(
    {
        *SECRET_NAMES,
        "TWINBAG_PEPPER_BEFORE",
        "TWINBAG_BREAK_KEY_BEFORE",
        "TWINBAG_INSTANCE",
        "TWINBAG_DATABASE_URL",
        "TWINBAG_OWNER_DATABASE_URL",
        "TWINBAG_PUBLIC_URL",
        "TWINBAG_TRUSTED_HOSTS",
        "TWINBAG_BEHIND_PROXY",
        "TWINBAG_SECURE_COOKIES",
        "TWINBAG_LIT_ROOM",
        "TWINBAG_CODE_BREAK",
        "TWINBAG_SMTP_URL",
        "TWINBAG_NOTICE_TO",
        "TWINBAG_DEMO",
        "TWINBAG_SECOND_FACTOR",
        "TWINBAG_PORT",
    }
)
_SECRET_BYTES = 32
# 32 random bytes hold about 30 different values; 16 or fewer is a pattern, not chance.
_FEWEST_DIFFERENT_BYTES = 17
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


class ConfigError(Exception):
    """A setting that stops the start, told in one sentence that shows no secret."""


@dataclass(frozen=True)
class Config:
    """The settings of one process.

    `owner_database_url` is the address migrations use: the same as `database_url` unless, on
    PostgreSQL, another role owns the tables. `lit_room` False leaves the lit room out of the
    process, and `code_break` False the door for emergency unblinding; each may be without the
    other. `pepper_before` and `break_key_before` are the ones that are being replaced, empty
    otherwise. `demo` is the practice installation of `make demo`. `second_factor` demands one of
    everybody; without it, it is offered. `secure_cookies` is False only where
    every trusted host is this machine itself. `behind_proxy` says that exactly one proxy stands
    before the program and names the sender, which is then believed. Notices are mailed through
    `smtp_url` to `notice_to`; without either they only stand on their page.
    """

    database_url: str = field(repr=False)
    owner_database_url: str = field(repr=False)
    instance_dir: Path
    secret_key: bytes = field(repr=False)
    pepper: bytes = field(repr=False)
    break_key: bytes = field(repr=False)
    trusted_hosts: tuple[str, ...]
    secure_cookies: bool
    lit_room: bool
    code_break: bool
    demo: bool
    second_factor: bool
    port: int
    public_url: str
    smtp_url: str = field(default="", repr=False)
    pepper_before: bytes = field(default=b"", repr=False)
    break_key_before: bytes = field(default=b"", repr=False)
    notice_to: tuple[str, ...] = ()
    behind_proxy: bool = False

    @property
    def passkey_place(self) -> tuple[str, str] | None:
        """The host name that passkeys belong to and the origin they are shown at.

        None where browsers reach the installation by a number: a passkey belongs to a name.
        """
        parts = urlsplit(self.public_url)
        host = parts.hostname or ""
        if not host or ":" in host or re.fullmatch(r"[0-9.]+", host):
            return None
        usual = {"https": 443, "http": 80}.get(parts.scheme)
        port = "" if parts.port in (None, usual) else f":{parts.port}"
        return host, f"{parts.scheme}://{host}{port}"

    @property
    def sqlite_path(self) -> Path | None:
        """The file of the embedded database, or None when the database is PostgreSQL."""
        prefix = "sqlite:///"
        if not self.database_url.startswith(prefix):
            return None
        return Path(self.database_url.removeprefix(prefix).partition("?")[0])


def load(environ: Mapping[str, str], instance_dir: Path) -> Config:
    """Read the settings from `environ` over `instance_dir`/secrets.env.

    Raises ConfigError for a setting that is missing, unknown, weak or malformed, and for a
    secrets file that anyone but its owner may read or write.
    """
    settings = {**_read_secrets_file(instance_dir), **_ours(environ)}
    _refuse_unknown(settings)
    secret_key, pepper, break_key = (_secret(settings, name) for name in SECRET_NAMES)
    before = {
        name: _secret(settings, name)
        for name in ("TWINBAG_PEPPER_BEFORE", "TWINBAG_BREAK_KEY_BEFORE")
        if settings.get(name)
    }
    if len({secret_key, pepper, break_key, *before.values()}) < len(SECRET_NAMES) + len(before):
        named = " and ".join((", ".join(SECRET_NAMES[:-1]), SECRET_NAMES[-1]))
        raise ConfigError(f"{named} must not be the same secret, nor one of those before them.")
    demo = _flag(settings, "TWINBAG_DEMO", default=False)
    port = _port(settings)
    public_url = settings.get("TWINBAG_PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/")
    trusted_hosts = _trusted_hosts(settings, public_url)
    database_url = _database_url(settings, instance_dir, demo)
    secure_cookies = _secure_cookies(settings, public_url, trusted_hosts)
    return Config(
        database_url=database_url,
        owner_database_url=_owner_database_url(settings, database_url, demo),
        instance_dir=instance_dir,
        secret_key=secret_key,
        pepper=pepper,
        break_key=break_key,
        trusted_hosts=trusted_hosts,
        secure_cookies=secure_cookies,
        lit_room=_flag(settings, "TWINBAG_LIT_ROOM", default=True),
        code_break=_flag(settings, "TWINBAG_CODE_BREAK", default=True),
        demo=demo,
        second_factor=_flag(settings, "TWINBAG_SECOND_FACTOR", default=not demo),
        port=port,
        public_url=public_url,
        smtp_url=_smtp_url(settings),
        pepper_before=before.get("TWINBAG_PEPPER_BEFORE", b""),
        break_key_before=before.get("TWINBAG_BREAK_KEY_BEFORE", b""),
        notice_to=_notice_to(settings),
        behind_proxy=_behind_proxy(settings, public_url, secure_cookies),
    )


def make_secrets(
    instance_dir: Path,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    names: Sequence[str] = SECRET_NAMES,
) -> None:
    """Make the instance folder (0700) and its secrets file (0600), unless they are there.

    `names` are the secrets that the environment does not give.

    The file appears whole or not at all and is never overwritten, so that two starts at once
    end with the same secrets. Raises ConfigError when the folder cannot be written.
    """
    try:
        instance_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(instance_dir.stat().st_mode) & 0o022:
            raise ConfigError(
                f"The folder {instance_dir} can be written by other users; "
                f"run: chmod 700 {instance_dir}"
            )
        if not (instance_dir / SECRETS_FILE).exists():
            _write_once(instance_dir, _new_secrets(names, random_bytes))
    except OSError as error:
        raise ConfigError(
            f"The folder {instance_dir} cannot be written ({error.strerror}); "
            "give it to the user who starts the program, or name another with --instance."
        ) from error


def keep_secrets(
    instance_dir: Path,
    kept: Mapping[str, bytes],
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> None:
    """Write secrets that were recovered, with new ones for what else is missing.

    Raises ConfigError where a secrets file is there already: none is ever overwritten.
    """
    path = instance_dir / SECRETS_FILE
    if path.exists():
        raise ConfigError(f"{path} exists; it is never overwritten. Move it away, then try again.")
    missing = [name for name in SECRET_NAMES if name not in kept]
    content = _new_secrets(missing, random_bytes)
    content += "".join(f"{name}={secret.hex()}\n" for name, secret in kept.items()).encode("ascii")
    try:
        instance_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_once(instance_dir, content)
        written = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}).") from error
    if written != content:
        raise ConfigError(f"{path} was made by another program at this moment; look at it first.")


def _new_secrets(names: Sequence[str], random_bytes: Callable[[int], bytes]) -> bytes:
    lines = ["# Secrets of this installation. Keep a copy apart from the database and its backups."]
    lines += [f"{name}={random_bytes(_SECRET_BYTES).hex()}" for name in names]
    return ("\n".join(lines) + "\n").encode("ascii")


def _write_once(folder: Path, content: bytes) -> None:
    """Write `content` beside its place, then link it there: a link never replaces a file."""
    draft = folder / f".{SECRETS_FILE}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, folder / SECRETS_FILE)
        except FileExistsError:
            return  # another start was first; its secrets are the ones
    finally:
        draft.unlink()


def _read_secrets_file(instance_dir: Path) -> dict[str, str]:
    path = instance_dir / SECRETS_FILE
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise ConfigError(
                f"{path} can be read or written by other users; run: chmod 600 {path}"
            )
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read by the user who starts the program.") from error
    settings: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or name in settings:
            raise ConfigError(f"Line {number} of {path} must be NAME=value, each name once.")
        settings[name] = value
    return settings


def _ours(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith("TWINBAG_")}


def _refuse_unknown(settings: Mapping[str, str]) -> None:
    unknown = sorted(set(settings) - SETTING_NAMES)
    if unknown:
        known = ", ".join(sorted(SETTING_NAMES))
        raise ConfigError(f"There is no setting {unknown[0]}; the settings are {known}.")


def _secret(settings: Mapping[str, str], name: str) -> bytes:
    text = settings.get(name, "")
    if not text:
        raise ConfigError(
            f"{name} is missing; put it in the instance folder's {SECRETS_FILE} or the "
            "environment. A new one is made with: openssl rand -hex 32"
        )
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != _SECRET_BYTES or len(text) != 2 * _SECRET_BYTES:
        raise ConfigError(f"{name} must be {2 * _SECRET_BYTES} hexadecimal digits, made at random.")
    if _looks_made_up(secret):
        raise ConfigError(f"{name} looks made up, not random; make one with: openssl rand -hex 32")
    return secret


def _looks_made_up(secret: bytes) -> bool:
    """True for repeated patterns, counted sequences and typed text."""
    steps = {(after - before) % 256 for before, after in pairwise(secret)}
    return (
        len(set(secret)) < _FEWEST_DIFFERENT_BYTES
        or len(steps) <= 2
        or all(0x20 <= byte <= 0x7E for byte in secret)
    )


def _flag(settings: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = settings.get(name, "").lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    if text:
        raise ConfigError(f"{name} must be yes or no.")
    return default


def _port(settings: Mapping[str, str]) -> int:
    text = settings.get("TWINBAG_PORT", "8000")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise ConfigError("TWINBAG_PORT must be a number from 1 to 65535.")
    return int(text)


def _trusted_hosts(settings: Mapping[str, str], public_url: str) -> tuple[str, ...]:
    """The names a request may ask for: those given, else the public address's own."""
    parts = urlsplit(public_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
        raise ConfigError("TWINBAG_PUBLIC_URL must be https:// and a host name, nothing after it.")
    if "TWINBAG_TRUSTED_HOSTS" in settings:
        named = [name.strip().lower() for name in settings["TWINBAG_TRUSTED_HOSTS"].split(",")]
        if not all(named) or any("*" in name or "/" in name for name in named):
            raise ConfigError("TWINBAG_TRUSTED_HOSTS must be host names, with commas between them.")
        return tuple(named)
    if parts.hostname in _LOOPBACK:
        return ("127.0.0.1", "localhost")
    return (parts.hostname,)


def _secure_cookies(
    settings: Mapping[str, str], public_url: str, trusted_hosts: tuple[str, ...]
) -> bool:
    secure = _flag(settings, "TWINBAG_SECURE_COOKIES", default=public_url.startswith("https://"))
    if not secure and not _LOOPBACK.issuperset(trusted_hosts):
        raise ConfigError(
            "Cookies must be secure where other machines reach the program; "
            "TWINBAG_PUBLIC_URL must begin with https:// and TWINBAG_SECURE_COOKIES be yes."
        )
    return secure


def _behind_proxy(settings: Mapping[str, str], public_url: str, secure_cookies: bool) -> bool:
    """Asked wherever others reach the program: behind a proxy they all have the proxy's address,
    and a guesser would keep everybody else waiting.
    """
    reached = secure_cookies or public_url.startswith("https://")
    if reached and not settings.get("TWINBAG_BEHIND_PROXY"):
        raise ConfigError(
            "TWINBAG_BEHIND_PROXY is missing. Set it to yes where exactly one proxy stands before "
            "the program and puts the sender's address last in X-Forwarded-For, as "
            "docs/guide/operator.md shows for nginx; to no where none does."
        )
    return _flag(settings, "TWINBAG_BEHIND_PROXY", default=False)


def _database_url(settings: Mapping[str, str], instance_dir: Path, demo: bool) -> str:
    """A demonstration never touches the installation's own database, whatever is set."""
    if demo:
        return f"sqlite:///{instance_dir.absolute() / 'demo.db'}"
    given = settings.get("TWINBAG_DATABASE_URL", "")
    return _known_database(given or f"sqlite:///{instance_dir.absolute() / 'twinbag.db'}")


def _owner_database_url(settings: Mapping[str, str], database_url: str, demo: bool) -> str:
    given = settings.get("TWINBAG_OWNER_DATABASE_URL", "")
    return database_url if demo or not given else _known_database(given)


def _smtp_url(settings: Mapping[str, str]) -> str:
    """Where mail is handed in: smtp://host:25, or smtps:// where the line is sealed from the start.

    A user name and password in it go over a sealed line only; the sender sees to that.
    """
    url = settings.get("TWINBAG_SMTP_URL", "")
    try:
        parts = urlsplit(url)
        strange = parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0
    except ValueError:
        strange = True
    if url and strange:
        raise ConfigError("TWINBAG_SMTP_URL must be smtp://host:port or smtps://host:port.")
    return url


def _notice_to(settings: Mapping[str, str]) -> tuple[str, ...]:
    said = settings.get("TWINBAG_NOTICE_TO", "")
    named = tuple(part.strip() for part in said.split(",")) if said else ()
    if any(not part.isascii() or not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", part) for part in named):
        raise ConfigError("TWINBAG_NOTICE_TO must be mail addresses, with commas between them.")
    return named


def _known_database(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ConfigError("A database address must begin with sqlite:/// or postgresql+psycopg://.")
    return url
