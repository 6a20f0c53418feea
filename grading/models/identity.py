"""Identity checks: how it was known who somebody is, apart from what their account says."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, OfService, one_of
from grading.models.person import Person
from grading.workflow.credential import DocumentKind, IdentityAssurance


class IdentityCheck(OfService, Base):
    """One check of a person, by a person or an institution; a later one adds, none is changed.

    With a submission it vouches for whose work that is; without, for everything submitted while it
    holds. ``name`` is the verified one, kept apart from the account's. ``holds_until`` None: for good.
    ``document`` is the kind of document that was seen, ``issuer`` who vouched at a sign-in.
    """

    __tablename__ = "identity_check"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    submission_id: Mapped[str | None] = mapped_column(ForeignKey("submission.id"), index=True)
    how: Mapped[str] = mapped_column(String(30))
    document: Mapped[str | None] = mapped_column(String(20))
    issuer: Mapped[str | None] = mapped_column(String(400))
    name: Mapped[str] = mapped_column(String(200))
    by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    holds_until: Mapped[datetime | None]

    by: Mapped[Person | None] = relationship(foreign_keys=[by_id])

    __table_args__ = (
        one_of("how", IdentityAssurance),
        one_of("document", DocumentKind),
        CheckConstraint("person_id <> by_id", name="another"),
        CheckConstraint("holds_until > at", name="holds"),
    )


class SignInLink(OfService, Base):
    """Whose account a subject of an OpenID provider signs in to."""

    __tablename__ = "sign_in_link"

    issuer: Mapped[str] = mapped_column(String(400))
    subject: Mapped[str] = mapped_column(String(255))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    linked_at: Mapped[datetime]

    person: Mapped[Person] = relationship()

    __table_args__ = (UniqueConstraint("issuer", "subject"),)
