"""What a person sees when something is refused, and when something is broken."""

from __future__ import annotations

import logging

from flask import Flask, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, SecurityError

from pharmacy.domain.errors import BadForm, Conflict, Lack, Refusal, Unavailable
from pharmacy.services.operations import SECRET_FIELDS
from pharmacy.web.access import Door
from pharmacy.web.addresses import page_address
from pharmacy.web.forms import again
from pharmacy.web.frame import bare_page, page
from pharmacy.web.house import house

_SENTENCES = {
    400: "The form could not be read. Open the page again and send it once more.",
    404: "There is no such page.",
    405: "This page cannot be used that way.",
    413: "What was sent is too large.",
}
_WAYS_ON = {
    "scanning": ("scanning.scan", "Scan the bag"),
    "infusions": ("scanning.scan", "Scan the bag"),
    "arrivals": ("arrivals.receive", "Receive a delivery"),
}
_BEFORE_A_BREAK = ("sign_in", "second_step")
_AGAIN_IN_S = {Lack.BUSY: 5, Lack.CROWDED: 5}
_AGAIN_LATER_IN_S = 30
# What is asked for once more, since no page carries it. Other secrets belong to the lit room.
_ASKED_AGAIN = {"password": "Your password", "new_password": "New password"}
_OWN_FIELDS = frozenset({"csrf_token", "operation_id"})
_NOT_KEPT = SECRET_FIELDS - _OWN_FIELDS - set(_ASKED_AGAIN)
_BROKEN = (
    "Something went wrong on our side. Nothing was half done. "
    "Tell the administrator this reference number."
)


def answer_failures(app: Flask) -> None:
    """Put a sentence between a view that fails and a person."""
    app.register_error_handler(Unavailable, _unavailable)
    app.register_error_handler(Conflict, _conflict)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(BadForm, _bad_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _broken)


def _conflict(error: Conflict) -> ResponseReturnValue:
    """The loser of two equal acts is led where the winner was; another act is told to look."""
    try:
        g.uow.rollback()
        answered = again()
    except Unavailable as lacking:
        return _unavailable(lacking)
    return answered if answered is not None else _refused(error)


def _refused(error: Refusal) -> ResponseReturnValue:
    back_url, back_text = _way_on()
    return _show(error.sentence, error.status, back_url=back_url, back_text=back_text)


def _way_on() -> tuple[str, str]:
    """What most refusals at the bedside ask for is one tap away; elsewhere the start is."""
    endpoint, text = _WAYS_ON.get(request.blueprint or "", ("", ""))
    if not endpoint or "act" not in g:
        return "", ""
    return url_for(endpoint, study_id=g.act.in_study.id), text


def _bad_form(error: BadForm) -> ResponseReturnValue:
    return _show(" ".join(error.errors.values()), 400)


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error
    if status == 405 and request.method in ("GET", "HEAD"):
        return redirect(page_address(), 303)  # a form's own address, typed or reloaded
    if isinstance(error, SecurityError):
        return _SENTENCES[400], status  # asked by a name that is not ours, no page has an address
    return _show(_SENTENCES.get(status, "This cannot be answered."), status)


def _unavailable(error: Unavailable) -> ResponseReturnValue:
    """A page that asks the database for nothing and loses nothing: the same form, once more."""
    _log_unavailable(error)
    response = make_response(_page_without_database(error), error.status)
    response.headers["Retry-After"] = str(_AGAIN_IN_S.get(error.lack, _AGAIN_LATER_IN_S))
    return response


def _page_without_database(error: Unavailable) -> str:
    sent = request.method == "POST"
    said = list(request.form.items(multi=True))
    lost = any(text and name in _NOT_KEPT for name, text in said)
    again = sent and not (_is_lit() or request.files or lost)
    return render_template(
        "unavailable.html",
        page=bare_page("Not possible now"),
        sentence=error.sentence,
        certain=error.certain,
        sent=sent,
        again=again,
        kept=[pair for pair in said if pair[0] not in SECRET_FIELDS - _OWN_FIELDS],
        asked=[(name, _ASKED_AGAIN[name]) for name, _ in said if name in _ASKED_AGAIN],
        action=request.full_path.rstrip("?"),
        back_url=page_address(),
        to_a_break=_leads_to_a_break(),
    )


def _leads_to_a_break() -> bool:
    """Whether somebody may stand here on their way to breaking a code, which waits for nothing."""
    door = house().break_door
    return bool(door) and request.blueprint in (door.partition(".")[0], *_BEFORE_A_BREAK)


def _log_unavailable(error: Unavailable) -> None:
    """What lacks, for the operator; of the lit room nothing: its lines could be counted."""
    if not _is_lit():
        logging.getLogger("twinbag").error("unavailable lack=%s", error.lack.value)


def _is_lit() -> bool:
    here = g.get("door")
    return isinstance(here, Door) and here.lit


def _broken(error: Exception) -> ResponseReturnValue:
    reference = house().surroundings.new_id("error reference")[:8].upper()
    _log_broken(error, reference)
    return _show(_BROKEN, 500, reference)


def _log_broken(error: Exception, reference: str) -> None:
    """The kind of the error and its places, never its text: a text may quote what was sent.

    Of the lit room not even the places: which line broke could follow the arm.
    """
    places = "" if _is_lit() else _places(error)
    logging.getLogger("twinbag").error(
        "broken reference=%s kind=%s at=%s", reference, type(error).__name__, places
    )


def _places(error: Exception) -> str:
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(frames[-6:])


def _show(
    sentence: str, status: int, reference: str = "", back_url: str = "", back_text: str = ""
) -> ResponseReturnValue:
    if request.path.startswith("/static/"):
        return sentence, status
    title = "Not possible"
    try:
        frame = page(title)
    except Unavailable:  # who is signed in cannot be asked; the sentence still stands
        frame = bare_page(title)
    shown = render_template(
        "error.html",
        page=frame,
        sentence=sentence,
        reference=reference,
        back_url=back_url,
        back_text=back_text,
    )
    return shown, status
