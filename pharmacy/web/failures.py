"""What a person sees when something is refused, and when something is broken."""

from __future__ import annotations

import logging

from flask import Flask, g, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, SecurityError

from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.web.access import Door
from pharmacy.web.forms import again
from pharmacy.web.frame import page
from pharmacy.web.house import house

_SENTENCES = {
    400: "The form could not be read. Open the page again and send it once more.",
    404: "There is no such page.",
    405: "This page cannot be used that way.",
    413: "What was sent is too large.",
}
_BROKEN = (
    "Something went wrong on our side. Nothing was half done. "
    "Tell the administrator this reference number."
)


def answer_failures(app: Flask) -> None:
    """Put the three failures and no others between a view and a person."""
    app.register_error_handler(Conflict, _conflict)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(BadForm, _bad_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _broken)


def _conflict(error: Conflict) -> ResponseReturnValue:
    """The loser of two equal acts is led where the winner was; another act is told to look."""
    g.uow.rollback()
    answered = again()
    return answered if answered is not None else _refused(error)


def _refused(error: Refusal) -> ResponseReturnValue:
    return _show(error.sentence, error.status)


def _bad_form(error: BadForm) -> ResponseReturnValue:
    return _show(" ".join(error.errors.values()), 400)


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error
    if isinstance(error, SecurityError):
        return _SENTENCES[400], status  # asked by a name that is not ours, no page has an address
    return _show(_SENTENCES.get(status, "This cannot be answered."), status)


def _broken(error: Exception) -> ResponseReturnValue:
    reference = house().surroundings.new_id("error reference")[:8].upper()
    _log_broken(error, reference)
    return _show(_BROKEN, 500, reference)


def _log_broken(error: Exception, reference: str) -> None:
    """The kind of the error and its places, never its text: a text may quote what was sent.

    Of the lit room not even the places: which line broke could follow the arm.
    """
    here = g.get("door")
    places = "" if isinstance(here, Door) and here.lit else _places(error)
    logging.getLogger("twinbag").error(
        "broken reference=%s kind=%s at=%s", reference, type(error).__name__, places
    )


def _places(error: Exception) -> str:
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(frames[-6:])


def _show(sentence: str, status: int, reference: str = "") -> ResponseReturnValue:
    if request.path.startswith("/static/"):
        return sentence, status
    shown = render_template(
        "error.html", page=page("Not possible"), sentence=sentence, reference=reference
    )
    return shown, status
