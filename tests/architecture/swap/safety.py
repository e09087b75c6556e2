"""Safety unblinding in the script: a recall and a report with their letters, one shown again.

The letters carry arms and are not compared. What is: that nothing of them stands outside the sealed
trail, and that as many entries stand there in every world, whomever the recall concerns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmacy.unblinded import safety_unblinding
from tests.architecture.swap import bench_work
from tests.architecture.swap.desk import PREPARED
from tests.support.builders import PASSWORD

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

_PDF = b"%PDF-"
_RELEASED = "2026-03-02"
_RECIPIENT = {
    "name": "Dr. Lee",
    "organisation": "County Hospital",
    "role": "physician",
    "contact": "205-555-0177",
    "second_user_name": "checker.test",
    "second_password": PASSWORD,
    "password": PASSWORD,
}


def tell(journey: Journey) -> None:
    """The pharmacist asks with the checker; what they write follows the world."""
    pharmacist = bench_work.at_the_board(journey)
    page = f"/lit/{journey.study.study_id}/safety"
    said = {**_RECIPIENT, "said": journey.world.life(0).words}
    with journey.study.trial.look("pharmacist") as act:
        one = next(id_ for id_, code in safety_unblinding.who(act) if code == PREPARED[0])
    for about in (
        {"kind": "recall", "product": "0", "first": _RELEASED, "last": _RELEASED},
        {"kind": "report", "participant": one},
    ):
        pharmacist.open(f"{page}/new")
        pharmacist.fill("/new", **said, **about)
        assert pharmacist.raw.startswith(_PDF)
    pharmacist.open(page)
    pharmacist.fill("/show", password=PASSWORD)
    assert pharmacist.raw.startswith(_PDF)
    for who in ("coordinator", "pharmacist"):
        journey.browser(who).open(journey.path("notices"))
