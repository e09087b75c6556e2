"""Hand to checker: the first person's room locks, the second person checks in at the same bag."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from pharmacy.domain.roles import Permission
from pharmacy.services import passkey_proof
from pharmacy.unblinded import handing_over
from pharmacy.unblinded import room as rooms
from pharmacy.unblinded.doorway import (
    half,
    let_in,
    let_sign_in,
    lit_frame,
    operation_id,
    pepper,
    session_id,
    the_room,
)
from pharmacy.unblinded.handing_over import CheckIn, HandedOver
from pharmacy.unblinded.views.bench_forms import CheckInForm
from pharmacy.web.access import act, door
from pharmacy.web.forms import attempt
from pharmacy.web.frame import page as frame
from pharmacy.web.known_device import whence

blueprint = Blueprint(
    "lit_hand_over",
    __name__,
    template_folder="../templates",
    url_prefix="/lit/<study_id>/bags/<bag_id>",
)


@blueprint.post("/hand-over")
@door(Permission.WORK_AT_BENCH, lit=True)
def begin(study_id: str, bag_id: str) -> Response:
    """Lock the room and ask for the next person."""
    handing_over.begin(act(), the_room(), bag_id, half(), pepper())
    g.uow.commit()
    return redirect(url_for("lit_hand_over.check_in", study_id=study_id, bag_id=bag_id), 303)


@blueprint.route("/check-in", methods=["GET", "POST"])
@door(Permission.WORK_AT_BENCH, lit=True)
def check_in(study_id: str, bag_id: str) -> str | tuple[str, int] | Response:
    """The second person signs in and opens the room; the page is then theirs."""
    form, cookies = CheckInForm(request.form), []
    if request.method == "POST":
        answered = attempt(form, lambda: _check_in(form, bag_id, cookies))
        if answered:
            return let_sign_in(let_in(answered, cookies[0].half), cookies[0].token)
    elif _waiting() is None:
        return redirect(url_for("lit_bench.page", study_id=study_id, bag_id=bag_id), 303)
    shown = render_template(
        "lit/bench/check_in.html",
        page=frame("Check in at the bench"),
        lit=lit_frame(),
        form=form,
        passkey_options=passkey_proof.to_show(
            g.uow, act().surroundings, current_user.session, None
        ),
        study_id=study_id,
        bag_id=bag_id,
    )
    return shown, form.status


def _check_in(form: CheckInForm, bag_id: str, cookies: list[HandedOver]) -> str:
    said = CheckIn(
        form.user_name.data,
        form.second_password.data,
        form.passphrase.data,
        form.granter_words.data or "",
        form.one_time_code.data or "",
        request.form.get("passkey", ""),
    )
    cookies.append(
        handing_over.check_in(
            act(),
            current_user.session,
            _waiting(),
            bag_id,
            operation_id(),
            said,
            whence(form.user_name.data),
            pepper(),
        )
    )
    return url_for("lit_bench.page", study_id=act().in_study.id, bag_id=bag_id)


def _waiting() -> rooms.OpenRoom | None:
    return rooms.waiting(act(), session_id(), half(), pepper())
