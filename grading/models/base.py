"""The declarative base: plain SQLAlchemy, no Flask."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

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


def one_of(column: str, words: type | tuple[str, ...]) -> CheckConstraint:
    """Keep a column to the words of an enum."""
    values = words if isinstance(words, tuple) else tuple(str(word) for word in words)  # type: ignore[attr-defined]  # enum classes iterate
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def state_of(machine: Machine) -> CheckConstraint:
    """Keep a state column to the states of its machine."""
    return one_of("state", machine.states)
