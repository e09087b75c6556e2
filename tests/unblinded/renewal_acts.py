"""What tests of rotation, revocation and new keys do again and again."""

from __future__ import annotations

from pharmacy.domain.errors import Refusal
from pharmacy.persistence import bags
from pharmacy.unblinded import (
    bag_record,
    break_shares,
    granting,
    rekeying,
    revoking,
    rotation,
    trail,
)
from pharmacy.unblinded.arm import reveal
from pharmacy.unblinded.envelope import open_envelope
from pharmacy.unblinded.rotation import Asked
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.warrants import commit_warrant
from tests.support.builders import PASSWORD
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy

SECRETS = ServerSecrets(PEPPER, BREAK_KEY)
HOLDERS = ("statistician", "pharmacist", "pharmacist2", "checker")


def asked(study: LitStudy, who: str, reason: str = "yearly") -> Asked:
    """What `who` types to renew the keys."""
    return Asked(reason, PASSWORD, study.passphrases[who])


def rotate(study: LitStudy, by: str = "pharmacist") -> int:
    """Renew the study's keys; every room is closed afterwards. The new version."""
    made = study.do(by, rotation.rotate, asked(study, by), SECRETS)
    study.rooms.clear()
    return int(made.version)


def revoke(study: LitStudy, whom: str, by: str = "pharmacist") -> None:
    """Take somebody's keys back."""
    person_id = study.trial.ids[whom]
    study.do(by, revoking.revoke, person_id, asked(study, by, "left"), SECRETS)
    study.rooms.clear()


def change_passphrase(study: LitStudy, who: str) -> str:
    """A new passphrase, shown and typed back; the old one is returned."""
    old = study.passphrases[who]
    words = study.trial.do(who, rekeying.begin_change, old, PEPPER)
    study.trial.do(who, rekeying.confirm_change, words, PEPPER, "another session")
    study.passphrases[who] = words
    return old


def forget(study: LitStudy, who: str) -> None:
    """Give up the keys and make new ones; nobody has compared them yet."""
    study.trial.do(who, rekeying.give_up_keys, PASSWORD, True)
    study.rooms.pop(who, None)
    study.make_keys(who)


def held(study: LitStudy, who: str) -> tuple[str, ...]:
    """The names of the keys that a person holds, as anybody can read them."""
    with study.trial.look("pharmacist") as act:
        return granting.granted(act, study.trial.ids[who])


def share_count(study: LitStudy, who: str = "investigator") -> int:
    """How many shares an investigator has."""
    with study.trial.look("pharmacist") as act:
        return len(break_shares.shares(act, study.trial.ids[who]))


def all_rooms(study: LitStudy) -> None:
    """Everybody opens the room once, so that everybody has pins."""
    for who in HOLDERS:
        study.room(who)


def what_opens(study: LitStudy, who: str, bag_id: str) -> str:
    """What a holder of the list key reads: the room, a bag's record, the trail, its envelope."""
    room = study.open_room(who)
    with study.trial.act(who) as act:
        assert trail.entries(act, room.record_key)[0]["event"] == "keys_founded"
        record = bag_record.read(act, room, bag_id)
        if room.list_key is None:
            return str(record.stage)
        found = bags.bag_with_day(act.uow.session, bag_id)
        assert found is not None
        course, reason = found[2], "preparation"
        warrant = commit_warrant(act, room, "opened", f"bag:{bag_id}", reason)
        return reveal(open_envelope(act, room, warrant, course.participant_id))


def opens_nothing(study: LitStudy, who: str) -> bool:
    """Whether a person's passphrase opens no room of this study."""
    try:
        study.open_room(who)
    except Refusal:
        return True
    return False
