"""Notices are mailed after their act, by a real mail server, until one has taken them (J6, K9)."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pharmacy.app import create_app, start_postman
from pharmacy.domain.roles import Role
from pharmacy.persistence import notices as rows
from pharmacy.postman import Postman, by_smtp, send_due
from pharmacy.services import notices, readiness
from tests.support.browsing import Browser, words
from tests.support.builders import Trial, add_person, make_trial
from tests.support.mail_server import MailServer, dead_url
from tests.support.world import build_app, make_config, make_surroundings

TO = ("sponsor@example.org", "pharmacy@example.org")
_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    """A study in which one code was broken just now, as far as its notice goes."""
    made = make_trial(sqlite_url)
    _break(made, "form-number-one-0001")
    return made


def _break(trial: Trial, form: str, again: bool = False) -> None:
    with trial.act("investigator") as act:
        notices.code_broken(act, form, again=again)
        act.record("code_break_shown", "participant:M-008")


def _lines(trial: Trial) -> list[notices.NoticeLine]:
    with trial.look("pharmacist") as act:
        return notices.listed(act)


def test_a_notice_is_mailed_once_and_tells_neither_arm_nor_participant(trial: Trial) -> None:
    with MailServer() as server:
        send = by_smtp(server.url, TO, "trial.example.org")
        assert send_due(trial.units, send) == 1
        assert send_due(trial.units, send) == 0
    (letter,) = server.letters
    assert letter["To"] == ", ".join(TO)
    assert letter["Subject"] == "Twinbag MIGHT: a notice about blinding"
    assert letter.get_content().strip() == (
        "The code of a participant was broken by Ana Rivera at 2 Mar 2026 08:30 CST; "
        "no arm is told here."
    )
    assert "M-008" not in letter.as_string()
    assert [line.mail for line in _lines(trial)] == ["Mailed 2 Mar 2026 08:30 CST"]


def test_a_dead_mail_server_is_asked_again_later_and_later(trial: Trial) -> None:
    """Kept until it is sent: tries after one, two, four minutes, never more than an hour apart."""
    dead = by_smtp(dead_url(), TO, "trial.example.org")
    waits = []
    for number in range(1, 10):
        assert send_due(trial.units, dead) == 0
        assert _lines(trial)[0].mail == f"Not mailed yet, tried {number} times"
        with trial.units.reading() as uow:
            ((_, post),) = rows.of_study(uow.session, trial.study_id)
        waits.append((post.next_at - trial.clock()) // timedelta(minutes=1))
        trial.clock.at = post.next_at - timedelta(seconds=1)
        assert send_due(trial.units, dead) == 0
        trial.clock.move(seconds=1)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    with MailServer() as server:
        assert send_due(trial.units, by_smtp(server.url, TO, "trial.example.org")) == 1
    assert len(server.letters) == 1


def test_an_address_that_is_refused_is_said(trial: Trial) -> None:
    """Half a delivery is not told as a whole one: the sponsor may be the other half."""
    with MailServer(TO[0]) as server:
        assert send_due(trial.units, by_smtp(server.url, TO, "trial.example.org")) == 1
    assert len(server.letters) == 1
    (line,) = _lines(trial)
    assert line.mail.endswith(", but the mail server refused 1 of the addresses")


def test_a_test_notice_counts_only_when_everybody_was_reached(trial: Trial) -> None:
    for refuses, counted in ((TO[1], False), ("", True)):
        with trial.act("administrator") as act:
            readiness.send_test_notice(act)
        with MailServer(refuses) as server:
            send_due(trial.units, by_smtp(server.url, TO, "trial.example.org"))
        with trial.units.reading() as uow:
            taken = rows.test_notice_taken(uow.session, trial.study_id)
        assert (taken is not None) is counted


def test_the_sponsor_reads_the_notices_on_a_page(
    trial: Trial, sqlite_url: str, tmp_path: Path
) -> None:
    """keys.md: on the pharmacist's and the sponsor's pages; a dead mail server hides nothing."""
    add_person(trial, "sponsor", "Sam Sponsor", Role.SPONSOR_CONTACT)
    sponsor = Browser(build_app(sqlite_url, tmp_path, trial.clock, trial.chance), "sponsor.test")
    page = sponsor.get(f"/study/{trial.study_id}/notices")
    assert "The code of a participant was broken by Ana Rivera" in words(page)
    protocol = sponsor.get(f"/study/{trial.study_id}/protocol")
    assert f'href="/study/{trial.study_id}/notices"' in protocol


def test_a_password_that_no_mail_server_can_read_ends_no_thread(trial: Trial) -> None:
    with MailServer() as server:
        odd = server.url.replace("://", "://who:w%C3%B6rter@")
        assert send_due(trial.units, by_smtp(odd, TO, "trial.example.org")) == 0
    assert _lines(trial)[0].mail == "Not mailed yet, tried 1 times"


def test_a_fault_of_our_own_ends_no_thread(
    trial: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged by its kind alone, and the notice goes with the next try."""
    tried, mailed = threading.Event(), threading.Event()

    def send(_letter: notices.Letter) -> int:
        if not tried.is_set():
            tried.set()
            raise RuntimeError("the words of a fault")
        mailed.set()
        return 0

    postman = Postman(trial.units, send)
    postman.start()
    assert tried.wait(10)
    trial.clock.move(minutes=2)
    postman.wake()
    assert mailed.wait(10)
    postman.end()
    told = [record.getMessage() for record in caplog.records if record.name == "twinbag"]
    assert told == ["notices broken kind=RuntimeError"]


