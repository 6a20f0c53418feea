"""The staffing check: what a plan will make impossible with the people there are.

It is asked before a cohort opens, when the plan and the people can still be changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil, floor, inf

from grading.phrases import phrase
from grading.workflow.plan import GradingPlan

# Two readings, a third that settles them, and a fourth by somebody fresh for an appeal.
FEWEST_PROFESSIONALS = 4
# Among fewer, a peer can guess whose project they read.
FEWEST_ANONYMOUS = 5
# Peers weigh nothing in the score until so many projects have both kinds of reading.
PEERS_CENTRED_FROM = 30


class Severity(StrEnum):
    """``impossible`` will not happen at all; ``risk`` may not; ``note`` is good to know."""

    IMPOSSIBLE = "impossible"
    RISK = "risk"
    NOTE = "note"


@dataclass(frozen=True)
class People:
    """Who is there, as far as it matters to the check.

    Attributes
    ----------
    learners : int
        How many projects are expected.
    graders, deciders : frozenset of str
        Ids of the active people who read live, and of the leads and instructors who can also settle
        and answer appeals.
    instructors : frozenset of str
        Those who release and decide misconduct; a part of ``deciders``.
    invited_peers, coordinators : int
    check_papers : int
        Agreed papers that can come as check items; each grader meets each once.
    cleared, can_qualify : frozenset of str
        Of all professionals: whose standing lasts until projects are given out; and who else has fresh
        examples enough for a try.
    fresh_examples : int
        The most that anybody who is not cleared has of what a try takes.
    kept_apart : mapping from learner to the graders and deciders who may not read them
        By conflict of interest, or because they are the learner.
    """

    learners: int
    graders: frozenset[str]
    deciders: frozenset[str]
    instructors: frozenset[str]
    invited_peers: int = 0
    coordinators: int = 0
    check_papers: int = 0
    cleared: frozenset[str] = frozenset()
    can_qualify: frozenset[str] = frozenset()
    fresh_examples: int = 0
    kept_apart: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def professionals(self) -> frozenset[str]:
        return self.graders | self.deciders


@dataclass(frozen=True)
class Time:
    """What graders can give: minutes for one reading, hours each a week, weeks of the grading window."""

    minutes_per_reading: float = 20.0
    hours_per_week: float = 10.0
    weeks: float = 2.0


@dataclass(frozen=True)
class Finding:
    """One consequence; the template and its parameters are in the manner of `errors.Fault`.

    ``no_end`` says that some project is sure to stay without a result, so that the cohort cannot end.
    """

    code: str
    severity: Severity
    template: str
    params: dict[str, object] = field(default_factory=dict)
    no_end: bool = False


@dataclass(frozen=True)
class Staffing:
    """What the check found.

    Attributes
    ----------
    readings : int
        Professional readings that are certain to be needed: those that fall due near the pass mark,
        before "Not passed" and by adjudication come on top.
    hours_needed, hours_there : float
        For those readings, all graders together, within the grading window.
    findings : tuple of Finding
        Impossible ones first.
    """

    readings: int
    hours_needed: float
    hours_there: float
    findings: tuple[Finding, ...]

    @property
    def impossible(self) -> tuple[Finding, ...]:
        return tuple(item for item in self.findings if item.severity is Severity.IMPOSSIBLE)

    @property
    def without_end(self) -> tuple[Finding, ...]:
        """What keeps the cohort from ever ending; it is not opened."""
        return tuple(item for item in self.findings if item.no_end)


def most_readings(plan: GradingPlan) -> int:
    """Count the graders one project may need before anybody settles a disagreement."""
    random = plan.professional_readings + (plan.second_share > 0)
    return max(random, plan.readings_near_cut, plan.readings_before_not_passed)


def shares_in_works(plan: GradingPlan, works: int) -> tuple[int, int]:
    """Say how many works professionals read by the plan's shares, and how many of these once more."""
    read = ceil(round(plan.professional_share * works, 9))
    if plan.second_share <= 0:
        return read, 0
    share = ceil(round(plan.second_share * works, 9))
    return read, min(max(share, plan.second_minimum), read)


