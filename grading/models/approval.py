"""Approvals: what was put before somebody, and what they signed."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, Identified, OfCohort, one_of
from grading.models.passkey import Passkey
from grading.models.person import Person
from grading.workflow.approval import Action, Proof, Statement


class Challenge(Identified, Base):
    """What was put before a person, with a nonce that is good once and not for long.

    ``entered`` is text that the act will keep in its own place; of it ``note`` has the digest. It goes
    when the challenge is used.
    """

    __tablename__ = "challenge"

    action: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(32))
    cohort_id: Mapped[str | None] = mapped_column(ForeignKey("cohort.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    nonce: Mapped[str] = mapped_column(String(64))
    records: Mapped[list[Any]]
    note: Mapped[dict[str, Any]]
    entered: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("action", Action),
        UniqueConstraint("nonce"),
        Index("ix_challenge_person_id_expires_at", "person_id", "expires_at"),
    )

    @property
    def statement(self) -> Statement:
        return Statement(
            self.action, self.subject_id, self.person_id, self.nonce, self.records, self.note
        )


class Approval(OfCohort, Base):
    """One person's yes to an exact list, with what shows that it was them.

    From these columns and the passkey's public key anybody can compute the challenge again and check the
    signature. Binary values are base64url text without padding; ``digest`` is the challenge in hexadecimal.
    """

    __tablename__ = "approval"

    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohort.id"), index=True)
    action: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(32), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    nonce: Mapped[str] = mapped_column(String(64))
    records: Mapped[list[Any]]
    note: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    proof: Mapped[str] = mapped_column(String(20))
    passkey_id: Mapped[str | None] = mapped_column(ForeignKey("passkey.id"))
    # Where the browser said it was; the passkey names the party.
    origin: Mapped[str | None]
    authenticator_data: Mapped[str | None]
    client_data: Mapped[str | None]
    signature: Mapped[str | None]

    person: Mapped[Person] = relationship()
    passkey: Mapped[Passkey | None] = relationship()

    __table_args__ = (
        one_of("action", Action),
        one_of("proof", Proof),
        UniqueConstraint("nonce"),
        UniqueConstraint("subject_id", "person_id", "action"),
        CheckConstraint(
            "(proof = 'passkey') = (passkey_id IS NOT NULL AND origin IS NOT NULL AND "
            "authenticator_data IS NOT NULL AND client_data IS NOT NULL AND signature IS NOT NULL)",
            name="signed",
        ),
    )

    @property
    def statement(self) -> Statement:
        return Statement(
            self.action, self.subject_id, self.person_id, self.nonce, self.records, self.note
        )
