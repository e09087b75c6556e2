"""From a form to an act and back: what was typed is kept, what is wrong is said beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from time import strptime
from urllib.parse import urlencode

from flask import g, redirect, request
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import DateField, Form

from pharmacy.domain.errors import BadForm, Conflict, Refusal, WrongPassword
from pharmacy.services import operations, throttling
from pharmacy.web.house import house

_WRITINGS = ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%m/%d/%Y")


class DayField(DateField):
    """A day as a calendar or a person writes it: 2026-03-15, 15 Mar 2026 or 3/15/2026."""

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.data = None
        typed = " ".join(valuelist).strip()
        if not typed:
            return
        for writing in _WRITINGS:
            try:
                self.data = date(*strptime(typed, writing)[:3])
            except ValueError:
                continue
            return
        raise ValueError("Type the day like 15 Mar 2026.")


class PageForm(Form):
    """A form of a page. `refusal` is a sentence about the whole of it; `status` its answer."""

    refusal: str = ""
    status: int = 200

    def say(self, errors: dict[str, str]) -> None:
        """Put sentences beside their fields; one for no field stands above the form."""
        self.status = 400
        for name, sentence in errors.items():
            if name in self._fields:
                self._fields[name].errors = [*self._fields[name].errors, sentence]
            else:
                self.refusal = sentence


def attempt(form: PageForm, verb: Callable[[], str]) -> Response | None:
    """Run one verb for a form that reads well and go where it says; else None, with sentences.

    The verb returns a location. It commits nothing: the commit, with the operation's own row,
    is here, once.
    """
    if not form.validate():
        form.status = 400
        return None
    try:
        return finish(verb())
    except BadForm as wrong:
        form.say(wrong.errors)
    except WrongPassword as wrong:
        _count_miss()
        form.say({wrong.field: wrong.sentence})
        form.status = wrong.status
    except Conflict:
        raise
    except Refusal as refusal:
        form.refusal, form.status = refusal.sentence, refusal.status
    g.uow.rollback()
    return None


def finish(location: str) -> Response:
    """Keep the operation with its act, commit both, and go to `location`.

    A twin of this act that was faster is found by its operation id and answers for both.
    """
    kept = g.get("operation")
    if kept is not None:
        operations.keep(g.uow, kept[0], current_user.person.id, kept[1], location)
    g.uow.commit()
    return redirect(location, 303)


def again() -> Response | None:
    """Where this very act led when a twin of it was faster; None when there was no twin."""
    kept = g.get("operation")
    if kept is None:
        return None
    with house().units.reading() as uow:
        location = operations.answer_given(uow, kept[0], current_user.person.id, kept[1])
    return redirect(location, 303) if location else None


def told(location: str, notice: str) -> str:
    """A location whose page says that something was done; `notice` is a key of `frame.NOTICES`."""
    return f"{location}?{urlencode({'done': notice})}"


def typed() -> dict[str, str]:
    """What this request's form says, one value a field."""
    return request.form.to_dict()


def _count_miss() -> None:
    # Read first: after a rollback the row would be read again, which takes SQLite's one write lock.
    person_id = current_user.person.id
    g.uow.rollback()
    with house().units.acting() as uow:
        throttling.missed_signature(uow, person_id)
        uow.commit()
