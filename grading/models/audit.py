"""The audit chain: who did what, when and why, each entry bound to the one before it."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grading.models.base import Base


class AuditEntry(Base):
    """One state change or decision. Holds ids, never names, so that a person can be forgotten.

    ``before`` and ``after`` are canonical JSON text, exactly as hashed.
    """

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    chain: Mapped[str] = mapped_column(String(32))
    number: Mapped[int]
    at: Mapped[datetime]
    actor_id: Mapped[str | None] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(60))
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(64))
    before: Mapped[str | None]
    after: Mapped[str | None]
    reason: Mapped[str | None]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        UniqueConstraint("chain", "number"),
        Index("ix_audit_entry_subject_id", "subject_id"),
    )


class AuditHead(Base):
    """How long a chain is and where it ends, so that a removed tail shows."""

    __tablename__ = "audit_head"

    chain: Mapped[str] = mapped_column(String(32), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64), default="0" * 64)
