"""The forms of the bench."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms import BooleanField, Form, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from pharmacy.unblinded.bench import MASKING
from pharmacy.unblinded.entries import TYPED_REASONS
from pharmacy.unblinded.releasing import LATE_REASONS, REPRINT_REASONS
from pharmacy.web.forms import PageForm


def choices(first: str, offered: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """What a list offers, after an empty first line that says what to do."""
    return [SelectChoice(value, label) for value, label in (("", first), *offered)]


def _password(label: str = "Your password") -> PasswordField:
    return PasswordField(label, [InputRequired("Type the password.")])


def _select(label: str, offered: dict[str, str] | None = None) -> SelectField:
    """A list whose choice the verb judges, so that the sentence is the same from everywhere."""
    shown = choices("Choose a reason", (offered or {}).items())
    return SelectField(label, choices=shown, validate_choice=False, default="")


class ScanForm(PageForm):
    """One scan."""

    scanned = StringField("Scan", [InputRequired("Nothing was scanned. Scan again.")])


class TypedForm(PageForm):
    """A source container by hand."""

    product = _select("Product")
    lot = StringField("Lot", [InputRequired("Type the lot.")])
    expiry = StringField(
        "Expiry", [InputRequired("Type the expiry.")], description="2027-03-31 or 03/2027"
    )
    typed_why = _select("Why it is not scanned", TYPED_REASONS)

    def say(self, errors: dict[str, str]) -> None:
        """The verb names the reason `why`, a name that another form of the page has."""
        names = {"why": "typed_why"}
        super().say({names.get(name, name): text for name, text in errors.items()})


class SignForm(PageForm):
    """Inspected, and signed."""

    inspected = BooleanField("Inspected: clear, no particles, no leak")
    password = _password()


class CoverForm(PageForm):
    """Masking, seal and the two scans."""

    set_primed = BooleanField(MASKING[0][1])
    sleeved = BooleanField(MASKING[1][1])
    covered = BooleanField(MASKING[2][1])
    seal_number = StringField("Seal number", [InputRequired("Type the seal's number.")])
    inner = StringField("Inner label, on the container", [InputRequired("Scan the inner label.")])
    cover = StringField("Cover label, on the cover", [InputRequired("Scan the cover label.")])

    def masked(self) -> frozenset[str]:
        """The names of the steps that were ticked."""
        return frozenset(name for name, _ in MASKING if self[name].data)


class ReleaseForm(PageForm):
    """The release's signature."""

    password = _password()


class StartOverForm(PageForm):
    """Why what was drawn is thrown away."""

    why = StringField("Why", [InputRequired("Say why.")], description="It stays in the lit room.")


class NextRunForm(PageForm):
    """Which run, and a reason that everybody may read."""

    run_at = _select("Run")
    reason = _select("Reason", LATE_REASONS)


class LabelsForm(PageForm):
    """Two people for new labels."""

    reason = _select("Reason", REPRINT_REASONS)
    password = _password()
    second_user_name = StringField(
        "Second person's user name", [InputRequired("Type the second person's user name.")]
    )
    second_password = _password("Second person's password")


class CheckInForm(PageForm):
    """The second person's sign-in and passphrase."""

    user_name = StringField("User name", [InputRequired("Type your user name.")])
    second_password = _password("Password")
    one_time_code = StringField(
        "Code from your authenticator",
        description="Six digits. Leave it empty with a passkey, or if you have none.",
    )
    passphrase = PasswordField(
        "Passphrase",
        [InputRequired("Type your passphrase.")],
        description="Your six words. Not the password.",
    )
    granter_words = StringField(
        "Six words of the person who enrolled you",
        description="Only if you never opened this study's room before; they read them to you.",
    )


FORMS: dict[str, tuple[type[Form], str]] = {
    "scan": (ScanForm, ""),
    "typed": (TypedForm, ""),
    "sign": (SignForm, ""),
    "cover": (CoverForm, ""),
    "release": (ReleaseForm, ""),
    "over": (StartOverForm, "over-"),
    "next_run": (NextRunForm, "run-"),
    "labels": (LabelsForm, "labels-"),
}
