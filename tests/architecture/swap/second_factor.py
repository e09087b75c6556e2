"""The second factor in the script: set up, asked, lost and set up again, with what is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.architecture.swap.browser import Browser
from tests.support.authenticator import Phone, set_up
from tests.support.builders import PASSWORD as OWN
from tests.support.passkeys import options
from tests.support.soft_passkey import SoftPasskey

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

NAME, PASSWORD = "otto.test", "copper lantern arch meadow"


def administer(journey: Journey) -> None:
    """A new person with an authenticator; the administrator ends it; another is set up."""
    admin, person = journey.browser("administrator"), journey.guest()
    account = _person_with_a_password(admin, person)
    person.open("/sign-in")
    person.fill("/sign-in", user_name=NAME, password=PASSWORD)
    phone = _sets_up(journey, person)
    person.open("/account")
    person.fill("/sign-out")
    journey.clock.move(minutes=1)
    _signs_in_with_a_code(person, phone)
    person.open("/account/authenticator")
    person.fill("/authenticator", one_time_code=phone.code(), password=PASSWORD, expect=400)
    _with_a_passkey(person)
    link = _ends_it(admin, account)
    _comes_back(journey, person, link)
    admin.open(f"{account}/leave")
    admin.fill("/leave", reason="Duties changed")


def _person_with_a_password(admin: Browser, person: Browser) -> str:
    admin.open("/people/add")
    admin.fill("/people/add", user_name=NAME, full_name="Otto Pohl", initials="OP")
    link = admin.find(r"/password/[0-9a-f]{48}")
    person.open(link)
    person.fill(link, new_password=PASSWORD)
    admin.open("/people")
    return admin.find(r"/people/[0-9a-f]{32}(?=\"[^>]*>\s*Otto Pohl)")


def _sets_up(journey: Journey, person: Browser) -> Phone:
    page = person.open("/account/authenticator")
    (key,) = re.findall(r'<code class="code">((?:<span>\w{4}</span>){8})</code>', page)
    phone = Phone(re.sub("<[^>]*>", "", key), journey.clock)
    person.fill("/authenticator", one_time_code="none", expect=400)
    person.fill("/authenticator", one_time_code=phone.code())
    person.post_raw("/account/recovery-codes", expect=403)
    person.open("/account/recovery-codes")
    person.fill("/recovery-codes")
    person.open("/account/recovery-codes")
    return phone


def _signs_in_with_a_code(person: Browser, phone: Phone) -> None:
    person.open("/sign-in?with=recovery-code")
    person.fill("/sign-in", user_name=NAME, password=PASSWORD, one_time_code="none", expect=400)
    person.open("/sign-in")
    person.fill("/sign-in", user_name=NAME, password=PASSWORD, one_time_code="0", expect=400)
    person.fill("/sign-in", user_name=NAME, password=PASSWORD)
    person.open("/account")
    person.fill("/second-step", one_time_code="none", expect=400)
    person.open("/sign-in/second-step?with=recovery-code")
    person.fill("/second-step", one_time_code="none", expect=400)
    person.open("/account")
    person.fill("/second-step", one_time_code=phone.code())


def _with_a_passkey(person: Browser) -> None:
    """Made, shown in the code's place, and removed; each with what is refused."""
    device = SoftPasskey("otto")
    page = "/account/passkeys"
    fields = {"name": "blue key", "password": PASSWORD}
    person.open(page)
    person.fill(page, **fields, passkey="{}", expect=400)
    answer = device.make(options(person.open(page)))
    person.fill(page, **fields, passkey=answer)
    token = person.forms()[0].fields["csrf_token"]
    person.post_raw(f"{page}/not-now", 200, csrf_token=token, operation_id="put-off-a-passkey")
    person.open("/account")
    person.fill("/sign-out")
    person.fill("/sign-in", user_name=NAME, password=PASSWORD)
    step = person.page
    person.fill("/second-step", passkey=device.show(options(step), origin="null"), expect=400)
    person.open("/sign-in/second-step")
    person.fill("/second-step", passkey=device.show(options(person.page)))
    person.open(page)
    removing = person.find(rf"{page}/[0-9a-f]{{32}}/remove")
    person.open(removing)
    person.fill("/remove", password="not the password", expect=403)
    person.fill("/remove", password=PASSWORD)
    made = device.make(options(person.open(page)))
    person.fill(page, name="grey key", password=PASSWORD, passkey=made)


def _ends_it(admin: Browser, account: str) -> str:
    admin.open(account)
    admin.open(f"{account}/authenticator")
    admin.fill("/authenticator", expect=400)
    admin.fill("/authenticator", reason="The device was lost")
    return admin.find(r"/new-authenticator/[0-9a-f]{48}")


def _comes_back(journey: Journey, person: Browser, link: str) -> None:
    person.open(link)
    person.fill(link, password="not the password", expect=400)
    person.fill(link, password=PASSWORD)
    _sets_up(journey, person)
    person.open(link, expect=409)


def come_without_a_code(journey: Journey) -> None:
    """The investigator's phone is lost: on to the code break with the password alone."""
    set_up(journey.study.trial, "investigator")
    guest = journey.guest()
    guest.open("/sign-in")
    guest.fill("/sign-in", user_name="investigator.test", password=OWN, no_code="yes")
    guest.post_raw(f"/sign-in/break/{journey.study.study_id}", expect=403)
    guest.open("/account")
    guest.fill(f"/break/{journey.study.study_id}")
    guest.open("/account")
    guest.fill("/sign-out")
    guest.fill("/sign-in", user_name="admin.test", password=OWN)
    guest.open("/people")
    guest.fill("/sign-out")
