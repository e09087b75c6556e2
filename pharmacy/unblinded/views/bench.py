"""The bench: one bag, its present step, and only that step's form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from pharmacy.domain.errors import BadForm
from pharmacy.domain.roles import Permission
from pharmacy.unblinded import bench, releasing
from pharmacy.unblinded.bench import CHECKED_MEANING, PREPARED_MEANING, Source
from pharmacy.unblinded.bench_page import BenchPage, bench_page
from pharmacy.unblinded.doorway import lit_frame, operation_id, the_room
from pharmacy.unblinded.releasing import RELEASE_MEANING
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.views.bench_forms import (
    FORMS,
    CoverForm,
    LabelsForm,
    NextRunForm,
    ReleaseForm,
    ScanForm,
    SignForm,
    StartOverForm,
    TypedForm,
    choices,
)
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt
from pharmacy.web.frame import page as frame
from pharmacy.web.known_device import whence

blueprint = Blueprint(
    "lit_bench",
    __name__,
    template_folder="../templates",
    url_prefix="/lit/<study_id>/bags/<bag_id>",
)
Answer = str | tuple[str, int] | Response


@blueprint.get("")
@door(Permission.WORK_AT_BENCH, lit=True)
def page(study_id: str, bag_id: str) -> Answer:
    """The bag's present step."""
    return _page(the_room(), bag_id)


@blueprint.get("/inner-label.pdf")
@door(Permission.WORK_AT_BENCH, lit=True)
def inner_label(study_id: str, bag_id: str) -> Response:
    """The inner label, until it is on the container."""
    return _pdf(bench.inner_pdf(act(), the_room(), bag_id), "inner-label")


@blueprint.get("/cover-label.pdf")
@door(Permission.WORK_AT_BENCH, lit=True)
def cover_label(study_id: str, bag_id: str) -> Response:
    """The cover label, from its recorded print until the cover is on."""
    return _pdf(bench.cover_pdf(act(), the_room(), bag_id), "cover-label")


@blueprint.post("/inner-label")
@door(Permission.WORK_AT_BENCH, lit=True)
def apply_inner(study_id: str, bag_id: str) -> Answer:
    """The inner label's code, scanned from the empty container."""
    room, form = the_room(), ScanForm(request.form)
    return _answer(
        room,
        bag_id,
        form,
        lambda: bench.apply_inner(act(), room, bag_id, operation_id(), form.scanned.data),
    )


@blueprint.post("/open")
@door(Permission.PREPARE, lit=True)
def open_bag(study_id: str, bag_id: str) -> Answer:
    """Show what to draw: the envelope is opened, once."""
    room, form = the_room(), PageForm(request.form)
    return _answer(
        room, bag_id, form, lambda: bench.open_bag(act(), room, bag_id, operation_id())
    )


@blueprint.post("/sources")
@door(Permission.WORK_AT_BENCH, lit=True)
def scan_source(study_id: str, bag_id: str) -> Answer:
    """One source container by its code."""
    room, form = the_room(), ScanForm(request.form)
    return _add(room, bag_id, form, lambda: Source(scanned=form.scanned.data))


@blueprint.post("/sources/typed")
@door(Permission.WORK_AT_BENCH, lit=True)
def type_source(study_id: str, bag_id: str) -> Answer:
    """One source container by what stands on it."""
    room, form = the_room(), TypedForm(request.form)
    return _add(
        room,
        bag_id,
        form,
        lambda: Source(
            product=form.product.data,
            lot=form.lot.data,
            expiry=form.expiry.data,
            why=form.typed_why.data,
        ),
    )


@blueprint.post("/sources/<int:at>/take-back")
@door(Permission.WORK_AT_BENCH, lit=True)
def take_back(study_id: str, bag_id: str, at: int) -> Answer:
    """Take back one of one's own entries."""
    room, form = the_room(), PageForm(request.form)
    return _answer(
        room, bag_id, form, lambda: bench.remove_source(act(), room, bag_id, operation_id(), at)
    )


@blueprint.post("/prepared")
@door(Permission.PREPARE, lit=True)
def prepared(study_id: str, bag_id: str) -> Answer:
    """The preparer's signature."""
    return _sign(bag_id, bench.sign_prepared)


@blueprint.post("/checked")
@door(Permission.CHECK, lit=True)
def checked(study_id: str, bag_id: str) -> Answer:
    """The checker's signature."""
    return _sign(bag_id, bench.sign_checked)


@blueprint.post("/send-back")
@door(Permission.CHECK, lit=True)
def send_back(study_id: str, bag_id: str) -> Answer:
    """Back to the preparer, whose entries are wrong."""
    room, form = the_room(), PageForm(request.form)
    return _answer(
        room, bag_id, form, lambda: bench.send_back(act(), room, bag_id, operation_id())
    )


