"""Passkeys: what people sign with."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, OfService
from grading.models.person import Person


class Passkey(OfService, Base):
    """A WebAuthn credential of one person, for one address of the service.

    A removed one signs nothing more, and stays so that what it signed can be checked. Binary values are
    base64url text without padding.
    """

    __tablename__ = "passkey"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    # The relying party: the host name browsers bind it to.
    party: Mapped[str] = mapped_column(String(253))
    credential: Mapped[str]
    public_key: Mapped[str]
    sign_count: Mapped[int] = mapped_column(default=0)
    # Kept by a service that copies it to the person's other devices.
    synced: Mapped[bool] = mapped_column(default=False)
    added_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))

    person: Mapped[Person] = relationship(foreign_keys=[person_id])

    __table_args__ = (
        UniqueConstraint("credential"),
        CheckConstraint("sign_count >= 0", name="sign_count"),
    )