def certain_readings(plan: GradingPlan, learners: int) -> int:
    """Count the professional readings that the plan's shares alone ask for."""
    read, again = shares_in_works(plan, learners)
    return read * plan.professional_readings + again


def expected_check_items(plan: GradingPlan, people: People, readings: int) -> int:
    """Count the check items that come among so many readings, shared equally by the graders.

    They count towards the most a grader may have, as readings of work do. What a miss, an alarm or a
    new day brings comes on top.
    """
    graders = len(people.graders)
    if plan.check_every <= 0 or not graders:
        return 0
    early_share = 1 / min(plan.check_every_early, plan.check_every)
    each = readings / graders
    early = min(each, plan.check_early * (1 - early_share))
    items = _checks_beside(early, early_share) + _checks_beside(each - early, 1 / plan.check_every)
    return graders * floor(min(items, people.check_papers))


def _checks_beside(readings: float, share: float) -> float:
    """Return how many check items come with some readings, when they are a share of all items."""
    if share >= 1:
        return inf if readings else 0.0
    return readings * share / (1 - share)


def check(plan: GradingPlan, people: People, time: Time) -> Staffing:
    """Say what will be impossible, and what is at risk, with these people, this plan and this time."""
    readings = certain_readings(plan, people.learners)
    needed = readings * time.minutes_per_reading / 60
    there = len(people.graders) * time.hours_per_week * time.weeks
    findings = [
        *_readers(plan, people),
        *_clearances(plan, people),
        *_kept_apart(plan, people),
        *_load(plan, people, readings, needed, there),
        *_peers(plan, people),
        *_deciders(plan, people),
        *_numbers(plan, people),
    ]
    order = list(Severity)
    findings.sort(key=lambda item: order.index(item.severity))
    return Staffing(readings, needed, there, tuple(findings))


