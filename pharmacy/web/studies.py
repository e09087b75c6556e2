"""The administrator's pages for studies: which there are, making one, and adding its sites."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, StringField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.services import studies
from pharmacy.services.studies import NewSite
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame
from pharmacy.web.house import house

blueprint = Blueprint("studies", __name__)

_COMMON_ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
)


class StudyForm(PageForm):
    """A study and its first site."""

    protocol = SelectField("Protocol", [InputRequired("Choose a protocol.")])
    mode = RadioField(
        "What it is for",
        [InputRequired("Choose practice or live.")],
        choices={
            "practice": "Practice: everything carries TRAINING - NOT FOR HUMAN USE",
            "live": "Live: prepared first, open to participants once it has gone live",
        },
        default="practice",
    )
    code = StringField(
        "Site code",
        [InputRequired("Type the site's code.")],
        description="As the sponsor and the list rules write it, such as UAB.",
    )
    investigator_name = StringField(
        "Investigator",
        [InputRequired("Type the investigator's name.")],
        description="As it stands on labels, such as A. Rivera, MD.",
    )
    pharmacy_name = StringField(
        "Pharmacy name",
        [InputRequired("Type the pharmacy's name.")],
        description="As it stands on labels.",
    )
    pharmacy_address = StringField(
        "Pharmacy address",
        [InputRequired("Type the pharmacy's address.")],
        description="In one line, such as 1200 5th Ave S, Birmingham AL 35233.",
    )
    pharmacy_phone = StringField(
        "Pharmacist, 24 hours",
        [InputRequired("Type the pharmacist's telephone number.")],
        description="Such as 205-555-0142.",
    )
    unblinding_phone = StringField(
        "Emergency unblinding, 24 hours",
        [InputRequired("Type the telephone number for emergency unblinding.")],
        description="Another number than the pharmacist's.",
    )
    sponsor_phone = StringField(
        "Sponsor, 24 hours",
        description="Shown with a broken code. A live study needs it.",
    )
    zone = StringField(
        "Time zone",
        [InputRequired("Choose the site's time zone.")],
        default="America/Chicago",
        description="Of the list, or any IANA name.",
        render_kw={"list": "zones"},
    )
    run_times = StringField(
        "Runs",
        [InputRequired("Type when preparation begins.")],
        default="09:00, 13:00",
        description=(
            'When a scheduled preparation begins, such as "09:00, 13:00". '
            'To practise without waiting: "every 5 minutes".'
        ),
    )


class SiteForm(StudyForm):
    """Another site of a study."""

    protocol = None
    mode = None


@blueprint.get("/studies")
@door(Permission.ADMINISTER)
def listed() -> str:
    """Every study of the installation."""
    return render_template(
        "studies/listed.html", page=frame("Studies"), studies=studies.list_studies(act())
    )


@blueprint.route("/studies/make", methods=["GET", "POST"])
@door(Permission.ADMINISTER)
def make() -> str | tuple[str, int] | Response:
    """Make a study from a shipped protocol, with its first site."""
    form = StudyForm(request.form)
    form.protocol.choices = {
        shipped.name: shipped.title for shipped in studies.shipped_protocols()
    }
    if request.method == "POST":
        answered = attempt(form, lambda: _make(form))
        if answered:
            return answered
    shown_page = render_template(
        "studies/make.html", page=frame("Make a study"), form=form, zones=_COMMON_ZONES
    )
    return shown_page, form.status


@blueprint.get("/study/<study_id>")
@door(Permission.ADMINISTER)
def shown(study_id: str) -> str:
    """The facts of one study and its site."""
    facts = studies.study_facts(act())
    return render_template("studies/shown.html", page=frame(facts.code), facts=facts)


@blueprint.route("/study/<study_id>/sites/add", methods=["GET", "POST"])
@door(Permission.ADMINISTER)
def add_site(study_id: str) -> str | tuple[str, int] | Response:
    """Add another site to a study."""
    form = SiteForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _add_site(form))
        if answered:
            return answered
    shown_page = render_template(
        "studies/add_site.html",
        page=frame("Add a site"),
        form=form,
        zones=_COMMON_ZONES,
        study_id=study_id,
        code=act().in_study.code,
    )
    return shown_page, form.status


def _add_site(form: SiteForm) -> str:
    studies.add_site(act(), _site(form))
    return told(url_for("studies.shown", study_id=act().in_study.id), "site_added")


def _site(form: StudyForm | SiteForm) -> NewSite:
    return NewSite(
        code=form.code.data,
        pharmacy_name=form.pharmacy_name.data,
        pharmacy_address=form.pharmacy_address.data,
        pharmacy_phone=form.pharmacy_phone.data,
        unblinding_phone=form.unblinding_phone.data,
        sponsor_phone=form.sponsor_phone.data or "",
        zone=form.zone.data,
        investigator_name=form.investigator_name.data,
        run_times=form.run_times.data,
    )


def _make(form: StudyForm) -> str:
    study = studies.make_study(
        act(),
        form.mode.data,
        studies.shipped_text(form.protocol.data),
        _site(form),
        practice_only=house().practice_only,
    )
    return told(url_for("studies.shown", study_id=study.id), "study_made")
