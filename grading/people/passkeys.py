"""Passkeys: adding one, removing one, and checking what one signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_authentication_credential_json,
    parse_authenticator_data,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.turns import take_turns
from grading.models import Challenge, Passkey, Person
from grading.phrases import phrase
from grading.settings import RelyingParty

LONGEST_NAME = 100
MOST = 20
# How long a browser asks its owner, in milliseconds.
TIMEOUT = 300_000


class SignCountFell(Refused):
    """The passkey counted fewer signatures than before: there may be a copy of it."""

    def __init__(self, passkey_id: str, kept: int, given: int) -> None:
        self.passkey_id, self.kept, self.given = passkey_id, kept, given
        super().__init__(
            phrase(
                "This passkey counts fewer signatures than it did before, so there may be a copy of it. "
                "Nothing was signed. Remove it, and add another."
            )
        )


@dataclass(frozen=True)
class Assertion:
    """What a passkey signed, checked; binary values are base64url text without padding."""

    passkey: Passkey
    origin: str
    authenticator_data: str
    client_data: str
    signature: str


def passkeys_of(
    session: Session, person: Person, party: RelyingParty | None = None
) -> Sequence[Passkey]:
    """List a person's passkeys that sign, oldest first; with ``party`` only those of that address."""
    statement = select(Passkey).where(Passkey.person_id == person.id, Passkey.removed_at.is_(None))
    if party is not None:
        statement = statement.where(Passkey.party == party.id)
    return list(session.scalars(statement.order_by(Passkey.added_at, Passkey.id)))


def name_of(text: str) -> str:
    """Give a passkey's name as it is kept.

    Raises
    ------
    FaultsFound
        It is empty or too long.
    """
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_NAME:
        raise FaultsFound(
            [Fault("name", "Give a name of at most %(n)s characters.", {"n": LONGEST_NAME})]
        )
    return name


def registration_options(
    session: Session, person: Person, challenge: Challenge, party: RelyingParty
) -> str:
    """Give, as JSON, what a browser is asked when a passkey is made."""
    return options_to_json(
        generate_registration_options(
            rp_id=party.id,
            rp_name=party.name,
            user_id=person.id.encode(),
            user_name=person.email,
            user_display_name=person.name,
            challenge=challenge.statement.challenge,
            timeout=TIMEOUT,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.DISCOURAGED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(passkeys_of(session, person, party)),
        )
    )


def assertion_options(
    session: Session, person: Person, challenge: Challenge, party: RelyingParty
) -> str:
    """Give, as JSON, what a browser is asked when a passkey signs a challenge."""
    return options_to_json(
        generate_authentication_options(
            rp_id=party.id,
            challenge=challenge.statement.challenge,
            timeout=TIMEOUT,
            allow_credentials=_descriptors(passkeys_of(session, person, party)),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential)) for one in passkeys
    ]


def add_passkey(
    session: Session,
    person: Person,
    challenge: Challenge,
    answer: str,
    *,
    party: RelyingParty,
    now: datetime,
) -> Passkey:
    """Keep a new passkey, as a browser made it for a challenge; its owner is told by mail.

    The caller has claimed the challenge.

    Raises
    ------
    Refused
        The answer is none to this challenge, from this address, or the passkey is known already.
    """
    if len(passkeys_of(session, person)) >= MOST:
        raise Refused("You have %(n)s passkeys. Remove one that you do not use.", n=MOST)
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge.statement.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise Refused(
            "The passkey could not be checked, so it was not added. Try again."
        ) from error
    passkey = Passkey(
        person_id=person.id,
        name=name_of(challenge.note["name"]),
        party=party.id,
        credential=bytes_to_base64url(made.credential_id),
        public_key=bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        synced=made.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        added_at=now,
    )
    try:
        with session.begin_nested():
            session.add(passkey)
    except IntegrityError as error:
        raise Refused("This passkey is in use already.") from error
    audit.record(
        session, person, "passkey:add", passkey, now=now, after={"credential": passkey.credential}
    )
    _tell(session, passkey, "passkey_added", now)
    return passkey


