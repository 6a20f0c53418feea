"""The audit chain: who did what, when and why, each entry bound to the one before it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grading.models.base import Base

# How a digest that stands for words begins.
ASIDE = "words:sha256:"


class AuditEntry(Base):
    """One state change or decision. Holds ids, never names, so that a person can be forgotten.

    ``before`` and ``after`` are canonical JSON text, exactly as hashed. Where somebody wrote words of
    their own, the hash covers a salted digest of them, which stands in their place; the words are
    ``aside``, by digest with their salt, and can be taken away (``erased_at``) without touching the chain.
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
    aside: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    erased_at: Mapped[datetime | None]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    # The digest of the `Seal`s that were made with it; None for entries of before there were any.
    sealed: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        UniqueConstraint("chain", "number"),
        Index("ix_audit_entry_subject_id", "subject_id"),
        Index("ix_audit_entry_actor_id", "actor_id"),
    )

    @property
    def reason_words(self) -> str | None:
        """The reason as it was given; None where there is none, or it was erased."""
        if self.reason is None or not self.reason.startswith(ASIDE):
            return self.reason
        kept = (self.aside or {}).get(self.reason)
        return str(kept[1]) if kept else None


class Seal(Base):
    """How a row of another table stood when an act was done with it: a salted digest, held by an entry.

    ``row`` is the table and the row's id; ``digest`` is None where the row is no longer there. The salt
    goes when a later seal takes its place, so that what stood before can no longer be guessed.
    """

    __tablename__ = "seal"

    id: Mapped[int] = mapped_column(primary_key=True)
    chain: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    row: Mapped[str] = mapped_column(String(80), index=True)
    digest: Mapped[str | None] = mapped_column(String(64))
    salt: Mapped[str | None] = mapped_column(String(32))

    __table_args__ = (Index("ix_seal_chain_number", "chain", "number"),)


class AuditHead(Base):
    """How long a chain is and where it ends, so that a removed tail shows."""

    __tablename__ = "audit_head"

    chain: Mapped[str] = mapped_column(String(32), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64), default="0" * 64)
