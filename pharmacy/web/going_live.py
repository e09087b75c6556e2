"""The gates before a live study goes live, the acts that open three of them, and the signatures."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from pharmacy.domain.going_live import Gate
from pharmacy.domain.roles import Permission, may
from pharmacy.services import going_live, readiness
from pharmacy.web.access import act, door
from pharmacy.web.forms import DayField, PageForm, attempt, told
from pharmacy.web.frame import page as frame
from pharmacy.web.house import house

blueprint = Blueprint("going_live", __name__)

# Where a gate is opened; the lit room adds its own where it is part of the process.
GATE_LINKS: dict[Gate, tuple[Permission, str]] = {
    Gate.PROTOCOL: (Permission.APPROVE, "protocols.shown"),
    Gate.DEFAULTS: (Permission.CONFIRM_DEFAULTS, "protocols.shown"),
    Gate.CARDS: (Permission.PREPARE, "going_live.cards"),
    Gate.NOTICES: (Permission.ADMINISTER, "going_live.test_notice"),
    Gate.RESTORE: (Permission.ADMINISTER, "going_live.restore_drill"),
}


class SignForm(PageForm):
    """The signature of one side; the fingerprint is of the protocol that the page named."""

    fingerprint = HiddenField()
    password = PasswordField("Password", [InputRequired("Type your password to sign.")])


class RestoreForm(PageForm):
    """The drill of a restore."""

    drilled_on = DayField("Day of the drill", [InputRequired("Type the day of the drill.")])
    sha256 = StringField(
        "SHA-256 of the backup",
        [InputRequired("Type the backup's SHA-256.")],
        description="64 characters: sha256sum of the file that was restored.",
    )
    password = PasswordField("Password", [InputRequired("Type your password to sign.")])


class CardsForm(PageForm):
    """Where the two sets of code-break cards are."""

    pharmacy_place = StringField(
        "Place in the pharmacy",
        [InputRequired("Type where the pharmacy's set is kept.")],
        description="Such as: narcotics safe, top shelf.",
    )
    physician_name = StringField(
        "On-call physician",
        [InputRequired("Type who keeps the second set.")],
        description="The service or the person that answers at any hour.",
    )
    physician_phone = StringField(
        "Their telephone, 24 hours",
        [InputRequired("Type the physician's telephone number.")],
        description="Such as 205-555-0177.",
    )
    password = PasswordField("Password", [InputRequired("Type your password to sign.")])


class TestNoticeForm(PageForm):
    """Nothing to type."""


@blueprint.get("/study/<study_id>/going-live")
@door()
def shown(study_id: str) -> str:
    """Every gate with what shows it and who opens it."""
    return _page(SignForm())


@blueprint.post("/study/<study_id>/going-live")
@door(Permission.APPROVE)
def sign(study_id: str) -> tuple[str, int] | Response:
    """Sign for one's own side."""
    form = SignForm(request.form)
    answered = attempt(form, lambda: _sign(form))
    return answered or (_page(form), form.status)


@blueprint.route("/study/<study_id>/going-live/test-notice", methods=["GET", "POST"])
@door(Permission.ADMINISTER)
def test_notice(study_id: str) -> str | tuple[str, int] | Response:
    """Have a notice mailed that tells of nothing."""
    form = TestNoticeForm(request.form)
    if request.method == "POST":
        answered = attempt(form, _test_notice)
        if answered:
            return answered
    return render_template(
        "going_live/test_notice.html", page=frame("Test notice"), form=form
    ), form.status


@blueprint.route("/study/<study_id>/going-live/restore-drill", methods=["GET", "POST"])
@door(Permission.ADMINISTER)
def restore_drill(study_id: str) -> str | tuple[str, int] | Response:
    """Sign that a restore was drilled."""
    form = RestoreForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _restore(form))
        if answered:
            return answered
    return render_template(
        "going_live/restore_drill.html",
        page=frame("Restore drill"),
        form=form,
        meaning=readiness.DRILL_MEANING,
    ), form.status


@blueprint.route("/study/<study_id>/going-live/cards", methods=["GET", "POST"])
@door(Permission.PREPARE)
def cards(study_id: str) -> str | tuple[str, int] | Response:
    """Sign where the code-break cards are kept."""
    form = CardsForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _cards(form))
        if answered:
            return answered
    return render_template(
        "going_live/cards.html",
        page=frame("Keeping of the code-break cards"),
        form=form,
        meaning=readiness.CARDS_MEANING,
    ), form.status


def _sign(form: SignForm) -> str:
    live = going_live.sign_going_live(
        act(), house().lit_facts, form.fingerprint.data or "", form.password.data
    )
    return told(_here(), "gone_live" if live else "going_live_signed")


def _test_notice() -> str:
    readiness.send_test_notice(act())
    return told(_here(), "test_notice_asked")


def _restore(form: RestoreForm) -> str:
    day: date | None = form.drilled_on.data
    readiness.record_restore_drill(act(), day, form.sha256.data, form.password.data)
    return told(_here(), "restore_drilled")


def _cards(form: CardsForm) -> str:
    readiness.record_card_keeping(
        act(),
        form.pharmacy_place.data,
        form.physician_name.data,
        form.physician_phone.data,
        form.password.data,
    )
    return told(_here(), "card_keeping_stated")


def _here() -> str:
    return url_for("going_live.shown", study_id=act().in_study.id)


def _links() -> dict[Gate, str]:
    """Where the reader may go to open a gate."""
    known = {**GATE_LINKS, **house().gate_links}
    return {
        gate: url_for(endpoint, study_id=act().in_study.id)
        for gate, (permission, endpoint) in known.items()
        if _may(permission)
    }


def _may(permission: Permission) -> bool:
    if permission is Permission.ADMINISTER:
        return bool(act().person.administrator)
    return may(act().roles, permission)


def _page(form: SignForm) -> str:
    return render_template(
        "going_live/shown.html",
        page=frame("Going live"),
        going=going_live.page(act(), house().lit_facts),
        links=_links(),
        form=form,
        meaning=going_live.MEANING,
    )
