"""Pepper and break key changed, lost and replaced while people go on working (K7, K11)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa

from config import Config, ConfigError
from pharmacy.app import refuse_wrong_secrets
from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.server_secret import ServerSecret, each_of
from pharmacy.crypto.wrapping import key_pair, unwrap, wrap
from pharmacy.domain.errors import Refusal, WrongPassphrase
from pharmacy.persistence.audit import INSTALLATION, AuditEntry
from pharmacy.unblinded import (
    break_key_rotation,
    contexts,
    holders,
    private_record,
    secret_rotation,
)
from pharmacy.unblinded.code_break import breaking
from pharmacy.unblinded.code_break.breaking import Asked
from pharmacy.unblinded.server_secrets import ServerSecrets, fingerprint
from pharmacy.unblinded.tables import BreakShare, HolderKeys, KeyWrap
from tests.support.cheap_derivation import CheapDeriver
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy, open_study
from tests.support.world import make_config

NEW_PEPPER = hashlib.sha256(b"the next pepper").digest()
NEW_BREAK_KEY = hashlib.sha256(b"the next break key").digest()
CHANGING = ServerSecrets(ServerSecret(NEW_PEPPER, PEPPER), ServerSecret(NEW_BREAK_KEY, BREAK_KEY))
AFTER = ServerSecrets(NEW_PEPPER, NEW_BREAK_KEY)
NO_FIT = "do not open this study's codes"


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Two participants with places and an investigator who can break their codes."""
    made = open_study(sqlite_url, enrolled=("M-002", "M-008"))
    made.enrol_breaker()
    return made


@pytest.fixture
def config(sqlite_url: str, tmp_path: Path) -> Config:
    return make_config(sqlite_url, tmp_path)


def break_one(study: LitStudy, server: ServerSecrets, form: str = "a-break-of-a-code") -> str:
    with study.trial.look("investigator") as act:
        participant = breaking.choices(act)[0].id
    asked = Asked(
        participant, "treatment", "", study.passphrases["investigator"], form, "192.0.2.7"
    )
    with study.trial.units.acting() as uow:
        return breaking.break_code(study.trial.bare_act(uow, "investigator"), asked, server).words


def renew(study: LitStudy, server: ServerSecrets, who: str = "pharmacist") -> None:
    study.do(who, break_key_rotation.renew, study.passphrases[who], server)


def unlock(study: LitStudy, who: str, pepper: bytes) -> None:
    """Any act with a passphrase that is kept."""
    with study.trial.act(who) as act:
        holders.unlock_own(act, study.passphrases[who], pepper)
        act.record("tried", "passphrase")


def left(study: LitStudy, pepper: bytes) -> list[str]:
    with study.trial.look("pharmacist") as act:
        now = fingerprint("pepper", pepper)
        return [one.who for one in secret_rotation.people_not_under(act.uow.session, now)]


def installation_events(study: LitStudy) -> list[str]:
    with study.trial.units.reading() as uow:
        query = sa.select(AuditEntry.event).where(AuditEntry.trail == INSTALLATION)
        return list(uow.session.scalars(query))


# --- pepper


def test_each_record_follows_at_its_owners_next_passphrase(study: LitStudy) -> None:
    """Opened with either, sealed again under the new; the list of who is left shrinks."""
    everybody = left(study, NEW_PEPPER)
    assert len(everybody) == 5
    assert left(study, PEPPER) == []
    unlock(study, "pharmacist", CHANGING.pepper)
    assert "Tom Lang" not in left(study, NEW_PEPPER)
    assert len(left(study, NEW_PEPPER)) == 4
    unlock(study, "pharmacist", NEW_PEPPER)
    with pytest.raises(WrongPassphrase):
        unlock(study, "pharmacist", PEPPER)
    with pytest.raises(WrongPassphrase):
        unlock(study, "checker", NEW_PEPPER)
    for who in ("statistician", "pharmacist2", "checker", "investigator"):
        unlock(study, who, CHANGING.pepper)
    assert left(study, NEW_PEPPER) == []
    events = installation_events(study)
    assert events.count("keys_under_new_pepper") == 5


