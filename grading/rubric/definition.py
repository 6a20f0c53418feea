"""What a rubric is: criteria with weights, and levels with points and descriptors."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Level:
    """One step on a criterion. ``points`` rise from level to level; the index is the level."""

    name: str
    points: float
    descriptor: str


@dataclass(frozen=True)
class Criterion:
    """One aspect of a work.

    Attributes
    ----------
    code : str
        Names the criterion in tables and records: ``a-z``, digits and ``_``.
    weight : float
        Its share of the composite, in per cent.
    courses : tuple of str
        Codes of the courses it draws on.
    levels : tuple of Level
        From lowest to highest.
    """

    code: str
    title: str
    guidance: str
    weight: float
    courses: tuple[str, ...]
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class Rubric:
    """A version of a rubric; two with the same `digest` are the same in every word and number."""

    name: str
    title: str
    version: int
    description: str
    criteria: tuple[Criterion, ...]

    def criterion(self, code: str) -> Criterion:
        """Find a criterion by its code; raises `KeyError`."""
        for criterion in self.criteria:
            if criterion.code == code:
                return criterion
        raise KeyError(code)

    @property
    def titles(self) -> dict[str, str]:
        """Each criterion's title by its code."""
        return {criterion.code: criterion.title for criterion in self.criteria}

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the canonical JSON; 4 and 4.0 are the same number."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Give plain data that `from_dict` reads back exactly."""
        data = asdict(self)
        data["criteria"] = [
            {
                **criterion,
                "weight": float(criterion["weight"]),
                "courses": list(criterion["courses"]),
                "levels": [
                    {**level, "points": float(level["points"])} for level in criterion["levels"]
                ],
            }
            for criterion in data["criteria"]
        ]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Rubric":
        """Read what `to_dict` gave."""
        return cls(
            name=data["name"],
            title=data["title"],
            version=data["version"],
            description=data["description"],
            criteria=tuple(
                Criterion(
                    code=criterion["code"],
                    title=criterion["title"],
                    guidance=criterion["guidance"],
                    weight=criterion["weight"],
                    courses=tuple(criterion["courses"]),
                    levels=tuple(Level(**level) for level in criterion["levels"]),
                )
                for criterion in data["criteria"]
            ),
        )
