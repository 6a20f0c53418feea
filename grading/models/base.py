"""The declarative base: plain SQLAlchemy, no Flask."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, registry

from grading.models.codes import new_id
from grading.workflow.machine import Machine


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All models; `registry` is explicit because Flask-SQLAlchemy shares its metadata."""

    registry = registry(
        metadata=MetaData(naming_convention=_NAMES),
        type_annotation_map={
            datetime: UtcDateTime,
            dict[str, Any]: JSON,
            list[Any]: JSON,
            str: Text,
        },
    )


class Identified:
    """A record with an opaque id of its own."""

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)


class OfCohort(Identified):
    """A record of a cohort, whose audit chain it belongs to."""

    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohort.id"))

    @property
    def chain(self) -> str:
        return self.cohort_id


class OfService(Identified):
    """A record that belongs to the audit chain of the service."""

    @property
    def chain(self) -> str:
        return "service"


class Versioned:
    """A record that counts its changes, so that a stale write fails."""

    version: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Index the rows that meet a condition, on SQLite and PostgreSQL alike."""
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def one_of(column: str, words: type | tuple[str, ...]) -> CheckConstraint:
    """Keep a column to the words of an enum."""
    values = words if isinstance(words, tuple) else tuple(str(word) for word in words)  # type: ignore[attr-defined]  # enum classes iterate
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def state_of(machine: Machine) -> CheckConstraint:
    """Keep a state column to the states of its machine."""
    return one_of("state", machine.states)
