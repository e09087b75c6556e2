"""Settings and secrets: what stops the start, in which words, and what is never shown."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

import config
from config import Config, ConfigError

# Fixed, and random to the eye: what make_secrets would write.
_KEY = "9f1c07d3a84e52b6f0137dce6294ab58e70b35c16dfa8842913e5fd0a7bc2461"
_PEPPER = "42d86b9e15fa730cc7e1b8043a9d5f2611ce87f45b3a60d9e2740b9ad85f13c6"
_BREAK = "c15e7a03f89d42b6615b0ce8a7d3942f1eb86c5097da23f448107be59a6cd33f"


def _secrets(**changed: str) -> dict[str, str]:
    made = {"SECRET_KEY": _KEY, "PEPPER": _PEPPER, "BREAK_KEY": _BREAK}
    return {f"TWINBAG_{name}": value for name, value in made.items()} | {
        f"TWINBAG_{name}": value for name, value in changed.items()
    }


def _refusal(environ: Mapping[str, str], instance: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        config.load(environ, instance)
    return str(refused.value)


def test_the_file_made_once_is_enough_to_start(tmp_path: Path) -> None:
    instance = tmp_path / "deep" / "instance"
    config.make_secrets(instance)
    loaded = config.load({}, instance)
    assert len(loaded.secret_key) == len(loaded.pepper) == 32
    assert loaded.secret_key != loaded.pepper
    assert loaded.database_url == f"sqlite:///{instance}/twinbag.db"
    assert loaded.sqlite_path == instance / "twinbag.db"
    assert loaded.owner_database_url == loaded.database_url
    assert loaded.trusted_hosts == ("127.0.0.1", "localhost")
    assert loaded.public_url == "http://127.0.0.1:8000"
    assert (loaded.secure_cookies, loaded.lit_room, loaded.demo) == (False, True, False)


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        config.make_secrets(tmp_path / "instance")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "instance").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "instance" / "secrets.env").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "instance").iterdir()] == ["secrets.env"]


def test_secrets_are_never_made_anew(tmp_path: Path) -> None:
    config.make_secrets(tmp_path)
    first = (tmp_path / "secrets.env").read_bytes()
    config.make_secrets(tmp_path)
    assert (tmp_path / "secrets.env").read_bytes() == first


def test_two_starts_at_once_end_with_the_same_secrets(tmp_path: Path) -> None:
    """The slower one has drafted its own when the faster one's appear; it keeps the faster's."""
    drafting = threading.Event()
    faster_done = threading.Event()

    def slow_chance(size: int) -> bytes:
        drafting.set()
        assert faster_done.wait(10)
        return os.urandom(size)

    slower = threading.Thread(target=config.make_secrets, args=(tmp_path, slow_chance))
    slower.start()
    assert drafting.wait(10)
    config.make_secrets(tmp_path)
    written = (tmp_path / "secrets.env").read_bytes()
    faster_done.set()
    slower.join()
    assert (tmp_path / "secrets.env").read_bytes() == written
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.env"]


def test_a_second_factor_is_demanded_unless_it_is_for_practice_or_said_otherwise(
    tmp_path: Path,
) -> None:
    """G7: yes by itself; the ten-minute demonstration needs no phone."""
    said = {
        (): True,
        (("TWINBAG_DEMO", "yes"),): False,
        (("TWINBAG_SECOND_FACTOR", "no"),): False,
        (("TWINBAG_DEMO", "yes"), ("TWINBAG_SECOND_FACTOR", "yes")): True,
    }
    for settings, demanded in said.items():
        assert config.load({**_secrets(), **dict(settings)}, tmp_path).second_factor is demanded


def test_two_installations_have_different_secrets(tmp_path: Path) -> None:
    for name in ("one", "two"):
        config.make_secrets(tmp_path / name)
    one, two = (config.load({}, tmp_path / name) for name in ("one", "two"))
    assert len({one.secret_key, one.pepper, two.secret_key, two.pepper}) == 4


@pytest.mark.parametrize("name", config.SECRET_NAMES)
def test_a_missing_secret_stops_the_start(tmp_path: Path, name: str) -> None:
    environ = _secrets()
    del environ[name]
    assert _refusal(environ, tmp_path).startswith(f"{name} is missing")
    assert _refusal({**environ, name: ""}, tmp_path).startswith(f"{name} is missing")


@pytest.mark.parametrize("name", config.SECRET_NAMES)
@pytest.mark.parametrize(
    "weak",
    [
        pytest.param("changeme", id="default-looking"),
        pytest.param("dev", id="short word"),
        pytest.param(_KEY[:62], id="one byte short"),
        pytest.param(_KEY + "00", id="one byte long"),
        pytest.param("00" * 32, id="zeros"),
        pytest.param("deadbeef" * 8, id="repeated word"),
        pytest.param(_KEY[:32] * 2, id="repeated half"),
        pytest.param(bytes(range(32)).hex(), id="counted"),
        pytest.param(bytes(range(255, 223, -1)).hex(), id="counted down"),
        pytest.param(b"correct horse battery staple 123".hex(), id="typed text"),
        pytest.param(" ".join(_KEY[i : i + 2] for i in range(0, 64, 2)), id="spaced"),
    ],
)
def test_a_weak_secret_stops_the_start_and_is_not_quoted(
    tmp_path: Path, name: str, weak: str
) -> None:
    sentence = _refusal({**_secrets(), name: weak}, tmp_path)
    assert sentence.startswith(name)
    assert weak not in sentence


@pytest.mark.parametrize("twice", [{"PEPPER": _KEY}, {"BREAK_KEY": _KEY}, {"BREAK_KEY": _PEPPER}])
def test_one_secret_for_two_purposes_stops_the_start(
    tmp_path: Path, twice: dict[str, str]
) -> None:
    assert "must not be the same secret" in _refusal(_secrets(**twice), tmp_path)


def test_a_database_of_before_the_break_key_says_how_to_make_one(tmp_path: Path) -> None:
    environ = _secrets()
    del environ["TWINBAG_BREAK_KEY"]
    assert _refusal(environ, tmp_path).endswith("A new one is made with: openssl rand -hex 32")


def test_mail_is_set_by_address_and_recipients(tmp_path: Path) -> None:
    environ = _secrets(SMTP_URL="smtps://u:p@mail.example.org:465", NOTICE_TO="a@x.org, b@y.org")
    loaded = config.load(environ, tmp_path)
    assert loaded.notice_to == ("a@x.org", "b@y.org")
    assert "mail.example.org" not in repr(loaded)
    assert config.load(_secrets(), tmp_path).smtp_url == ""


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail", "smtp://", "smtp://h:port"])
def test_a_malformed_mail_server_stops_the_start(tmp_path: Path, url: str) -> None:
    assert "TWINBAG_SMTP_URL must be" in _refusal(_secrets(SMTP_URL=url), tmp_path)


@pytest.mark.parametrize("to", ["nobody", "a@b c@d", "a@b,", "A <a@b>", "a@b\r\nBcc: c@d"])
def test_malformed_recipients_stop_the_start(tmp_path: Path, to: str) -> None:
    assert "TWINBAG_NOTICE_TO must be" in _refusal(_secrets(NOTICE_TO=to), tmp_path)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o602, 0o644])
def test_secrets_others_may_read_or_write_stop_the_start(tmp_path: Path, mode: int) -> None:
    config.make_secrets(tmp_path)
    (tmp_path / "secrets.env").chmod(mode)
    sentence = _refusal({}, tmp_path)
    assert "can be read or written by other users" in sentence
    assert f"chmod 600 {tmp_path}/secrets.env" in sentence


def test_a_folder_others_may_write_gets_no_secrets(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="can be written by other users"):
        config.make_secrets(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_environment_stands_over_the_file(tmp_path: Path) -> None:
    config.make_secrets(tmp_path)
    from_file = config.load({}, tmp_path)
    loaded = config.load({"TWINBAG_PEPPER": _PEPPER, "HOME": "/"}, tmp_path)
    assert loaded.pepper == bytes.fromhex(_PEPPER)
    assert loaded.secret_key == from_file.secret_key


@pytest.mark.parametrize("line", ["TWINBAG_PORT", f"TWINBAG_PEPPER={_PEPPER}", "just words"])
def test_a_line_that_is_no_setting_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    config.make_secrets(tmp_path)
    with (tmp_path / "secrets.env").open("a") as file:
        file.write(f"\n  # a note\n{line}\n")
    sentence = _refusal({}, tmp_path)
    assert sentence.startswith("Line 7 of ")
    assert _PEPPER not in sentence


def test_a_mistyped_setting_is_refused_not_ignored(tmp_path: Path) -> None:
    assert _refusal(_secrets(SECURE_COOKIE="yes"), tmp_path).startswith(
        "There is no setting TWINBAG_SECURE_COOKIE;"
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"PORT": "0"}, "TWINBAG_PORT"),
        ({"PORT": "65536"}, "TWINBAG_PORT"),
        ({"PORT": "eighty"}, "TWINBAG_PORT"),
        ({"LIT_ROOM": "perhaps"}, "TWINBAG_LIT_ROOM"),
        ({"PUBLIC_URL": "pharmacy.example"}, "TWINBAG_PUBLIC_URL"),
        ({"PUBLIC_URL": "https://pharmacy.example/path"}, "TWINBAG_PUBLIC_URL"),
        ({"TRUSTED_HOSTS": "*"}, "TWINBAG_TRUSTED_HOSTS"),
        ({"TRUSTED_HOSTS": "127.0.0.1,"}, "TWINBAG_TRUSTED_HOSTS"),
        ({"DATABASE_URL": "mysql://root:hunter2@db/x"}, "A database address"),
        ({"OWNER_DATABASE_URL": "postgresql://x"}, "A database address"),
        ({"PUBLIC_URL": "http://pharmacy.example"}, "Cookies must be secure"),
        ({"TRUSTED_HOSTS": "127.0.0.1,pharmacy.example"}, "Cookies must be secure"),
        ({"PUBLIC_URL": "https://a.example", "SECURE_COOKIES": "no"}, "Cookies must be secure"),
        ({"PUBLIC_URL": "https://a.example"}, "TWINBAG_BEHIND_PROXY is missing"),
        ({"PUBLIC_URL": "https://a.example", "BEHIND_PROXY": ""}, "TWINBAG_BEHIND_PROXY is miss"),
        ({"PUBLIC_URL": "https://a.example", "BEHIND_PROXY": "2"}, "TWINBAG_BEHIND_PROXY must be"),
        ({"SECURE_COOKIES": "yes"}, "TWINBAG_BEHIND_PROXY is missing"),
    ],
)
def test_a_malformed_setting_is_refused(
    tmp_path: Path, changed: dict[str, str], expected: str
) -> None:
    sentence = _refusal(_secrets(**changed), tmp_path)
    assert sentence.startswith(expected)
    assert "hunter2" not in sentence


def test_production_settings_are_read(tmp_path: Path) -> None:
    loaded = config.load(
        _secrets(
            DATABASE_URL="postgresql+psycopg://twinbag_app:hunter2@db/twinbag",
            OWNER_DATABASE_URL="postgresql+psycopg://twinbag_owner:hunter3@db/twinbag",
            PUBLIC_URL="https://pharmacy.example/",
            BEHIND_PROXY="yes",
            LIT_ROOM="no",
        ),
        tmp_path,
    )
    assert loaded.sqlite_path is None
    assert loaded.owner_database_url.startswith("postgresql+psycopg://twinbag_owner")
    assert loaded.public_url == "https://pharmacy.example"
    assert loaded.trusted_hosts == ("pharmacy.example",)
    assert loaded.secure_cookies
    assert not loaded.lit_room
    assert loaded.behind_proxy


def test_nothing_is_asked_about_a_proxy_on_this_machine_alone(tmp_path: Path) -> None:
    """The first minute: `make run` and `make demo` need no setting."""
    for said in ({}, {"DEMO": "yes"}, {"PORT": "8001"}):
        assert not config.load(_secrets(**said), tmp_path).behind_proxy
    without = _secrets(PUBLIC_URL="https://a.example", BEHIND_PROXY="no")
    assert not config.load(without, tmp_path).behind_proxy


def test_a_demonstration_never_uses_the_installations_database(tmp_path: Path) -> None:
    url = "postgresql+psycopg://twinbag_app@db/twinbag"
    loaded = config.load(_secrets(DATABASE_URL=url, OWNER_DATABASE_URL=url, DEMO="yes"), tmp_path)
    assert loaded.sqlite_path == tmp_path / "demo.db"
    assert loaded.owner_database_url == loaded.database_url


def test_the_settings_show_no_secret_and_cannot_be_changed(tmp_path: Path) -> None:
    loaded = config.load(
        _secrets(DATABASE_URL="postgresql+psycopg://twinbag_app:hunter2@db/twinbag"), tmp_path
    )
    for shown in (repr(loaded), str(loaded), f"{loaded}", repr([loaded])):
        for secret in (loaded.secret_key, loaded.pepper):
            assert secret.hex() not in shown
            assert repr(secret) not in shown
        assert "hunter2" not in shown
    with pytest.raises(AttributeError):
        setattr(loaded, "pepper", b"")  # noqa: B010 -- an assignment would not type-check
    assert isinstance(loaded, Config)
