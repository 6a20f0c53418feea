"""What a person may ask about themself, what is given to others, and how long things are kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
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
from grading.models.program import Sponsor
from grading.models.record import CredentialRecord
from grading.workflow.privacy import (
    ERASURE_MACHINE,
    EXPORT_MACHINE,
    SENDING_MACHINE,
    Disclosed,
    ErasureState,
    ExportState,
    Ground,
    Kept,
    PartnerGets,
    PartnerKind,
    SendingState,
)


class PersonalExport(OfService, Versioned, Base):
    """Everything about a person in one file, kept for some days; ``ground`` is why another one asked."""

    __tablename__ = "personal_export"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    asked_by_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    ground: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(String(20), default=ExportState.WAITING)
    asked_at: Mapped[datetime]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    key: Mapped[str | None] = mapped_column(String(200))
    size: Mapped[int | None]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])

    __table_args__ = (
        state_of(EXPORT_MACHINE),
        CheckConstraint(
            "state <> 'ready' OR (key IS NOT NULL AND expires_at IS NOT NULL)", name="ready"
        ),
        # Pressing twice asks once.
        partial_index(
            "uq_personal_export_waiting",
            "person_id",
            "asked_by_id",
            unique=True,
            where="state = 'waiting'",
        ),
    )


class ErasureRequest(OfService, Versioned, Base):
    """Somebody is to be forgotten: they or an administrator asked; it is carried out in two steps."""

    __tablename__ = "erasure_request"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    asked_by_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(20), default=ErasureState.ASKED)
    asked_at: Mapped[datetime]
    decide_by: Mapped[datetime]
    prepared_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    prepared_at: Mapped[datetime | None]
    ended_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    answer: Mapped[str | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])

    __table_args__ = (
        state_of(ERASURE_MACHINE),
        CheckConstraint("state IN ('asked', 'prepared') OR ended_at IS NOT NULL", name="ended"),
        partial_index(
            "uq_erasure_request_pending",
            "person_id",
            unique=True,
            where="state IN ('asked', 'prepared')",
        ),
    )


class KeptTranscript(OfService, Base):
    """What the law keeps of an erased person: who was awarded what, by whom and when."""

    __tablename__ = "kept_transcript"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), unique=True)
    # ``{"name", "programs": [{"program", "sponsor", "courses": […], "capstone": […]}]}``
    content: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
    keep_until: Mapped[datetime]


class DoomedFile(Base):
    """A stored file that nothing refers to any more; a job deletes it after the commit."""

    __tablename__ = "doomed_file"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    since: Mapped[datetime]


class RetentionRun(Base):
    """A period of a cohort that is over, and was applied."""

    __tablename__ = "retention_run"

    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohort.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    applied_at: Mapped[datetime]
    count: Mapped[int]

    __table_args__ = (one_of("kind", Kept),)


class Disclosure(Identified, Base):
    """Something of a person was given to somebody outside; only added.

    Looks at shared addresses are counted by day (`PublicView`) and are no rows here.
    """

    __tablename__ = "disclosure"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    at: Mapped[datetime]
    what: Mapped[str] = mapped_column(String(20))
    recipient: Mapped[str] = mapped_column(String(300))
    ground: Mapped[str] = mapped_column(String(20))
    by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str] = mapped_column(default="")

    __table_args__ = (one_of("what", Disclosed), one_of("ground", Ground))


class Partner(OfService, Base):
    """Who is sent credentials of a sponsor's learners, if these want it. What changes is a new partner."""

    __tablename__ = "partner"

    sponsor_id: Mapped[str] = mapped_column(ForeignKey("sponsor.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(String(400))
    gets: Mapped[str] = mapped_column(String(20))
    # What the partner does with it, as the learner reads it before consenting.
    pathway: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    sponsor: Mapped[Sponsor] = relationship()

    __table_args__ = (one_of("kind", PartnerKind), one_of("gets", PartnerGets))


class PartnerConsent(OfService, Base):
    """A learner's yes to one partner and one version of their record; ``digest`` is of exactly that."""

    __tablename__ = "partner_consent"

    partner_id: Mapped[str] = mapped_column(ForeignKey("partner.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("credential_record.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    # The credentials that may be sent.
    credential_ids: Mapped[list[Any]]
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    partner: Mapped[Partner] = relationship()
    person: Mapped[Person] = relationship()
    record: Mapped[CredentialRecord] = relationship()
    sendings: Mapped[list["PartnerSending"]] = relationship(
        order_by="PartnerSending.number", back_populates="consent"
    )

    __table_args__ = (
        partial_index(
            "uq_partner_consent_given",
            "partner_id",
            "person_id",
            unique=True,
            where="withdrawn_at IS NULL",
        ),
    )


class PartnerSending(OfService, Versioned, Base):
    """One try at sending what was consented to; another try is asked for by the learner."""

    __tablename__ = "partner_sending"

    consent_id: Mapped[str] = mapped_column(ForeignKey("partner_consent.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default=SendingState.WAITING)
    asked_at: Mapped[datetime]
    begun_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    error: Mapped[str | None]

    consent: Mapped[PartnerConsent] = relationship(back_populates="sendings")

    __table_args__ = (UniqueConstraint("consent_id", "number"), state_of(SENDING_MACHINE))
