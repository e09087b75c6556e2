"""The whole way of a code break, page by page: from the empty sign-in form to the arm."""

from __future__ import annotations

import re

from tests.support.builders import PASSWORD
from tests.support.device import Answer, Device
from tests.support.way import Way


def walk(phone: Device, passphrase: str, code: str) -> tuple[Way, Answer]:
    """What it took on a phone, and the last page. Each is reached by what the one before says."""
    way = Way()
    way.wait(lambda: phone.get("/sign-in"))
    typed = {"user_name": way.type("investigator.test"), "password": way.type(PASSWORD)}
    page = way.tap(lambda: _arrived(phone, phone.post("/sign-in", **typed)))
    way.taps += 1  # the menu unfolds on a phone
    page = way.tap(lambda: phone.get(_link(page, "Break the code")))
    page = way.tap(lambda: phone.get(_link(page, code)))
    way.taps += 1  # why
    hidden = dict(re.findall(r'name="(csrf_token|operation_id)" value="([^"]*)"', page.text))
    form = re.search(r'<form method="post" action="(/break/[^"]*)"', page.text)
    assert form is not None
    said = {"reason": "treatment", "said": "", "passphrase": way.type(passphrase)}
    return way, way.tap(lambda: phone.post(form[1], **hidden, **said))


def _arrived(phone: Device, answer: Answer) -> Answer:
    while answer.status == 303:
        answer = phone.get(answer.location)
    assert answer.status == 200
    return answer


def _link(page: Answer, name: str) -> str:
    found = re.search(rf'<a [^>]*href="([^"]*)"[^>]*>\s*{re.escape(name)}\s*<', page.text)
    assert found is not None, name
    return found[1].replace("&amp;", "&")
