"""Accounts: names used once, links used once, roles that never meet, and leaving."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import ROLES, Role
from pharmacy.persistence import audit
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.services import accounts, people
from tests.support.browser import stored_bytes
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.world import make_surroundings

ANOTHER = "walnut ferry copper meadow"


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def on_both(database_url: str) -> Iterator[Trial]:
    trial = make_trial(database_url)
    yield trial
    trial.engine.dispose()


def add(trial: Trial, user_name: str = "r.okafor", **changes: str) -> tuple[str, str]:
    """A new person's id and their link's token."""
    typed = {"full_name": "Rose Okafor", "initials": "RO", **changes}
    person, token = trial.do(
        "administrator", people.add_person, user_name, typed["full_name"], typed["initials"]
    )
    return person.id, token


def choose(trial: Trial, token: str, password: str = ANOTHER) -> None:
    with trial.units.acting() as uow:
        people.choose_password(uow, make_surroundings(trial.clock, trial.chance), token, password)
        uow.commit()


def give(trial: Trial, person_id: str, *roles: Role) -> None:
    trial.do("administrator", people.give_roles, person_id, trial.study_id, frozenset(roles))


def test_a_link_works_once(trial: Trial) -> None:
    """F7: the person alone chooses; the link is dead afterwards, for reading and for choosing."""
    _, token = add(trial)
    choose(trial, token)
    with pytest.raises(Refusal, match="used or has expired"):
        choose(trial, token, PASSWORD)
    with trial.units.reading() as uow, pytest.raises(Refusal, match="used or has expired"):
        people.person_of_link(uow, token)


def test_of_two_who_use_a_link_at_once_one_gets_through(on_both: Trial) -> None:
    """F7: settled by the database, on both."""
    for number in range(5):
        _, token = add(on_both, f"r.okafor{number}")

        def use(password: str, token: str = token) -> bool:
            try:
                choose(on_both, token, password)
            except Refusal:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            won = list(pool.map(use, (f"{ANOTHER} {n}" for n in range(4))))
        assert sum(won) == 1


@pytest.mark.parametrize(("hours", "works"), [(23, True), (25, False)])
def test_a_link_expires_after_a_day(trial: Trial, hours: int, works: bool) -> None:
    """F7: 24 hours."""
    _, token = add(trial)
    trial.clock.move(hours=hours)
    if works:
        choose(trial, token)
        return
    with pytest.raises(Refusal):
        choose(trial, token)


def test_a_new_link_ends_the_old_one(trial: Trial) -> None:
    """F8: one open link a person."""
    person_id, old = add(trial)
    _, new = trial.do("administrator", people.new_link, person_id)
    with pytest.raises(Refusal):
        choose(trial, old)
    choose(trial, new)


def test_a_link_is_stored_and_recorded_nowhere(trial: Trial) -> None:
    """E11: the hash alone is kept."""
    person_id, token = add(trial)
    _, second = trial.do("administrator", people.new_link, person_id)
    stored = stored_bytes(trial)
    assert b"r.okafor" in stored
    for one in (token, second):
        assert one.encode() not in stored
        assert bytes.fromhex(one) not in stored


def test_the_link_of_somebody_who_left_is_dead(trial: Trial) -> None:
    """G21: and it reads like any other dead link."""
    person_id, token = add(trial)
    trial.do("administrator", people.leave, person_id)
    with pytest.raises(Refusal, match="used or has expired"):
        choose(trial, token)
    with trial.units.reading() as uow, pytest.raises(Refusal, match="used or has expired"):
        people.person_of_link(uow, token)


def test_a_password_must_be_long_uncommon_and_not_ones_name(trial: Trial) -> None:
    """G1, G3: refused with a reason, and the link still works."""
    _, token = add(trial)
    for weak in ("short", "passwordpassword", "okaforokaforokafor", "x" * 300):
        with pytest.raises(BadForm):
            choose(trial, token, weak)
    choose(trial, token)


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"user_name": "Nurse.Test"}, "user_name"),
        ({"user_name": "r o"}, "user_name"),
        ({"user_name": "r.okafor\n"}, None),
        ({"user_name": "=cmd"}, "user_name"),
        ({"user_name": "r" * 61}, "user_name"),
        ({"full_name": "R"}, "full_name"),
        ({"full_name": "R" * 81}, "full_name"),
        ({"full_name": "Rose\x07Okafor"}, "full_name"),
        ({"initials": "R"}, "initials"),
        ({"initials": "R1"}, "initials"),
        ({"initials": "ROSES"}, "initials"),
    ],
)
def test_what_an_account_may_be_called(trial: Trial, typed: dict[str, str], wrong) -> None:
    """F3: and a name somebody has, in whatever case, is taken."""
    if wrong is None:
        add(trial, **typed)
        return
    with pytest.raises(BadForm) as refused:
        add(trial, **typed)
    assert set(refused.value.errors) == {wrong}


def test_a_user_name_is_never_given_again(trial: Trial) -> None:
    """F3, 21 CFR 11.100(a): not even after its person left."""
    person_id, _ = add(trial)
    trial.do("administrator", people.leave, person_id)
    with pytest.raises(BadForm, match="is or was somebody's"):
        add(trial)


@pytest.mark.parametrize("blinded", [role for role in Role if ROLES[role].blinded])
@pytest.mark.parametrize("unblinded", [role for role in Role if not ROLES[role].blinded])
def test_blinded_and_unblinded_never_meet(trial: Trial, blinded: Role, unblinded: Role) -> None:
    """G20: in one person in one study."""
    person_id, _ = add(trial)
    with pytest.raises(Refusal):
        give(trial, person_id, blinded, unblinded)


def test_once_unblinded_never_blinded_again(trial: Trial) -> None:
    """G20: giving back a role does not make unseen; the other direction is a usual career."""
    person_id, _ = add(trial)
    give(trial, person_id, Role.NURSE)
    give(trial, person_id, Role.CHECKER)
    give(trial, person_id)
    with pytest.raises(Refusal, match="held an unblinded role"):
        give(trial, person_id, Role.NURSE)
    give(trial, person_id, Role.PHARMACIST, Role.CHECKER)


def test_an_administrator_stays_blinded(trial: Trial) -> None:
    """G22: no unblinded role for who runs the installation."""
    with pytest.raises(Refusal, match="administrator is blinded"):
        give(trial, trial.ids["administrator"], Role.CHECKER)
    give(trial, trial.ids["administrator"], Role.BLINDED_MONITOR)


def test_roles_of_no_study_are_refused(trial: Trial) -> None:
    """G20: with a sentence, not a broken page."""
    with pytest.raises(Refusal) as refused:
        trial.do(
            "administrator", people.give_roles, trial.ids["nurse"], "none", frozenset({Role.NURSE})
        )
    assert refused.value.status == 404


def test_changes_of_roles_are_recorded_with_old_and_new(trial: Trial) -> None:
    """E2: and saving the same roles again records nothing."""
    person_id, _ = add(trial)
    give(trial, person_id, Role.NURSE)
    give(trial, person_id, Role.NURSE, Role.COORDINATOR)
    with trial.units.reading() as uow:
        entry = audit.entries(uow.session, INSTALLATION, most=1)[0]
    assert entry.event == "roles_given"
    assert b'"old":{"roles":["nurse"]' in entry.body
    assert b'"new":{"roles":["coordinator","nurse"]' in entry.body


def test_leaving_ends_roles_and_says_which(trial: Trial) -> None:
    """G21, E2: with the reason."""
    nurse = trial.ids["nurse"]
    trial.do("administrator", people.leave, nurse, "Duties changed")
    with trial.look("administrator") as act:
        left = accounts.account(act, nurse)
        entry = audit.entries(act.uow.session, INSTALLATION, most=1)[0]
    assert (left.state, left.present, left.roles) == ("Left", False, ())
    assert b'"role":"nurse"' in entry.body
    assert b'"reason":"Duties changed"' in entry.body
    with pytest.raises(Refusal) as refused:
        trial.do("administrator", people.leave, nurse)
    assert refused.value.status == 404


def test_nobody_ends_their_own_account(trial: Trial) -> None:
    """G21: so one administrator is always left."""
    with pytest.raises(Refusal, match="your own account"):
        trial.do("administrator", people.leave, trial.ids["administrator"])


VERBS = {
    "add_person": (people.add_person, "x.new", "Xenia New", "XN"),
    "new_link": (people.new_link, "someone"),
    "give_roles": (people.give_roles, "someone", "study", frozenset({Role.NURSE})),
    "leave": (people.leave, "someone"),
    "accounts": (accounts.accounts,),
    "account": (accounts.account, "someone"),
    "roles_by_study": (accounts.roles_by_study, "someone"),
    "role_sheet": (accounts.role_sheet, "someone", "study"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_only_an_administrator_may(trial: Trial, verb: str) -> None:
    """E16: judged in the service, before anything is looked up."""
    call, *given = VERBS[verb]
    for name in ("nurse", "pharmacist", "investigator"):
        with pytest.raises(Refusal) as refused:
            trial.do(name, call, *given)
        assert refused.value.status == 403


def test_the_set_up_link_makes_one_administrator_and_no_second(sqlite_url: str) -> None:
    """G19: once there is a person, an older set-up link is dead and no new one is made."""
    trial = make_trial(sqlite_url)
    with trial.units.acting() as uow:
        around = make_surroundings(trial.clock, trial.chance)
        assert people.set_up_link(uow, around) is None


def test_the_operator_adds_an_administrator_first(sqlite_url: str, tmp_path) -> None:
    """G19: from the command line, without a password of anybody's."""
    from pharmacy.persistence.engine import make_engine
    from pharmacy.services.units import Units
    from tests.support.world import Clock, KeyedChance

    units = Units(make_engine(sqlite_url), Clock())
    around = make_surroundings(Clock(), KeyedChance())
    with units.acting() as uow:
        set_up = people.set_up_link(uow, around)
        uow.commit()
    assert set_up is not None
    with units.acting() as uow, pytest.raises(Refusal, match="must be an administrator's"):
        people.add_by_operator(uow, around, "a.admin", "Ada Admin", "AA", administrator=False)
    with units.acting() as uow:
        person, token = people.add_by_operator(
            uow, around, "a.admin", "Ada Admin", "AA", administrator=True
        )
        uow.commit()
    assert person.administrator
    assert person.password_hash is None
    with units.reading() as uow:
        assert people.person_of_link(uow, token).id == person.id
        with pytest.raises(Refusal):
            people.person_of_link(uow, set_up)


def test_what_a_form_may_offer(trial: Trial) -> None:
    """G20: roles that can be given, and a sentence for each that cannot."""
    person_id, _ = add(trial)
    with trial.look("administrator") as act:
        sheet = accounts.role_sheet(act, person_id, trial.study_id)
        own = accounts.role_sheet(act, trial.ids["administrator"], trial.study_id)
        seen = accounts.role_sheet(act, trial.ids["pharmacist"], trial.study_id)
    offered = {offer.role for offer in sheet.blinded + sheet.unblinded}
    assert offered == {role for role in Role if ROLES[role].has_page}
    assert all(ROLES[offer.role].blinded for offer in sheet.blinded)
    assert not any(ROLES[offer.role].blinded for offer in sheet.unblinded)
    assert "Second custodian has no page yet, so the role cannot be given." in sheet.not_offered
    assert own.unblinded == ()
    assert any("administrator stays blinded" in sentence for sentence in own.not_offered)
    assert seen.blinded == ()
    assert any("held an unblinded role" in sentence for sentence in seen.not_offered)
    assert [offer.role for offer in seen.unblinded if offer.held] == [Role.PHARMACIST]