def test_a_code_break_works_and_moves_the_investigators_record(study: LitStudy) -> None:
    words = break_one(study, CHANGING)
    assert "Ana" not in " ".join(left(study, NEW_PEPPER))
    assert break_one(study, CHANGING, "another-form-of-it") == words


def test_the_slow_step_is_done_once(study: LitStudy) -> None:
    """Argon2id once, the cheap step with each pepper; a wrong passphrase costs no more."""
    asked: list[str] = []

    def counting(passphrase: str, salt: bytes) -> bytes:
        asked.append(passphrase)
        return CheapDeriver()(passphrase, salt)

    with study.trial.look("checker") as act:
        keys = act.uow.session.get_one(HolderKeys, act.person.id)
        unlocked = private_record.unlock(
            keys, study.passphrases["checker"], counting, CHANGING.pepper
        )
        assert unlocked.outdated
        with pytest.raises(WrongPassphrase):
            private_record.unlock(keys, "six other words", counting, CHANGING.pepper)
    assert len(asked) == 2


def test_a_secret_of_the_server_is_not_shown_by_accident() -> None:
    for shown in (repr(CHANGING.pepper), str(CHANGING.pepper), f"{CHANGING.pepper}"):
        assert shown == "<server secret>"
    assert each_of(CHANGING.pepper) == (NEW_PEPPER, PEPPER)
    assert each_of(NEW_PEPPER) == (NEW_PEPPER,)


# --- break key


def test_breaks_work_at_every_moment_of_a_change(study: LitStudy) -> None:
    """Before a holder renewed the shares under the key of before, afterwards under that of now."""
    words = break_one(study, ServerSecrets(PEPPER, BREAK_KEY))
    with pytest.raises(Refusal, match=NO_FIT):
        break_one(study, ServerSecrets(PEPPER, NEW_BREAK_KEY), "without-the-former")
    changing = ServerSecrets(PEPPER, CHANGING.break_key)
    assert break_one(study, changing, "during-the-change") == words
    with study.trial.look("pharmacist") as act:
        assert [one.who for one in break_key_rotation.left(act, changing)] == ["Ana Rivera"]
    renew(study, changing)
    with study.trial.look("pharmacist") as act:
        assert not break_key_rotation.due(act, changing)
        assert break_key_rotation.due(act, ServerSecrets(PEPPER, NEW_BREAK_KEY)), "sealed with both"
        rows = act.uow.session.scalars(sa.select(BreakShare)).all()
        assert len(rows) == 12
    assert break_one(study, changing, "after-the-change") == words
    assert break_one(study, ServerSecrets(PEPPER, NEW_BREAK_KEY), "the-former-is-gone") == words
    renew(study, ServerSecrets(PEPPER, NEW_BREAK_KEY))
    with study.trial.look("pharmacist") as act:
        assert not break_key_rotation.due(act, ServerSecrets(PEPPER, NEW_BREAK_KEY))


def test_a_lost_break_key_is_replaced_by_a_holder(study: LitStudy) -> None:
    """The shares come from the slots' keys: nothing of the lost one is needed."""
    words = break_one(study, ServerSecrets(PEPPER, BREAK_KEY))
    renew(study, ServerSecrets(PEPPER, NEW_BREAK_KEY))
    assert break_one(study, ServerSecrets(PEPPER, NEW_BREAK_KEY), "with-the-next-one") == words
    with pytest.raises(Refusal, match=NO_FIT):
        break_one(study, ServerSecrets(PEPPER, BREAK_KEY), "with-the-lost-one")


def test_a_drill_passes_at_every_moment_of_a_change(study: LitStudy) -> None:
    """Its kept half is the server's too: made anew with the shares, even when there are none."""
    changing = ServerSecrets(PEPPER, CHANGING.break_key)
    after = ServerSecrets(PEPPER, NEW_BREAK_KEY)
    for server in (ServerSecrets(PEPPER, BREAK_KEY), changing):
        assert study.drill(server=server).name == "Ana Rivera"
    with pytest.raises(Refusal, match=NO_FIT):
        study.drill(server=after)
    renew(study, changing)
    for server in (changing, after):
        assert study.drill(server=server).name == "Ana Rivera"


def test_who_holds_no_list_key_renews_nothing(study: LitStudy) -> None:
    with pytest.raises(Refusal) as refused:
        study.do("checker", break_key_rotation.renew, study.passphrases["checker"], CHANGING)
    assert refused.value.status == 403