def _readers(plan: GradingPlan, people: People) -> Iterator[Finding]:
    graders, able = len(people.graders), len(people.professionals)
    first, most = plan.professional_readings, most_readings(plan)
    if graders < first:
        yield Finding(
            "no_reading",
            Severity.IMPOSSIBLE,
            phrase(
                "No project can be read as planned. Graders for each: %(n)s; there are: %(there)s."
            ),
            {"n": first, "there": graders},
            no_end=True,
        )
    elif graders < most:
        yield Finding(
            "no_second_reading",
            Severity.IMPOSSIBLE,
            phrase(
                "No project can have a second reading: the plan asks for up to %(n)s graders on a project,"
                " and there are %(there)s."
            ),
            {"n": most, "there": graders},
        )
    if able < most + 1:
        yield Finding(
            "no_adjudication",
            Severity.IMPOSSIBLE,
            phrase(
                "Scores too far apart cannot be settled by a third: that takes %(n)s professionals, leads"
                " and instructors among them, and there are %(there)s."
            ),
            {"n": most + 1, "there": able},
        )
    if able < most + 2 and plan.appeal_tokens:
        yield Finding(
            "no_fresh_appeal",
            Severity.IMPOSSIBLE,
            phrase(
                "An appeal against a settled result cannot be read by somebody fresh: that takes %(n)s"
                " professionals, and there are %(there)s. The decision would be marked “not blind”."
            ),
            {"n": most + 2, "there": able},
        )
    if FEWEST_PROFESSIONALS > able >= most + 2:
        yield Finding(
            "few_professionals",
            Severity.RISK,
            phrase(
                "There are %(there)s professionals. With fewer than %(n)s, one who falls ill "
                "stops appeals."
            ),
            {"n": FEWEST_PROFESSIONALS, "there": able},
        )
    # Whoever read an attempt reads no other of the same learner.
    fresh = max(graders // most - 1, 0) if most else plan.retakes
    if fresh < plan.retakes:
        yield Finding(
            "no_fresh_retake",
            Severity.RISK,
            phrase("Fresh graders are there for %(there)s of the %(n)s retakes the plan offers."),
            {"n": plan.retakes, "there": fresh},
        )


def examples_for_a_try(plan: GradingPlan) -> int:
    """Count the examples without which nobody is cleared: one to practise on, and the sets of one try."""
    return plan.qualification_sets * plan.qualification_papers + (plan.practice_papers > 0)


def _clearances(plan: GradingPlan, people: People) -> Iterator[Finding]:
    if plan.calibration == "off" or len(people.graders) < plan.professional_readings:
        return
    able = people.cleared | people.can_qualify
    readers, needed = len(people.graders & able), examples_for_a_try(plan)
    figures: dict[str, object] = {
        "n": plan.professional_readings,
        "cleared": len(people.graders & people.cleared),
        "needed": needed,
        "there": people.fresh_examples,
        "learners": people.learners,
    }
    if readers < plan.professional_readings:
        stuck = bool(people.learners) and people.fresh_examples + people.learners < needed
        if stuck:
            yield Finding(
                "not_cleared",
                Severity.IMPOSSIBLE,
                phrase(
                    "A project takes %(n)s cleared graders, there are %(cleared)s, and nobody else can be"
                    " cleared: that takes %(needed)s agreed examples a grader has not met, there are"
                    " %(there)s, and this cohort’s projects can add %(learners)s at most. A lead can clear"
                    " graders by hand."
                ),
                figures,
                no_end=True,
            )
        else:
            yield Finding(
                "examples_first",
                Severity.RISK,
                phrase(
                    "A project takes %(n)s cleared graders, and there are %(cleared)s. Others are cleared by"
                    " %(needed)s agreed examples they have not met, of which there are %(there)s: projects"
                    " of this cohort have to become examples, and whoever is cleared by one does not grade"
                    " it. A lead can clear graders by hand."
                ),
                figures,
            )
    elif len(able) < most_readings(plan) + 1 <= len(people.professionals):
        yield Finding(
            "few_cleared",
            Severity.RISK,
            phrase(
                "A disputed project takes %(n)s cleared professionals; %(cleared)s are cleared, and"
                " %(more)s more have fresh examples for it."
            ),
            {
                "n": most_readings(plan) + 1,
                "cleared": len(people.cleared),
                "more": len(people.can_qualify),
            },
        )


def _kept_apart(plan: GradingPlan, people: People) -> Iterator[Finding]:
    first, most = plan.professional_readings, most_readings(plan)
    unread = unsettled = 0
    for apart in people.kept_apart.values():
        unread += len(people.graders - apart) < first <= len(people.graders)
        unsettled += len(people.professionals - apart) < most + 1 <= len(people.professionals)
    if unread:
        yield Finding(
            "conflicts_no_reading",
            Severity.IMPOSSIBLE,
            phrase("Learners whom conflicts of interest leave without enough graders: %(n)s."),
            {"n": unread},
            no_end=True,
        )
    if unsettled:
        yield Finding(
            "conflicts_no_adjudication",
            Severity.RISK,
            phrase(
                "Learners for whom conflicts of interest leave nobody to settle a disagreement: %(n)s."
            ),
            {"n": unsettled},
        )


def _load(
    plan: GradingPlan, people: People, readings: int, needed: float, there: float
) -> Iterator[Finding]:
    graders = len(people.graders)
    counted = readings + expected_check_items(plan, people, readings)
    if plan.grader_load is not None and counted > graders * plan.grader_load:
        yield Finding(
            "load",
            Severity.IMPOSSIBLE,
            phrase(
                "The plan asks for at least %(needed)s readings, and caps what %(graders)s graders may have"
                " at %(there)s."
            ),
            {"needed": counted, "graders": graders, "there": graders * plan.grader_load},
            no_end=True,
        )
    if needed > there:
        yield Finding(
            "time",
            Severity.RISK,
            phrase(
                "Reading takes at least %(needed)s hours, and the graders have %(there)s in the grading"
                " window."
            ),
            {"needed": ceil(needed), "there": floor(there)},
        )


def _peers(plan: GradingPlan, people: People) -> Iterator[Finding]:
    if not plan.peer_readings or not people.learners:
        return
    invited = plan.peers_from == "invited"
    most = people.invited_peers if invited else people.learners - 1
    if most < plan.peers_needed:
        yield Finding(
            "too_few_peers",
            Severity.IMPOSSIBLE,
            phrase("A result asks for %(n)s peer readings, and each project can get %(there)s."),
            {"n": plan.peers_needed, "there": most},
            no_end=True,
        )
    elif most < plan.peer_readings:
        yield Finding(
            "fewer_peers",
            Severity.RISK,
            phrase(
                "The plan gives each project %(n)s peer readings; there are peers for %(there)s."
            ),
            {"n": plan.peer_readings, "there": most},
        )
    raters = people.invited_peers if invited else people.learners
    if (
        plan.peer_load is not None
        and raters * plan.peer_load < people.learners * plan.peer_readings
    ):
        yield Finding(
            "peer_load",
            Severity.RISK,
            phrase("Peers owe %(needed)s reviews together, and may be asked for %(there)s."),
            {
                "needed": people.learners * plan.peer_readings,
                "there": raters * plan.peer_load,
            },
        )


def _deciders(plan: GradingPlan, people: People) -> Iterator[Finding]:
    instructors = len(people.instructors)
    if instructors < plan.sign_offs:
        yield Finding(
            "sign_offs",
            Severity.IMPOSSIBLE,
            phrase(
                "No result can be released. Instructors who sign it off: %(n)s; there are: %(there)s."
            ),
            {"n": plan.sign_offs, "there": instructors},
            no_end=True,
        )
    if instructors < 2:
        yield Finding(
            "misconduct",
            Severity.IMPOSSIBLE,
            phrase(
                "Misconduct cannot be decided: it takes two instructors, and there are %(there)s."
            ),
            {"there": instructors},
        )
    elif instructors == 2:
        yield Finding(
            "misconduct_reported",
            Severity.RISK,
            phrase(
                "A suspicion that an instructor reports cannot be decided: the two who decide must be"
                " others, and there are 2 instructors."
            ),
        )
    if not people.coordinators:
        yield Finding(
            "no_coordinator",
            Severity.RISK,
            phrase("Nobody can grant an extension: there is no coordinator."),
        )


def _numbers(plan: GradingPlan, people: People) -> Iterator[Finding]:
    if not people.learners:
        yield Finding("no_learners", Severity.NOTE, phrase("No learner is enrolled yet."))
        return
    if people.learners < FEWEST_ANONYMOUS:
        yield Finding(
            "anonymity",
            Severity.NOTE,
            phrase("Among %(n)s learners, readers and peers can guess whose project they read."),
            {"n": people.learners},
        )
    doubles = (
        certain_readings(plan, people.learners)
        - ceil(round(plan.professional_share * people.learners, 9)) * plan.professional_readings
    )
    if plan.professional_readings < 2 and doubles < plan.gate_minimum:
        yield Finding(
            "no_agreement",
            Severity.NOTE,
            phrase(
                "Agreement will not be known well enough to hold back a release: %(there)s projects are"
                " read twice, and it takes %(n)s."
            ),
            {"n": plan.gate_minimum, "there": doubles},
        )
    few = plan.peer_weight > 0 and people.learners < PEERS_CENTRED_FROM
    if plan.peer_readings and plan.professional_share == 1 and few:
        yield Finding(
            "peers_do_not_count",
            Severity.NOTE,
            phrase(
                "Peers give comments, and no part of the score: fewer than %(n)s projects have both kinds"
                " of reading."
            ),
            {"n": PEERS_CENTRED_FROM},
        )
