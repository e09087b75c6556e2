"""Passkeys (WebAuthn): what a browser is asked, and whether its answer holds.

Every answer has to carry our challenge, our origin and our name, and the device must have checked
the person, by finger, face or PIN. The counter is the caller's: it stands in the database.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

CHALLENGE_LENGTH = 32
MOST_CREDENTIAL_BYTES, MOST_KEY_BYTES = 1023, 1024
_MOST_CHARACTERS = 32_768
_WAIT_MS = 120_000
_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
# What the library and those below it raise at an answer that is none.
_MALFORMED = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, RecursionError)


@dataclass(frozen=True)
class MadePasskey:
    """A new passkey: its id, its public key (COSE), and where its counter begins."""

    credential_id: bytes
    public_key: bytes
    counter: int


class Passkeys:
    """Passkeys of one address: `host` is the name they belong to, `origin` the whole address."""

    def __init__(self, host: str, origin: str) -> None:
        self._host, self._origin = host, origin

    def to_make(
        self,
        challenge: bytes,
        person_id: str,
        user_name: str,
        full_name: str,
        known: Sequence[bytes],
    ) -> str:
        """What the browser is asked for a new one, as JSON; `known` are not made once more."""
        return options_to_json(
            generate_registration_options(
                rp_id=self._host,
                rp_name="Twinbag",
                user_id=person_id.encode("ascii"),
                user_name=user_name,
                user_display_name=full_name,
                challenge=challenge,
                timeout=_WAIT_MS,
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.REQUIRED,
                    user_verification=UserVerificationRequirement.REQUIRED,
                ),
                exclude_credentials=_described(known),
                supported_pub_key_algs=_ALGORITHMS,
            )
        )

    def to_show(self, challenge: bytes, known: Sequence[bytes]) -> str:
        """What the browser is asked for a sign of one, as JSON; without `known` it may be any."""
        return options_to_json(
            generate_authentication_options(
                rp_id=self._host,
                challenge=challenge,
                timeout=_WAIT_MS,
                allow_credentials=_described(known) or None,
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )

    def made(self, answer: str, challenge: bytes) -> MadePasskey | None:
        """The passkey that an answer brings, or None when the answer does not hold."""
        if len(answer) > _MOST_CHARACTERS:
            return None
        try:
            found = verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
                supported_pub_key_algs=_ALGORITHMS,
            )
        except _MALFORMED:
            return None
        too_long = (
            len(found.credential_id) > MOST_CREDENTIAL_BYTES
            or len(found.credential_public_key) > MOST_KEY_BYTES
        )
        if too_long:
            return None
        return MadePasskey(found.credential_id, found.credential_public_key, found.sign_count)

    def named(self, answer: str) -> bytes:
        """The id of the passkey that an answer says it comes from; b'' when it says none."""
        try:
            said = json.loads(answer[:_MOST_CHARACTERS])
            return base64url_to_bytes(said["rawId"])
        except _MALFORMED:
            return b""

    def shown(self, answer: str, challenge: bytes, public_key: bytes) -> int | None:
        """The counter of a passkey that proves itself, or None when the answer does not hold."""
        if len(answer) > _MOST_CHARACTERS:
            return None
        try:
            found = verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except _MALFORMED:
            return None
        return found.new_sign_count


def _described(known: Sequence[bytes]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=one) for one in known]
