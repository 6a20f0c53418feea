"""What a verifier fetches: issuers' keys, status lists, achievements, and credentials their learners publish.

All of it is public, may be kept for some minutes, and must be there long after a credential was given.
"""

from datetime import timedelta

from flask import Blueprint, current_app, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from grading.authorization.permissions import Permission
from grading.credential import content
from grading.credential.status import TTL_MS
from grading.db import db
from grading.errors import NotFound
from grading.models import IssuedCredential, Sponsor, StatusList
from grading.records import checking, credentials, issuers, verifying
from grading.web import access
from grading.web.access import requires
from grading.web.public import files, front, looks
from grading.web.public.files import MEDIA_TYPE, json_answer
from grading.workflow.credential import PublicStatus
from grading.workflow.issued import IssuedState

bp = Blueprint("issued", __name__)

KEYS_FOR = timedelta(hours=1)
STATUS_FOR = timedelta(milliseconds=TTL_MS)


def _away(_error: SQLAlchemyError) -> ResponseReturnValue:
    """A list that cannot be read is no list without the bit."""
    db.session.rollback()
    return (
        {"error": "cannot be checked now"},
        503,
        {"Retry-After": "60", "Cache-Control": "no-store"},
    )


bp.register_error_handler(SQLAlchemyError, _away)


def _sponsor(sponsor_id: str) -> Sponsor:
    sponsor = db.session.get(Sponsor, sponsor_id)
    if sponsor is None:
        raise NotFound("There is no such issuer.")
    return sponsor


@bp.get("/issuers/<sponsor_id>/did.json")
@requires(Permission.SIGNED_OUT)
def did_document(sponsor_id: str) -> ResponseReturnValue:
    """The DID document of a sponsor that signs at our address."""
    sponsor = _sponsor(sponsor_id)
    did = issuers.own_did(access.installation().settings.base_url, sponsor)
    document = issuers.did_document(db.session(), sponsor, did)
    if document is None:
        raise NotFound("There is no such issuer.")
    return json_answer(document, "application/did+json", KEYS_FOR)


@bp.get("/issuers/<sponsor_id>/jwks.json")
@requires(Permission.SIGNED_OUT)
def jwks(sponsor_id: str) -> ResponseReturnValue:
    """The keys for tokens, whatever DID the sponsor signs as."""
    keys = issuers.jwks(db.session(), _sponsor(sponsor_id))
    if keys is None:
        raise NotFound("There is no such issuer.")
    return json_answer(keys, "application/jwk-set+json", KEYS_FOR)


@bp.get("/issuers/<sponsor_id>/status/<int:number>")
@requires(Permission.SIGNED_OUT)
def status_list(sponsor_id: str, number: int) -> ResponseReturnValue:
    """A signed status list; whose bit is looked at stays with the verifier."""
    credential_list = db.session.scalar(
        select(StatusList).where(StatusList.sponsor_id == sponsor_id, StatusList.number == number)
    )
    if credential_list is None:
        raise NotFound("There is no such list.")
    return json_answer(credentials.served_list(credential_list), MEDIA_TYPE, STATUS_FOR)


def _published(credential_id: str) -> IssuedCredential:
    """Find a credential its learner published; hidden and unknown are alike."""
    credential = db.session.get(IssuedCredential, credential_id)
    if credential is None or credential.published_at is None:
        raise NotFound("We cannot find that credential.")
    return credential


@bp.get("/credentials/<credential_id>")
@requires(Permission.SIGNED_OUT)
def credential(credential_id: str) -> ResponseReturnValue:
    """What stands at a credential's own address: a page for people, the signed document for programs."""
    asked = request.accept_mimetypes.best_match([MEDIA_TYPE, "application/json", "text/html"])
    if asked == "text/html":
        answer = make_response(
            front.checked(credential_id, lambda: _render_credential(credential_id))
        )
    else:
        answer = make_response(document(credential_id))
    answer.vary.add("Accept")
    return answer


def _render_credential(credential_id: str) -> str:
    credential = _published(credential_id)
    installation = access.installation()
    verdict = verifying.check_credential(
        db.session(),
        credential,
        notary=installation.notary,
        base_url=installation.settings.base_url,
        now=access.now(),
    )
    status = verifying.word(credential.state, verdict)
    stands = status in (PublicStatus.VALID, PublicStatus.EXPIRED)
    if status == PublicStatus.BROKEN:
        current_app.logger.error("the stored credential %s is not what was signed", credential.id)
    return render_template(
        "public/credential.html",
        credential=credential,
        status=status,
        document=content.read(credential.document) if stands and credential.document else None,
        newer=credentials.published_successor(credential),
        verdict=verdict,
        sponsor_id=credential.program.sponsor_id,
        files=[
            (
                one.title,
                url_for("issued.document", credential_id=one.credential.id),
                url_for("issued.token", credential_id=one.credential.id),
            )
            for one in checking.published(verdict.checked)
        ],
        keys_here=checking.keys_here(verdict.checked),
    )


@bp.get("/credentials/<credential_id>/document")
@requires(Permission.SIGNED_OUT)
def document(credential_id: str) -> ResponseReturnValue:
    """The signed document; of one that no longer holds, only that."""
    credential = _published(credential_id)
    if credential.state != IssuedState.VALID or credential.document is None:
        return {"id": credential.url, "status": credential.state}, 410
    answer = files.document(credential)
    looks.count([credential_id])
    return answer


@bp.get("/credentials/<credential_id>/token")
@requires(Permission.SIGNED_OUT)
def token(credential_id: str) -> ResponseReturnValue:
    """The same as a token."""
    credential = _published(credential_id)
    if credential.state != IssuedState.VALID or credential.token is None:
        return {"id": credential.url, "status": credential.state}, 410
    answer = files.token(credential)
    looks.count([credential_id])
    return answer


@bp.get("/achievements/<achievement_id>")
@requires(Permission.SIGNED_OUT)
def achievement(achievement_id: str) -> ResponseReturnValue:
    """What could be achieved, as every credential for it says."""
    described = credentials.achievement(
        db.session(), achievement_id, base_url=access.installation().settings.base_url
    )
    return json_answer(described, "application/ld+json", KEYS_FOR)
