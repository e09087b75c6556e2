"""What other ceremonies made stays good when the keys are renewed: parts, drill, recovery (K11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Role
from pharmacy.persistence import participants
from pharmacy.unblinded import (
    break_key_rotation,
    list_opening,
    list_proof,
    load_certificate,
    recovery_reissue,
    rotation,
    server_secrets,
)
from pharmacy.unblinded.list_parts import Part
from pharmacy.unblinded.list_table import read_part
from pharmacy.unblinded.recovery_halves import join_sheets
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import KeyWrap, ListPart, Slot, StudyKeys
from pharmacy.unblinded.tables_keys import ListSeal
from pharmacy.unblinded.tables_recovery import SealedServerSecret
from tests.support.growth_builders import ANOTHER, BLOCK, grow, parts_of, rules_for
from tests.support.lit_builders import ARMS, PEPPER, LitStudy, open_study, table_of
from tests.unblinded.recovery_acts import newcomer, take_over
from tests.unblinded.renewal_acts import (
    HOLDERS,
    SECRETS,
    all_rooms,
    asked,
    opens_nothing,
    revoke,
    rotate,
    share_count,
)
from tests.unblinded.test_server_secrets import CHANGING, NEW_BREAK_KEY

TRUSTED = "not the ones you trusted"
DURING = ServerSecrets(PEPPER, CHANGING.break_key)


@pytest.fixture
def study(database_url: str) -> Iterator[LitStudy]:
    """A list of two parts, a participant with a place, an investigator who has tried their keys."""
    made = open_study(database_url, enrolled=("M-001",))
    made.enrol_breaker()
    made.try_break_keys()
    grow(made, BLOCK)
    all_rooms(made)
    yield made
    made.trial.units.close()


def _break(study: LitStudy) -> str:
    with study.trial.look("pharmacist") as act:
        found = participants.of_study(act.uow.session, study.study_id)
    answer = study.break_code(found[0].id)
    assert answer.compared
    return answer.words


def _tamper(study: LitStudy, change: Callable[[Session], None]) -> None:
    with study.trial.act("administrator") as act:
        change(act.uow.session)
        act.record("tampered", "study")


def _proved(study: LitStudy, part: int, groups: str) -> None:
    """Certificate, rows and opening of one part still prove each other."""
    words = study.passphrases["statistician"]
    form = f"form-of-16-letters-{part}"
    opening = study.do(
        "statistician", list_opening.reveal_opening, "drill", words, form, PEPPER, part
    )
    with study.trial.look("statistician") as act:
        certificate = list_proof.read(load_certificate.certificate_file(act, part))
    assert list_proof.is_signed(certificate)
    rows = read_part(table_of(groups), rules_for(study))
    assert list_proof.is_of(certificate, bytes.fromhex(opening), rows)


# --- the parts of a list


def test_every_part_of_a_list_goes_on(study: LitStudy) -> None:
    """K1, C3: parts of before and of after a renewal, and one renewal more over both."""
    arm = _break(study)
    rotate(study)
    grow(study, ANOTHER)
    assert [(part.loaded_version, part.key_version) for part in parts_of(study)] == [
        (1, 2),
        (1, 2),
        (2, 2),
    ]
    for _ in range(2):
        for who in HOLDERS:
            assert study.open_room(who).record_key
        for part, groups in ((1, ARMS), (2, BLOCK), (3, ANOTHER)):
            _proved(study, part, groups)
        assert _break(study) == arm
        study.try_break_keys(granter="pharmacist")
        rotate(study)
    assert {part.key_version for part in parts_of(study)} == {4}
    assert share_count(study) == len(ARMS) + 8


def _drop_last_part(session: Session) -> None:
    session.execute(sa.delete(ListPart).where(ListPart.part == 2))
    session.execute(sa.delete(Slot).where(Slot.part == 2))


def _alter_last_slot(session: Session) -> None:
    row = session.scalars(sa.select(Slot).where(Slot.part == 2)).first()
    assert row is not None
    row.envelope = row.envelope[:-1] + bytes([row.envelope[-1] ^ 1])


def _call_it_new(session: Session) -> None:
    session.execute(sa.update(ListPart).values(loaded_version=2))


def _drop_seal(session: Session) -> None:
    session.execute(sa.delete(ListSeal))


@pytest.mark.parametrize("change", [_drop_last_part, _alter_last_slot, _call_it_new, _drop_seal])
def test_renewed_parts_are_compared(study: LitStudy, change: Callable[[Session], None]) -> None:
    """K12: what whoever renewed has signed is these parts and no others."""
    rotate(study)
    _tamper(study, change)
    for who in ("pharmacist2", "statistician"):
        with pytest.raises(Refusal, match=TRUSTED):
            study.open_room(who)


def test_a_part_that_nobody_signed_stops_a_renewal(study: LitStudy) -> None:
    """A renewal takes over nothing that a holder would not have opened."""

    def change(session: Session) -> None:
        part: Part = session.scalars(sa.select(ListPart)).one()
        part.signature = bytes(64)

    _tamper(study, change)
    with pytest.raises(Refusal, match=TRUSTED):
        rotate(study)


# --- the drill


def test_the_drill_passes_after_a_renewal_and_no_revoked_one_does(study: LitStudy) -> None:
    """J1: made anew with the shares, for whoever remains."""
    study.drill()
    rotate(study)
    assert study.drill().name == "Ana Rivera"
    rotate(study, "pharmacist2")
    assert study.drill().name == "Ana Rivera"
    revoke(study, "investigator")
    with pytest.raises(Refusal):
        study.drill()


def test_keys_are_renewed_while_the_break_key_changes(study: LitStudy) -> None:
    """K11: the shares are proved under the key of now or of before, and are under that of now."""
    arm = _break(study)
    study.do("pharmacist", rotation.rotate, asked(study, "pharmacist"), DURING)
    study.rooms.clear()
    with study.trial.look("pharmacist") as act:
        assert break_key_rotation.left(act, DURING) == []
    after = ServerSecrets(PEPPER, NEW_BREAK_KEY)
    assert study.drill(server=after).name == "Ana Rivera"
    words = study.passphrases["pharmacist2"]
    study.do("pharmacist2", break_key_rotation.renew, words, after)
    assert study.drill(server=after).name == "Ana Rivera"
    assert study.break_code(_allocated(study), server=after).words == arm


def _allocated(study: LitStudy) -> str:
    with study.trial.look("pharmacist") as act:
        return participants.of_study(act.uow.session, study.study_id)[0].id


# --- the recovery key


def test_the_recovery_key_opens_what_was_renewed(study: LitStudy) -> None:
    """K1, H8: two sheets of one pair, after two renewals by different people."""
    rotate(study)
    rotate(study, "pharmacist2")
    newcomer(study)
    take_over(study, pair="2")
    room = study.open_room("newcomer", enrolled_by="newcomer")
    assert room.list_key
    assert room.version == 3
    with study.trial.look("newcomer") as act:
        made = act.uow.session.get_one(StudyKeys, (study.study_id, 3))
        rows = act.uow.session.scalars(sa.select(SealedServerSecret)).all()
        wraps = act.uow.session.scalars(
            sa.select(KeyWrap.version).where(KeyWrap.recipient == "recovery")
        ).all()
        assert server_secrets.are_sealed(act, SECRETS)
    assert study.recovery is not None
    assert list(wraps) == [3, 3]
    public = made.recovery_public
    joined = join_sheets(study.study_id, public, *study.recovery.words("A1", "B1"))
    opened = {
        row.name: server_secrets.opened(row.study_id, joined.private, public, row.name, row.wrapped)
        for row in rows
    }
    assert opened == {"pepper": PEPPER, "break_key": SECRETS.break_key}


def test_whoever_recovered_renews_and_the_others_follow(study: LitStudy) -> None:
    """Somebody without the others' words: the recovery key's signature carries them."""
    rotate(study)
    newcomer(study)
    take_over(study)
    study.open_room("newcomer", enrolled_by="newcomer")
    assert rotate(study, "newcomer") == 3
    for who in HOLDERS:
        assert study.open_room(who).record_key
    assert _break(study)


def test_new_sheets_after_a_renewal_and_a_renewal_after_new_sheets(study: LitStudy) -> None:
    """The anchor is of the version of its day; what came later is followed."""
    rotate(study)
    study.room("pharmacist2")
    words = study.passphrases["pharmacist2"]
    study.recovery = study.trial.do("pharmacist2", recovery_reissue.reissue, words, SECRETS)
    rotate(study)
    newcomer(study, role=Role.STATISTICIAN)
    take_over(study)
    assert study.open_room("newcomer", enrolled_by="newcomer").list_key


def test_a_revoked_newcomer_of_the_recovery_key_is_out(study: LitStudy) -> None:
    """Its word for somebody ends with their keys; the sheets go on for the next."""
    newcomer(study)
    take_over(study)
    study.open_room("newcomer", enrolled_by="newcomer")
    study.rooms.clear()
    revoke(study, "newcomer")
    assert opens_nothing(study, "newcomer")
    newcomer(study, "another")
    take_over(study, "another")
    assert study.open_room("another", enrolled_by="another").list_key
