"""Issuers' keys, issued credentials, and the lists that say which of them no longer hold."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import (
    Base,
    Identified,
    OfService,
    Versioned,
    one_of,
    partial_index,
    state_of,
)
from grading.models.person import Person
from grading.models.program import Course, Program, Sponsor
from grading.models.record import CredentialRecord
from grading.models.release import Grade
from grading.workflow.issued import (
    ISSUED_MACHINE,
    KEY_MACHINE,
    CredentialKind,
    IssuedState,
    KeyKind,
    KeyState,
)


class SigningKey(OfService, Base):
    """A key of a sponsor as an issuer. Retired ones stay, or nobody could check what they signed.

    ``public`` is a Multikey or a JWK, ``sealed`` the private half, encrypted with a key that is not in
    the database. ``did`` is the issuer as which it signs, ``fragment`` its name there.
    """

    __tablename__ = "signing_key"

    sponsor_id: Mapped[str] = mapped_column(ForeignKey("sponsor.id"))
    kind: Mapped[str] = mapped_column(String(10))
    did: Mapped[str] = mapped_column(String(255))
    fragment: Mapped[str] = mapped_column(String(80))
    public: Mapped[str]
    sealed: Mapped[str]
    state: Mapped[str] = mapped_column(String(20), default=KeyState.ACTIVE)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    sponsor: Mapped[Sponsor] = relationship()

    __table_args__ = (
        UniqueConstraint("sponsor_id", "fragment"),
        partial_index(
            "uq_signing_key_active", "sponsor_id", "kind", unique=True, where="state = 'active'"
        ),
        one_of("kind", KeyKind),
        state_of(KEY_MACHINE),
        CheckConstraint("(state = 'active') = (ended_at IS NULL)", name="ended"),
    )


class StatusList(Identified, Base):
    """One Bitstring Status List of a sponsor: the signed document as it is served.

    Its bits are not kept: they follow from the credentials that name it. ``signed_at`` is None until it
    has been signed for the first time.
    """

    __tablename__ = "status_list"

    sponsor_id: Mapped[str] = mapped_column(ForeignKey("sponsor.id"))
    number: Mapped[int]
    url: Mapped[str] = mapped_column(String(400), unique=True)
    size: Mapped[int]
    created_at: Mapped[datetime]
    document: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    signed_at: Mapped[datetime | None]

    sponsor: Mapped[Sponsor] = relationship()

    __table_args__ = (UniqueConstraint("sponsor_id", "number"),)


class IssuedCredential(OfService, Versioned, Base):
    """A signed credential, as it was given out; never changed, only replaced or revoked.

    ``about`` names what it is for within the program (a course's id, ``capstone`` or ``program``), and
    ``facts`` is the digest of what it says, by which a change is noticed. ``evidence`` is what the
    digest in the document commits to. ``published_at`` is when the learner let the document be fetched
    from its address. Of an erased person the document, the token and the salt are gone; the status stays.
    """

    __tablename__ = "issued_credential"

    url: Mapped[str] = mapped_column(String(400), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    about: Mapped[str] = mapped_column(String(32))
    achievement: Mapped[str] = mapped_column(String(400), index=True)
    course_id: Mapped[str | None] = mapped_column(ForeignKey("course.id"))
    grade_id: Mapped[str | None] = mapped_column(ForeignKey("grade.id"), index=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("credential_record.id"), index=True)
    state: Mapped[str] = mapped_column(String(20), default=IssuedState.VALID)
    replaces_id: Mapped[str | None] = mapped_column(ForeignKey("issued_credential.id"), unique=True)
    facts: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(60))
    salt: Mapped[str | None] = mapped_column(String(40))
    status_list_id: Mapped[str] = mapped_column(ForeignKey("status_list.id"))
    status_index: Mapped[int]
    key_id: Mapped[str] = mapped_column(ForeignKey("signing_key.id"), index=True)
    token_key_id: Mapped[str] = mapped_column(ForeignKey("signing_key.id"), index=True)
    document: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    token: Mapped[str | None]
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    valid_from: Mapped[datetime]
    issued_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]

    program: Mapped[Program] = relationship()
    person: Mapped[Person] = relationship()
    record: Mapped[CredentialRecord] = relationship()
    course: Mapped[Course | None] = relationship()
    grade: Mapped[Grade | None] = relationship()
    status_list: Mapped[StatusList] = relationship()
    key: Mapped[SigningKey] = relationship(foreign_keys=[key_id])
    replaced_by: Mapped["IssuedCredential | None"] = relationship(
        foreign_keys="IssuedCredential.replaces_id", uselist=False, viewonly=True
    )

    __table_args__ = (
        UniqueConstraint("status_list_id", "status_index"),
        # Whatever dies in between: never two of the same at a time.
        partial_index(
            "uq_issued_credential_valid",
            "program_id",
            "person_id",
            "about",
            unique=True,
            where="state = 'valid'",
        ),
        one_of("kind", CredentialKind),
        state_of(ISSUED_MACHINE),
        CheckConstraint("(state = 'valid') = (ended_at IS NULL)", name="ended"),
    )
