"""The forms of another passphrase, for holders and for investigators alike."""

from __future__ import annotations

from wtforms import BooleanField, PasswordField
from wtforms.validators import InputRequired

from pharmacy.web.forms import PageForm


class ChangeForm(PageForm):
    """The passphrase that is to be replaced."""

    passphrase = PasswordField(
        "Your passphrase as it is now", [InputRequired("Type your six words.")]
    )


class NewWordsForm(PageForm):
    """The new passphrase typed back."""

    passphrase = PasswordField(
        "Your new passphrase",
        [InputRequired("Type the new six words.")],
        description="From where you keep it, not from memory.",
        id="new-passphrase",  # both forms stand on one page
    )


class GiveUpForm(PageForm):
    """That the consequences were read, and the password, for the passphrase is gone."""

    understood = BooleanField("I cannot find my passphrase, and I have read what happens")
    password = PasswordField("Your password", [InputRequired("Type your password.")])