def test_one_that_is_refused_does_not_hold_up_the_others(trial: Trial) -> None:
    _break(trial, "form-number-two-0002", again=True)
    with MailServer() as server:
        server.refuses = True
        send = by_smtp(server.url, TO, "trial.example.org")
        assert send_due(trial.units, send) == 0
        server.refuses = False
        trial.clock.move(minutes=1)
        assert send_due(trial.units, send) == 2
    assert len({letter["Message-ID"] for letter in server.letters}) == 2
    assert any("shown again to Ana Rivera" in letter.get_content() for letter in server.letters)


def test_two_who_mail_at_once_mail_it_once(trial: Trial) -> None:
    with MailServer() as server:
        send = by_smtp(server.url, TO, "trial.example.org")
        both = [threading.Thread(target=send_due, args=(trial.units, send)) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
    assert len(server.letters) == 1


def test_the_same_form_makes_one_notice(trial: Trial) -> None:
    _break(trial, "form-number-one-0001")
    assert len(_lines(trial)) == 1


def test_the_servers_process_mails_by_itself(trial: Trial, sqlite_url: str, tmp_path: Path) -> None:
    """The thread of a serving process: at its start what waits, then when it is woken."""
    with MailServer() as server:
        config = make_config(sqlite_url, tmp_path, smtp_url=server.url, notice_to=TO)
        app = create_app(config, make_surroundings(trial.clock, trial.chance))
        postman = start_postman(app, config)
        assert postman is not None
        _until(lambda: len(server.letters) == 1)
        _break(trial, "form-number-two-0002")
        app.extensions["twinbag"].post_notices()
        _until(lambda: len(server.letters) == 2)
        postman.end()
        app.extensions["twinbag"].units.close()


def test_without_a_mail_server_nobody_mails(sqlite_url: str, tmp_path: Path) -> None:
    config = make_config(sqlite_url, tmp_path)
    assert start_postman(create_app(config), config) is None


def _until(holds: Callable[[], object]) -> None:
    waited = threading.Event()
    for _ in range(400):
        if holds():
            return
        waited.wait(0.05)
    raise AssertionError("it did not come")


def _send(trial_url: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    config = make_config(trial_url, folder)
    environ = {
        "PATH": "/usr/bin:/bin",
        "TWINBAG_DATABASE_URL": trial_url,
        "TWINBAG_SECRET_KEY": config.secret_key.hex(),
        "TWINBAG_PEPPER": config.pepper.hex(),
        "TWINBAG_BREAK_KEY": config.break_key.hex(),
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-m", "pharmacy", "notices", "send", "--instance", str(folder)],
        cwd=_ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_operators_command_mails_what_waits(
    trial: Trial, sqlite_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "instance"
    folder.mkdir(mode=0o700)
    bare = _send(sqlite_url, folder)
    assert (bare.returncode, bare.stdout) == (2, "")
    assert "TWINBAG_SMTP_URL" in bare.stderr
    to = {"TWINBAG_NOTICE_TO": ", ".join(TO)}
    dead = _send(sqlite_url, folder, TWINBAG_SMTP_URL=dead_url(), **to)
    assert (dead.returncode, dead.stdout) == (1, "0 mailed, 1 waiting.\n")
    with trial.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE notice_post SET next_at = '2026-03-02 00:00:00'")
    with MailServer() as server:
        done = _send(sqlite_url, folder, TWINBAG_SMTP_URL=server.url, **to)
    assert (done.returncode, done.stdout) == (0, "1 mailed, 0 waiting.\n")
    assert len(server.letters) == 1
