"""Identity checks: how it was known who somebody is, apart from what their account says."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from grading.models.base import Base, Identified, one_of
from grading.workflow.credential import IdentityAssurance


class IdentityCheck(Identified, Base):
    """One check of a person, by a person or an institution; a later one adds, none is changed.

    With a submission it vouches for whose work that is; without, for everything submitted while it
    holds. ``name`` is the verified one, kept apart from the account's. ``holds_until`` None: for good.
    """

    __tablename__ = "identity_check"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    submission_id: Mapped[str | None] = mapped_column(ForeignKey("submission.id"), index=True)
    how: Mapped[str] = mapped_column(String(30))
    name: Mapped[str] = mapped_column(String(200))
    by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    holds_until: Mapped[datetime | None]

    __table_args__ = (
        one_of("how", IdentityAssurance),
        CheckConstraint("person_id <> by_id", name="another"),
        CheckConstraint("holds_until > at", name="holds"),
    )

    @property
    def chain(self) -> str:
        return "service"
