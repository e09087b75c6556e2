"""What is recorded by hand before going live: a mailed test, a drilled restore, where cards are."""

from __future__ import annotations

import re
from datetime import date

from pharmacy.domain.errors import BadForm
from pharmacy.domain.roles import Permission
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import notices
from pharmacy.persistence.approvals import RestoreDrill
from pharmacy.persistence.card_keeping import CardKeeping
from pharmacy.persistence.notices import Notice
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.signing import sign
from pharmacy.services.study_time import study_moment, study_today

DRILL_MEANING = "I restored this backup on another machine, and its checks passed."
CARDS_MEANING = "I state where the sealed code-break cards of this study are kept."
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PHONE = re.compile(r"[+(0-9][0-9 ().-]{5,28}[0-9]")


def send_test_notice(act: Act) -> None:
    """Write a notice that tells of nothing, so that its mail shows whether the others arrive."""
    act.permit(Permission.ADMINISTER)
    stages.admit(act, StudyAct.KEEP)
    made = Notice(
        id=act.new_id("test notice"),
        study_id=act.in_study.id,
        sentence=(
            f"This is a test that {act.person.full_name} asked for at "
            f"{study_moment(act, act.now)}. No code was broken."
        ),
        made_at=act.now,
    )
    notices.add(act.uow.session, made)
    notices.mark_test(act.uow.session, made.id)
    act.record("test_notice_asked", f"study:{act.in_study.id}")


def record_restore_drill(act: Act, drilled_on: date | None, sha256: str, password: str) -> None:
    """Sign that a backup was restored and checked on another machine, on which day.

    A day that is missing or to come and a fingerprint that is none are `BadForm`.
    """
    act.permit(Permission.ADMINISTER)
    stages.admit(act, StudyAct.KEEP)
    errors, typed = {}, "".join(sha256.split()).lower()
    if drilled_on is None or drilled_on > study_today(act):
        errors["drilled_on"] = "Choose the day of the drill; it is not to come."
    if not _SHA256.fullmatch(typed):
        errors["sha256"] = "Type the 64 characters of the backup's SHA-256."
    if errors or drilled_on is None:
        raise BadForm(errors)
    facts: dict[str, object] = {"drilled_on": drilled_on, "backup_sha256": typed}
    drill_id = act.new_id("restore drill")
    signature = sign(act, password, DRILL_MEANING, "restore_drill", drill_id, facts)
    act.uow.session.add(
        RestoreDrill(
            id=drill_id,
            study_id=act.in_study.id,
            drilled_on=drilled_on,
            backup_sha256=bytes.fromhex(typed),
            signature_id=signature.id,
        )
    )
    said = {**facts, "meaning": DRILL_MEANING, "signature": signature.id}
    act.record("restore_drilled", f"study:{act.in_study.id}", new=said)


def record_card_keeping(
    act: Act, pharmacy_place: str, physician_name: str, physician_phone: str, password: str
) -> None:
    """Sign where both sets of code-break cards are: the place, and the physician with a telephone.

    A text that cannot be read and a number that is none are `BadForm`.
    """
    act.permit(Permission.PREPARE)
    stages.admit(act, StudyAct.KEEP)
    said = {
        "pharmacy_place": " ".join(pharmacy_place.split()),
        "physician_name": " ".join(physician_name.split()),
        "physician_phone": " ".join(physician_phone.split()),
    }
    errors = {
        name: "Type 2 to 80 characters."
        for name, text in said.items()
        if not 2 <= len(text) <= 80 or not text.isprintable()
    }
    if not _PHONE.fullmatch(said["physician_phone"]):
        errors["physician_phone"] = "Type a telephone number, such as 205-555-0142."
    if errors:
        raise BadForm(errors)
    keeping_id = act.new_id("card keeping")
    facts: dict[str, object] = {**said}
    signature = sign(act, password, CARDS_MEANING, "card_keeping", keeping_id, facts)
    act.uow.session.add(
        CardKeeping(
            id=keeping_id, study_id=act.in_study.id, signature_id=signature.id, **said
        )
    )
    kept = {**facts, "meaning": CARDS_MEANING, "signature": signature.id}
    act.record("card_keeping_stated", f"study:{act.in_study.id}", new=kept)
