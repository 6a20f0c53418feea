"""The released figure, computed again by a reader from nothing but the table on the result page."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from flask import Flask
from markupsafe import Markup
from sqlalchemy import select

from grading.models import Grade
from grading.releases import releases
from tests import factories
from tests.database import Clock
from tests.scores.test_adjusting import graded_cohort

CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.S)


def tables(html: str) -> dict[str, list[list[str]]]:
    """The page's tables by caption, each as rows of words."""
    found = {}
    for table in re.findall(r"<table>(.*?)</table>", html, re.S):
        caption = re.search(r"<caption[^>]*>(.*?)</caption>", table, re.S)
        rows = [
            [" ".join(Markup(cell).striptags().split()) for cell in CELL.findall(row)]
            for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)
        ]
        found[caption.group(1) if caption else ""] = rows
    return found


def figure(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-").removesuffix(" %"))


@pytest.mark.parametrize(
    "choices",
    [pytest.param({}, marks=pytest.mark.slow), {"resolution": "severity", "peer_weight": 0.2}],
    ids=str,
)
def test_a_reader_with_a_pencil_comes_to_the_released_value(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock, choices: dict[str, Any]
) -> None:
    with act() as session:
        cast, now = graded_cohort(session, **choices)
        factories.run_upkeep(session, cast.cohort, now=now)
        release = releases.propose(
            session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
        )
        now += timedelta(minutes=11)
        releases.carry_out(session, release, now=now)
        clock.now = now
        cohort = cast.cohort.id
        values = {
            grade.submission.learner_id: grade.value
            for grade in session.scalars(select(Grade)).all()
        }
    assert len(values) == 40
    raised = lowered = 0
    for learner, value in sorted(values.items())[:12]:
        html = sign_in(learner).get(f"/learn/{cohort}/result").get_data(as_text=True)
        found = tables(html)
        head, *rows, _together = found["From levels to the score"]
        graders = [i for i, name in enumerate(head) if name.startswith("Grader ")]
        peers = [i for i, name in enumerate(head) if name.startswith("Peer ")]
        weight, most = head.index("Weight"), head.index("of")
        own = theirs = 0.0
        for row in rows:
            per_level = figure(row[weight]) / figure(row[most])
            own += per_level * sum(figure(row[i]) for i in graders) / len(graders)
            if peers:
                levels = sorted(figure(row[i]) for i in peers)
                theirs += per_level * (levels[0] + levels[-1]) / 2  # of two, the middle is the mean
        for row in found.get("What severity adds", [[]])[1:]:
            own += figure(row[1]) * figure(row[2])
        line = re.search(r'class="worked">(.*?)<', html)
        assert line is not None
        total = own
        if peers:
            share = re.fullmatch(r"(\S+) × .* \+ (\S+) × \((\S+) . (\S+)\) = .*", line.group(1))
            assert share is not None
            centred = theirs - figure(share.group(4))
            total = figure(share.group(1)) * own + figure(share.group(2)) * centred
            assert "The adjustment for who read your project" in html
            raised += "raised the score" in html
            lowered += "lowered the score" in html
        total = min(max(total, 0.0), 100.0)
        rounded = Decimal(f"{total:.2f}").quantize(Decimal(1), ROUND_HALF_UP)
        assert str(rounded) == value, line.group(1)
        sheet = sign_in(learner).get(f"/learn/{cohort}/result.csv")
        table = list(csv.reader(io.StringIO(sheet.get_data(as_text=True).removeprefix("\ufeff"))))
        adds = table[0].index("Adds to 100")
        assert table[-1][0] == "Result"
        assert table[-1][adds] == value
        assert float(table[-2][adds]) == pytest.approx(total, abs=0.01)
        assert [row[1 : 1 + len(graders + peers)] for row in table[1 : 1 + len(rows)]] == [
            [cell.replace("–", "") for cell in row[1 : 1 + len(graders + peers)]] for row in rows
        ]
    if choices:
        assert raised
        assert lowered
