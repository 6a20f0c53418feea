"""The blueprint of the bench, its two sides, and how a page finds its item."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Blueprint, g, url_for
from flask.typing import ResponseReturnValue

from grading.authorization.permissions import Permission
from grading.errors import NotFound
from grading.models import Allocation
from grading.readings.reviews import Sheet
from grading.web.access import load, requires
from grading.workflow.allocation import Pool

bp = Blueprint("rater", __name__)


class Sided(Protocol):
    """One of the two ways to a page: what its views are named by, where they lie, and who may come."""

    @property
    def name(self) -> str: ...

    @property
    def prefix(self) -> str: ...

    @property
    def permission(self) -> Permission: ...


@dataclass(frozen=True)
class Side:
    """One of the two ways to the bench."""

    name: str
    prefix: str
    pool: Pool
    permission: Permission

    def url(self, view: str, **values: Any) -> str:
        return url_for(f"rater.{self.name}_{view}", **values)


PROFESSIONAL = Side("item", "/grade/item", Pool.PROFESSIONAL, Permission.REVIEW_PROFESSIONAL)
PEER = Side("review", "/learn/review", Pool.PEER, Permission.REVIEW_PEER)

# Name and method of a view, its path below the side's prefix, and what answers for a side.
SidedView = tuple[str, str, str, Callable[..., ResponseReturnValue]]


def add_views(blueprint: Blueprint, side: Sided, views: Iterable[SidedView]) -> None:
    """Put views on one side: each is named after it and asks for its permission."""
    for name, method, path, answer in views:

        def view(
            answer: Callable[..., ResponseReturnValue] = answer, **values: Any
        ) -> ResponseReturnValue:
            return answer(side, **values)

        blueprint.add_url_rule(
            f"{side.prefix}{path}",
            f"{side.name}_{name}",
            requires(side.permission)(view),
            methods=[method],
        )


def find_item(side: Side, allocation_id: str) -> Allocation:
    """Find the signed-in reader's own item on its side of the bench."""
    allocation = load(Allocation, allocation_id, side.permission, owner="rater_id")
    if allocation.pool != side.pool:
        raise NotFound("There is no such page.")
    g.cohort_zone = allocation.cohort.zone
    return allocation


def stored_sheet(allocation: Allocation) -> Sheet:
    """Give the sheet of an item as it is kept; an empty one before anything is."""
    review = allocation.review
    return Sheet(review.levels, review.comments, review.comment) if review else Sheet()