# --- what a start does


def test_a_start_takes_the_next_secret_with_the_one_before(
    study: LitStudy, config: Config, sqlite_url: str, tmp_path: Path
) -> None:
    """The next alone is a wrong one; the one before may go when nothing is left under it."""

    def start(**secrets: bytes) -> bool:
        return refuse_wrong_secrets(make_config(sqlite_url, tmp_path, **secrets))

    assert refuse_wrong_secrets(config)
    with pytest.raises(ConfigError, match="TWINBAG_PEPPER is not the secret"):
        start(pepper=NEW_PEPPER)
    both = {"pepper": NEW_PEPPER, "pepper_before": PEPPER}
    assert start(**both)
    assert start(**both)
    with pytest.raises(ConfigError, match="TWINBAG_PEPPER is not the secret"):
        start()
    with pytest.raises(ConfigError, match="TWINBAG_PEPPER_BEFORE is still needed"):
        start(pepper=NEW_PEPPER)
    third = hashlib.sha256(b"a third pepper").digest()
    with pytest.raises(ConfigError, match="finish that first"):
        start(pepper=third, pepper_before=NEW_PEPPER)
    for who in ("pharmacist", "statistician", "pharmacist2", "checker", "investigator"):
        unlock(study, who, CHANGING.pepper)
    assert start(pepper=NEW_PEPPER)
    changing = {"pepper": NEW_PEPPER, "break_key": NEW_BREAK_KEY, "break_key_before": BREAK_KEY}
    assert start(**changing)
    with pytest.raises(ConfigError, match="TWINBAG_BREAK_KEY_BEFORE is still needed"):
        start(pepper=NEW_PEPPER, break_key=NEW_BREAK_KEY)
    renew(study, ServerSecrets(NEW_PEPPER, CHANGING.break_key))
    assert start(pepper=NEW_PEPPER, break_key=NEW_BREAK_KEY)
    events = installation_events(study)
    assert [events.count(name) for name in ("secret_changed", "secret_dropped")] == [2, 2]


# --- K7: what database and configuration together open


def dump_opens(study: LitStudy) -> list[str]:
    """K7: every sealed record tried with every secret of the configuration, alone and joined."""
    found = []
    with study.trial.look("pharmacist") as act:
        session = act.uow.session
        tables = sa.inspect(session.connection()).get_table_names()
        secrets = (PEPPER, BREAK_KEY)
        for table in sorted(name for name in tables if name.startswith("lit_")):
            for row in session.execute(sa.text(f'SELECT * FROM "{table}"')).mappings():
                for column, value in row.items():
                    if not isinstance(value, bytes) or len(value) < 48:
                        continue
                    for secret in secrets:
                        for opener in (unwrap, lambda k, v, c: open_sealed(k, v, 33, c)):
                            for context in contexts_of(row):
                                try:
                                    opener(secret, value, context)
                                except (CannotOpen, ValueError):
                                    continue
                                found.append(f"{table}.{column}")
    return sorted(set(found))


def contexts_of(row: sa.RowMapping) -> list[bytes]:
    """The contexts a row's values may be sealed for, made from its open columns."""
    made = [b""]
    if "key_name" in row and "recipient" in row:
        made.append(b"planted")
    if {"kept_half", "stratum"} <= row.keys():
        place = (row["study_id"], row["key_version"], row["stratum"], row["number"])
        made.append(contexts.break_half("kept", *place, row["person_id"]))
    return made


def test_dump_and_configuration_open_no_wrap(study: LitStudy) -> None:
    """K7: the server's own halves open, which alone are random; no key, record or arm does."""
    assert dump_opens(study) == ["lit_break_share.kept_half"]


def test_a_planted_key_in_the_configuration_is_found(study: LitStudy) -> None:
    """The control: a list key wrapped to something that follows from the break key."""
    with study.trial.act("administrator") as act:
        row = act.uow.session.scalars(sa.select(KeyWrap)).first()
        assert row is not None
        row.wrapped = wrap(key_pair(BREAK_KEY)[1], bytes(32), b"planted")
        act.record("tampered", "study")
    assert "lit_key_wrap.wrapped" in dump_opens(study)