@blueprint.post("/cover-label")
@door(Permission.PREPARE, lit=True)
def print_cover(study_id: str, bag_id: str) -> Answer:
    """Record the print of the cover label."""
    room, form = the_room(), PageForm(request.form)
    return _answer(
        room, bag_id, form, lambda: bench.print_cover(act(), room, bag_id, operation_id())
    )


@blueprint.post("/cover")
@door(Permission.WORK_AT_BENCH, lit=True)
def put_cover_on(study_id: str, bag_id: str) -> Answer:
    """Masked, covered, sealed, both labels scanned together."""
    room, form = the_room(), CoverForm(request.form)
    return _answer(
        room,
        bag_id,
        form,
        lambda: bench.put_cover_on(
            act(),
            room,
            bag_id,
            operation_id(),
            form.inner.data,
            form.cover.data,
            form.seal_number.data,
            form.masked(),
        ),
    )


@blueprint.post("/release")
@door(Permission.PREPARE, lit=True)
def release(study_id: str, bag_id: str) -> Answer:
    """Release in the bag's run."""
    room, form = the_room(), ReleaseForm(request.form)
    return _answer(
        room,
        bag_id,
        form,
        lambda: releasing.release(act(), room, bag_id, operation_id(), form.password.data),
    )


@blueprint.post("/start-over")
@door(Permission.PREPARE, lit=True)
def start_over(study_id: str, bag_id: str) -> Answer:
    """Throw away what was drawn."""
    room, form = the_room(), StartOverForm(request.form, prefix="over-")
    return _answer(
        room,
        bag_id,
        form,
        lambda: bench.start_over(act(), room, bag_id, operation_id(), form.why.data),
    )


@blueprint.post("/next-run")
@door(Permission.PREPARE, lit=True)
def next_run(study_id: str, bag_id: str) -> Answer:
    """Move the bag's infusion day to a later run."""
    room, form = the_room(), NextRunForm(request.form, prefix="run-")
    day_id = bench.find(act(), bag_id).day.id
    return _answer(
        room,
        bag_id,
        form,
        lambda: releasing.take_next_run(
            act(), room, day_id, operation_id(), _moment(form.run_at.data), form.reason.data
        ),
    )


@blueprint.post("/new-labels")
@door(Permission.PREPARE, lit=True)
def new_labels(study_id: str, bag_id: str) -> Answer:
    """Replace both labels; their code is retired."""
    room, form = the_room(), LabelsForm(request.form, prefix="labels-")
    return _answer(
        room,
        bag_id,
        form,
        lambda: releasing.replace_labels(
            act(),
            room,
            bag_id,
            operation_id(),
            form.reason.data,
            form.second_user_name.data,
            form.second_password.data,
            form.password.data,
            address=whence(form.second_user_name.data or ""),
        ),
    )


def _sign(bag_id: str, verb: Callable[..., Any]) -> Answer:
    room, form = the_room(), SignForm(request.form)
    return _answer(
        room,
        bag_id,
        form,
        lambda: verb(
            act(), room, bag_id, operation_id(), form.inspected.data, form.password.data
        ),
    )


def _add(room: OpenRoom, bag_id: str, form: PageForm, source: Callable[[], Source]) -> Answer:
    return _answer(
        room,
        bag_id,
        form,
        lambda: bench.add_source(act(), room, bag_id, operation_id(), source()),
    )


def _answer(room: OpenRoom, bag_id: str, form: PageForm, verb: Callable[[], Any]) -> Answer:
    """Run a verb and show the bag's next step, or the same one with what is wrong."""

    def run() -> str:
        verb()
        return url_for("lit_bench.page", study_id=act().in_study.id, bag_id=bag_id)

    return attempt(form, run) or _page(room, bag_id, form)


def _page(room: OpenRoom, bag_id: str, sent: PageForm | None = None) -> Answer:
    shown = bench_page(act(), room, bag_id)
    forms = {
        name: sent if type(sent) is kind else kind(prefix=prefix)
        for name, (kind, prefix) in FORMS.items()
    }
    _offer(shown, forms)
    text = render_template(
        "lit/bench/page.html",
        page=frame("At the bench"),
        lit=lit_frame(),
        bench=shown,
        study_id=act().in_study.id,
        sent=sent,
        prepared_meaning=PREPARED_MEANING,
        checked_meaning=CHECKED_MEANING,
        release_meaning=RELEASE_MEANING,
        **forms,
    )
    return text, sent.status if sent is not None else 200


def _offer(shown: BenchPage, forms: dict[str, Any]) -> None:
    """Give the select fields what can be chosen for this bag."""
    products = shown.pick.products if shown.pick else ()
    forms["typed"].product.choices = choices("Choose the product", products)
    forms["next_run"].run_at.choices = choices("Choose a run", shown.later_runs)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadForm({"run_at": "Choose a later run of the site."}) from None


def _pdf(content: bytes, name: str) -> Response:
    shown = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(content, mimetype="application/pdf", headers=shown)