def remove_passkey(
    session: Session, actor: Person | None, passkey: Passkey, *, reason: str = "", now: datetime
) -> None:
    """Let a passkey sign nothing more; its owner is told by mail.

    Parameters
    ----------
    actor : Person or None
        The owner, or an administrator who helps somebody that lost it; None is the command line.
    reason : str
        Needed from everybody but the owner.

    Raises
    ------
    Refused
        It is gone already, or the reason is missing.
    """
    take_turns(session, passkey)
    if passkey.removed_at is not None:
        raise Refused("This passkey was removed already.")
    by_owner = actor is not None and actor.id == passkey.person_id
    if not by_owner and not reason.strip():
        raise Refused("Give the reason.")
    passkey.removed_at = now
    passkey.removed_by = actor.id if actor else None
    audit.record(
        session,
        actor,
        "passkey:remove",
        passkey,
        now=now,
        before={"credential": passkey.credential},
        reason=reason.strip() or None,
    )
    _tell(session, passkey, "passkey_removed" if by_owner else "passkey_taken", now)


def help_out(
    session: Session,
    actor: Person,
    person: Person,
    passkey_id: str,
    *,
    reason: str,
    now: datetime,
) -> None:
    """Remove a passkey that somebody else lost, as an administrator.

    Raises
    ------
    Refused
        It is the administrator's own, or the reason is missing.
    NotFound
        The person has no such passkey.
    """
    passkey = session.get(Passkey, passkey_id)
    if passkey is None or passkey.person_id != person.id:
        raise NotFound("There is no such passkey.")
    if actor.id == person.id:
        raise Refused("Your own passkeys are on your page of passkeys.")
    remove_passkey(session, actor, passkey, reason=reason, now=now)


def _tell(session: Session, passkey: Passkey, template: str, now: datetime) -> None:
    outbox.mail(
        session,
        template,
        passkey.person_id,
        key=f"{template}:{passkey.id}",
        now=now,
        passkey=passkey.name,
    )


def check_assertion(
    session: Session,
    person: Person,
    challenge: Challenge,
    answer: str,
    *,
    party: RelyingParty,
    now: datetime,
) -> Assertion:
    """Check that one of a person's passkeys signed a challenge, and count the signature.

    Raises
    ------
    Refused
        The passkey is none of theirs, or what it signed is something else.
    SignCountFell
        It counts fewer signatures than it did.
    """
    credential = _parsed(answer)
    passkey = session.scalar(
        select(Passkey)
        .where(Passkey.credential == bytes_to_base64url(credential.raw_id))
        # Two signatures of one passkey are counted one after the other.
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if passkey is None or passkey.person_id != person.id or passkey.removed_at is not None:
        raise Refused("This passkey is none of yours. Nothing was signed.")
    try:
        counted = parse_authenticator_data(credential.response.authenticator_data).sign_count
        verify_authentication_response(
            credential=credential,
            expected_challenge=challenge.statement.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            # Asked below, where a fall can be told from a wrong signature.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise Refused(
            "What the passkey signed is not what stands on this page. Nothing was released or changed. Go "
            "back, look at the list again and sign that."
        ) from error
    if (counted or passkey.sign_count) and counted <= passkey.sign_count:
        raise SignCountFell(passkey.id, passkey.sign_count, counted)
    passkey.sign_count, passkey.used_at = counted, now
    return Assertion(
        passkey=passkey,
        origin=party.origin,
        authenticator_data=bytes_to_base64url(credential.response.authenticator_data),
        client_data=bytes_to_base64url(credential.response.client_data_json),
        signature=bytes_to_base64url(credential.response.signature),
    )


def note_fall(session: Session, person: Person, fall: SignCountFell, *, now: datetime) -> None:
    """Write into the audit chain that a passkey counted backwards; the act itself was refused."""
    audit.record(
        session,
        person,
        "passkey:count_fell",
        session.get_one(Passkey, fall.passkey_id),
        now=now,
        before={"sign_count": fall.kept},
        after={"sign_count": fall.given},
    )


def is_signed_by(
    passkey: Passkey,
    challenge: bytes,
    *,
    origin: str,
    authenticator_data: str,
    client_data: str,
    signature: str,
) -> bool:
    """Say whether a kept signature is the passkey's, over a challenge and for its own address."""
    answer: dict[str, Any] = {
        "id": passkey.credential,
        "rawId": passkey.credential,
        "type": "public-key",
        "response": {
            "authenticatorData": authenticator_data,
            "clientDataJSON": client_data,
            "signature": signature,
        },
    }
    try:
        verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=passkey.party,
            expected_origin=origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return False
    return True


def _parsed(answer: str) -> AuthenticationCredential:
    try:
        return parse_authentication_credential_json(answer)
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise Refused(
            "The browser sent no signature. A passkey needs JavaScript to be on; then try again."
        ) from error
