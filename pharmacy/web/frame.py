"""The frame around every page: title, menu, person, watermark, and the word that an act is done."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, g, request, url_for
from flask_login import current_user

from pharmacy.domain import stages as rules
from pharmacy.domain.stages import StudyStage
from pharmacy.services import sign_in, stages
from pharmacy.web.addresses import page_address
from pharmacy.web.house import house
from pharmacy.web.menu import Menu, menu

NOTICES: dict[str, str] = {
    "signed_out": "You are signed out.",
    "keys_renewed": "The keys are renewed and every room is locked. Open yours again.",
    "sheets_needed": "The keys are taken back. Open your room: new recovery sheets come next.",
    "keys_revoked": "The keys are taken back and renewed for everybody else. Open your room again.",
    "passphrase_changed": "Your new passphrase counts from now on.",
    "keys_given_up": "Your old keys open nothing any more. Make new ones.",
    "password_chosen": "Your password is set. Sign in with it.",
    "recovery_code_used": "A recovery code let you in and will not work again.",
    "second_factor_ready": "Your authenticator is set up. Each sign-in asks for a code now.",
    "passkey_made": "The passkey was made. Leave the code empty at the next sign-in.",
    "passkey_removed": "The passkey was removed. Delete it on the device as well.",
    "person_added": "The person was added. Give them the link below; it works once.",
    "link_made": "A new link was made. It works once, for 24 hours.",
    "person_left": "The account was ended everywhere.",
    "roles_given": "The roles were changed.",
    "study_made": "The study was made.",
    "site_added": "The site was added.",
    "sheet_placed": "The custody of the sheet is recorded.",
    "sheet_checked": "The check of the envelope is recorded.",
    "recovery_drill_passed": "The drill passed: the halves opened the canary. Make new sheets now.",
    "recovery_drill_failed": "The drill failed: the halves did not open the canary. Make new "
    "sheets now, and call whoever looks after the study.",
    "secrets_renewed": "What hangs on the server's secrets is renewed.",
    "recovery_used": "You hold this study's keys. Open the room, and make new sheets at once.",
    "protocol_approved": "Your approval of the protocol was signed.",
    "defaults_confirmed": "The marked defaults were confirmed.",
    "test_notice_asked": "The test notice is on its way. The gate opens when the mail took it.",
    "restore_drilled": "The restore drill was recorded.",
    "card_keeping_stated": "The keeping of the code-break cards was recorded.",
    "going_live_signed": "Your signature was kept. The other side signs next.",
    "gone_live": "The study is live. Participants can be registered.",
    "participant_registered": "The participant was registered.",
    "factors_entered": "The baseline factors were entered.",
    "factors_corrected": "The correction was recorded.",
    "weight_entered": "The weight was entered.",
    "card_made": "There is a new card. Print it and hand it over.",
    "card_replaced": "The card was replaced. Print the new one and destroy the old.",
    "card_revoked": "The card was revoked. Scanning it stops the nurse.",
    "eligibility_signed": "Eligibility was signed. The request for a place waits at the pharmacy.",
    "left_treatment": "It is signed. Every bag of this participant stops the nurse from now on.",
    "replacement_stated": "The replacement is signed.",
    "deviation_reported": "The deviation is signed. Another person confirms it.",
    "deviation_confirmed": "The deviation is confirmed.",
    "order_signed": "The order was signed.",
    "assessments_signed": "The assessments were signed complete. The pharmacy can release.",
    "assessments_taken_back": "The signature was taken back. Both stay on record.",
    "stop_left": "Noted. The pharmacy sees this Stop.",
    "stop_seen": "Noted as seen.",
    "infusion_paused": "The pause was recorded.",
    "pause_corrected": "The volume of the pause was corrected. The limits follow from it.",
    "infusion_restarted": "The restart was recorded. Check the rate at the pump.",
    "infusion_ended": "The infusion was ended and signed.",
    "keys_confirmed": "Your passphrase is confirmed.",
    "holder_enrolled": "The person is enrolled and can open the room.",
    "investigator_enrolled": "The investigator is enrolled and can break a code.",
    "break_card_sealed": "The card is sealed and in its place.",
    "seals_counted": "The count was signed.",
    "card_opened_told": "It is recorded as a broken code. Pharmacy and sponsor are told.",
    "drill_made": "The drill is made. The investigator can walk it now.",
    "break_keys_work": "Your keys work. No code was opened.",
    "list_loaded": "The list is sealed. Print this certificate.",
    "list_grown": "The rows are sealed. Print this certificate.",
    "place_in_error": "Noted. The place stays taken.",
    "list_derived": "The same: made again from its seed, the list is the one that is loaded.",
    "dummy_confirmed": "You have confirmed the dummy list.",
    "slot_given": "The oldest request was served.",
    "weight_decided": "The decision is signed.",
    "course_planned": "The course is planned. Its bags are on the board.",
    "lock_stated": "You have stated the data lock. It counts when the statistician confirms it.",
    "stage_asked": "Your request is signed. Somebody else confirms it.",
    "stage_confirmed": "It is confirmed, and the study is at its next stage.",
    "archive_signed": "Your signature over the archive is kept.",
    "report_assessed": "Your assessment is signed.",
    "room_locked": "The room is locked. Nothing typed or scanned was lost.",
}


@dataclass(frozen=True)
class Page:
    """What the base template draws around a page.

    `address` is where a reload of an answered form leads, in place of sending it once more.
    """

    title: str
    study_name: str
    study_mode: str
    person_name: str
    nav: Menu
    practice: bool
    home_url: str
    sign_out_url: str
    account_url: str
    csrf_token: str
    notice: str
    address: str
    preparing_url: str = ""


def page(title: str, camera: bool = False) -> Page:
    """The frame of this request's page.

    `camera` is for a page that carries the camera: its answer, and no other, may open it.
    """
    g.camera = camera
    signed_in = current_user.is_authenticated
    study = g.act.study if "act" in g else None
    stage = stages.stage_of(g.uow, study) if study else None
    return Page(
        title=title,
        study_name=rules.named(study.code, stage) if study and stage else "",
        study_mode=rules.mode_words(study.practice, stage) if study and stage else "",
        person_name=current_user.person.full_name if signed_in else "",
        nav=menu() if signed_in and "act" in g else Menu(),
        practice=bool(study and study.practice) or house().practice_only,
        home_url=url_for("home.page"),
        sign_out_url=url_for("sign_in.leave") if signed_in else "",
        account_url=url_for("home.account") if signed_in else "",
        csrf_token=csrf_token(),
        notice=NOTICES.get(request.args.get("done", ""), ""),
        address=page_address() if request.method == "POST" else "",
        preparing_url=(
            url_for("going_live.shown", study_id=study.id)
            if study and stage is StudyStage.PREPARED
            else ""
        ),
    )


def bare_page(title: str) -> Page:
    """A frame that asks the database for nothing: nobody's name, no menu."""
    g.camera = False
    return Page(
        title=title,
        study_name="",
        study_mode="",
        person_name="",
        nav=Menu(),
        practice=house().practice_only,
        home_url=url_for("home.page"),
        sign_out_url="",
        account_url="",
        csrf_token="",
        notice="",
        address=page_address() if request.method == "POST" else "",
    )


def csrf_token() -> str:
    """The token of the signed-in person's forms; empty at the door."""
    return sign_in.csrf_token(current_user.session) if current_user.is_authenticated else ""


def operation_id() -> str:
    """A fresh id for one form of one page."""
    return house().surroundings.new_id(f"operation {request.endpoint}")


def dress(app: Flask) -> None:
    """Give templates what every page needs."""
    app.jinja_env.globals.update(csrf_token=csrf_token, operation_id=operation_id)
