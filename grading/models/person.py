"""People, how they sign in, and what they prefer."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, Identified, one_of


class Person(Identified, Base):
    """Somebody with an account. ``epoch`` rises when all their sign-ins and mailed links must end."""

    __tablename__ = "person"

    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str | None]
    administrator: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    epoch: Mapped[int] = mapped_column(default=0)
    time_zone: Mapped[str | None] = mapped_column(String(64))
    theme: Mapped[str] = mapped_column(String(10), default="system")
    single_keys: Mapped[bool] = mapped_column(default=True)
    # Whether they are written to about what waits for them; results and receipts come all the same.
    digest: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    # Forgotten since then: name and address are a pseudonym, and nothing brings them back.
    erased_at: Mapped[datetime | None]

    __table_args__ = (one_of("theme", ("system", "light", "dark")),)

    @property
    def chain(self) -> str:
        """Accounts belong to no cohort; their history is in the service's chain."""
        return "service"


class SignIn(Base):
    """A browser that is signed in; only its token's hash is kept.

    It ends unless it is used before ``idle_at``, at ``ends_at`` in any case, and with its person's epoch.
    """

    __tablename__ = "sign_in"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    epoch: Mapped[int]
    begun_at: Mapped[datetime]
    idle_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    person: Mapped[Person] = relationship()


class SignInAttempt(Base):
    """A wrong password, counted by every process alike under whatever it is counted by."""

    __tablename__ = "sign_in_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]

    __table_args__ = (Index("ix_sign_in_attempt_key_at", "key", "at"),)


class PasswordReset(Base):
    """A mailed way back in, good once and for its person's epoch; only the token's hash is kept."""

    __tablename__ = "password_reset"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    epoch: Mapped[int]
    expires_at: Mapped[datetime]

    person: Mapped[Person] = relationship()
