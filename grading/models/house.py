"""What the database says of the house itself."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grading.models.base import Base


class DemoMark(Base):
    """The one row by which a database is a demo's; it is written with the tables, and never later."""

    __tablename__ = "demo_mark"

    id: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("id = 1", name="one"),)
