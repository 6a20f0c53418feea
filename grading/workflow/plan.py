"""The grading plan: every choice a cohort makes about its grading, with the reason beside it.

A plan is frozen when its cohort opens. Its digest is kept with every score that rests on it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from grading.errors import Fault, FaultsFound


def _choice(
    default: Any,
    group: str,
    label: str,
    why: str,
    *,
    low: float | None = None,
    high: float | None = None,
    words: tuple[str, ...] = (),
    unsaid: Any = None,
) -> Any:
    """Describe a choice. ``unsaid`` is what plans meant that were made before the choice existed.

    A plan that still means it has the digest that it had then.
    """
    return field(
        default=default,
        metadata={
            "group": group,
            "label": label,
            "why": why,
            "low": low,
            "high": high,
            "words": words,
            "unsaid": unsaid,
        },
    )


@dataclass(frozen=True)
class GradingPlan:
    """One cohort's choices. The defaults are those of the ``certification`` preset.

    Shares are fractions of 1, totals are points of 100, kappas are unitless; windows and holds carry
    their unit in the name. ``None`` in a load means no cap.
    """

    preset: str = _choice(
        "certification",
        "Plan",
        "Preset",
        "Where the choices started.",
        words=("certification", "course", "economy"),
    )

    peer_readings: int = _choice(
        3,
        "Peers",
        "Peer readings per project",
        "Enough that one no-show leaves two.",
        low=0,
        high=12,
    )
    peers_needed: int = _choice(
        2,
        "Peers",
        "Peer readings needed",
        "Fewer than this say little about a project.",
        low=0,
        high=12,
    )
    peers_from: str = _choice(
        "submitters",
        "Peers",
        "Peers come from",
        "Those who submitted review each other, or invited peers review.",
        words=("submitters", "invited"),
    )
    peer_load: int | None = _choice(
        5,
        "Peers",
        "Most reviews asked of one peer",
        "Nobody carries the no-shows of others.",
        low=1,
    )
    reviews_wait_days: int = _choice(
        7,
        "Peers",
        "Days a result waits for reviews not done",
        "A learner who owes reviews waits a little; the mark never changes. 0: nobody waits.",
        low=0,
        high=60,
    )

    professional_share: float = _choice(
        1.0,
        "Professional readings",
        "Share of projects read by a professional",
        "The point of the program: every project is read by a professional.",
        low=0,
        high=1,
    )
    professional_readings: int = _choice(
        1,
        "Professional readings",
        "Professional readings for each of them",
        "Second readings go where they buy most.",
        low=1,
        high=4,
    )
    second_share: float = _choice(
        0.2,
        "Professional readings",
        "Share read a second time, at random",
        "Agreement between professionals cannot be known without it.",
        low=0,
        high=1,
    )
    second_minimum: int = _choice(
        30,
        "Professional readings",
        "At least this many second readings",
        "Fewer pairs tell nothing about agreement.",
        low=0,
    )
    near_cut: float = _choice(
        5.0,
        "Professional readings",
        "Near the pass mark, in points",
        "This close to the pass mark one reading decides too much.",
        low=0,
        high=50,
    )
    readings_near_cut: int = _choice(
        2,
        "Professional readings",
        "Professional readings near the pass mark",
        "Fairness where a result can tip.",
        low=0,
        high=4,
    )
    readings_before_not_passed: int = _choice(
        2,
        "Professional readings",
        "Professional readings before “Not passed”",
        "Nobody is told “Not passed” on one person's word.",
        low=0,
        high=4,
    )
    grader_load: int | None = _choice(
        None,
        "Professional readings",
        "Most items for one grader",
        "A cap keeps one grader from shaping a whole cohort.",
        low=1,
    )

    tolerance_levels: int = _choice(
        1,
        "Agreement",
        "Levels apart allowed on a criterion",
        "Real professionals differ by more than one level in 6 % of pairs.",
        low=0,
        high=10,
    )
    tolerance_total: float = _choice(
        15.0,
        "Agreement",
        "Points apart allowed on the total",
        "A wider gap is no chance.",
        low=0,
        high=100,
    )
    tolerance_cut: bool = _choice(
        True,
        "Agreement",
        "Never across the pass mark",
        "Two readings that disagree on passing are settled by a third.",
    )
    resolution: str = _choice(
        "mean",
        "Agreement",
        "Score from several professional readings",
        "The mean is best in simulation; the median resists gross errors above 6 %; severity takes out how "
        "strict each grader is, where the design can tell.",
        words=("mean", "median", "severity"),
    )
    peer_weight: float = _choice(
        0.2,
        "Agreement",
        "Share of the peers in the score",
        "Only after centring peers on the professionals, and none while fewer than 30 projects have both.",
        low=0,
        high=0.5,
        unsaid=0.0,
    )

    calibration: str = _choice(
        "required",
        "Calibration",
        "Graders are cleared before they grade",
        "Nobody rates a live project on a criterion they were not seen to read as the leads do.",
        words=("required", "off"),
        unsaid="off",
    )
    practice_papers: int = _choice(
        5,
        "Calibration",
        "Examples to practise on",
        "The rubric's words mean what the leads' levels show.",
        low=0,
        high=30,
    )
    qualification_papers: int = _choice(
        10,
        "Calibration",
        "Examples in one set",
        "Clear papers; a set is never used again for the same grader.",
        low=3,
        high=50,
    )
    qualification_sets: int = _choice(
        2,
        "Calibration",
        "Sets in one try, judged together",
        "Small sets punish good graders: pooled ones do so less.",
        low=1,
        high=5,
    )
    qualification_rule: str = _choice(
        "pooled",
        "Calibration",
        "The sets of one try are judged",
        "Pooled is fairest; best forgives one bad day.",
        words=("pooled", "best"),
    )
    qualification_tries: int = _choice(
        2, "Calibration", "Tries", "A second chance, with fresh papers.", low=1, high=5
    )
    qualification_wait_hours: float = _choice(
        48.0, "Calibration", "Hours between tries", "Time to read what went wrong.", low=0, high=720
    )
    qualification_discrepancies: int = _choice(
        1,
        "Calibration",
        "Papers that may be two or more levels off",
        "One slip is human; two are a different standard.",
        low=0,
        high=10,
    )
    must_pass: str = _choice(
        "each",
        "Calibration",
        "A grader is cleared for",
        "Each criterion on its own, or none before all are passed.",
        words=("each", "all"),
    )
    standing_days: int = _choice(
        365,
        "Calibration",
        "Days a standing lasts",
        "Standards fade; a year is usual in professional scoring.",
        low=1,
        high=3650,
    )
    peer_calibration: str = _choice(
        "feedback",
        "Calibration",
        "What practising does for a peer",
        "Only feedback; or reviews of peers who did not reach the standard are feedback, no rating.",
        words=("off", "feedback", "counts"),
    )
    first_anchors: int = _choice(
        30,
        "Calibration",
        "Projects that two leads read first, in a first cohort",
        "Range finding: nobody has a standing before there are examples.",
        low=10,
        high=100,
    )

    check_every: int = _choice(
        10,
        "Check items",
        "One check item in so many",
        "1 in 20 finds a half-level drift within 60 sheets only one time in four. 0: none.",
        low=0,
        high=100,
        unsaid=0,
    )
    check_every_early: int = _choice(
        5,
        "Check items",
        "One in so many at first, after a miss or an alarm",
        "More where more is in doubt.",
        low=2,
        high=100,
    )
    check_early: int = _choice(
        30, "Check items", "“At first” is so many sheets", "Standards settle with use.", low=0
    )
    check_first_of_day: bool = _choice(
        True, "Check items", "First of the day", "A night can move a standard."
    )
    check_tolerance_levels: int = _choice(
        1,
        "Check items",
        "Levels off that are no miss, on a criterion",
        "As between two graders.",
        low=0,
        high=10,
    )
    check_tolerance_total: float = _choice(
        15.0,
        "Check items",
        "Points off that are no miss, on the total",
        "As between two graders.",
        low=0,
        high=100,
    )

    drift_levels: float = _choice(
        0.5,
        "Monitoring",
        "Movement to be found soonest, in levels",
        "Half a level moves a score by more than a tenth of the scale.",
        low=0.1,
        high=3,
    )
    sheets_for_a_false_alarm: int = _choice(
        2000,
        "Monitoring",
        "Sheets for one false alarm",
        "All charts of a grader together; fewer alarms find drift later.",
        low=200,
        high=100_000,
    )
    alarm_answer_hours: float = _choice(
        4.0,
        "Monitoring",
        "Working hours to answer a paused grader",
        "A false alarm must not end someone's Saturday.",
        low=1,
        high=40,
    )

    routing_share: float = _choice(
        0.0,
        "Further readings",
        "Readings beyond the least, for each project",
        "They go where they prevent most wrong decisions. 0: none.",
        low=0,
        high=3,
    )
    routing_limit: float = _choice(
        0.05,
        "Further readings",
        "Enough is known of a project below this risk",
        "The probability that its band is wrong.",
        low=0.001,
        high=0.5,
    )

    cut: float = _choice(
        60.0, "Scale", "Pass mark", "Set by a panel; provisional until then.", low=0, high=100
    )
    bands: tuple[tuple[float, str], ...] = _choice(
        ((60.0, "Pass"), (70.0, "Pass with merit"), (85.0, "Pass with distinction")),
        "Scale",
        "Bands",
        "What a score means in words; the lowest starts at the pass mark.",
    )
    scale_provisional: bool = _choice(
        True, "Scale", "Scale is provisional", "Honest until a standard-setting panel has met."
    )

    grader_hold_hours: float = _choice(
        2.0,
        "Holds",
        "A grader's hold, hours since last use",
        "An item left alone goes to a colleague.",
        low=0.1,
    )
    grader_hold_cap_hours: float = _choice(
        24.0, "Holds", "A grader's hold, hours at most", "Nothing is kept over a weekend.", low=0.1
    )
    peer_hold_hours: float = _choice(
        48.0, "Holds", "A peer's hold, hours", "Peers review in the evenings.", low=0.1
    )
    case_hold_hours: float = _choice(
        4.0,
        "Holds",
        "A case's hold, hours",
        "A disputed grade does not wait for one desk.",
        low=0.1,
    )
    most_holds: int = _choice(
        3,
        "Holds",
        "Items one grader may hold",
        "One open, one next, one put aside.",
        low=1,
        high=20,
    )
    undo_minutes: float = _choice(
        10.0,
        "Holds",
        "Minutes to undo “Finish”",
        "Everyone finishes the wrong item once.",
        low=0,
        high=120,
    )

    submit_days: int = _choice(28, "Windows", "Days to submit", "One can plan on it.", low=1)
    grace_hours: float = _choice(1.0, "Windows", "Grace, hours", "Slow networks at 11:59pm.", low=0)
    peer_days: int = _choice(7, "Windows", "Days for peers", "One weekend lies in it.", low=1)
    grading_days: int = _choice(14, "Windows", "Days for grading", "Two working weeks.", low=1)
    results_day: int = _choice(
        21, "Windows", "Results, days after the deadline", "Room for third readings.", low=1
    )

    identity_checked: bool = _choice(
        False,
        "Release",
        "A person checks each learner's identity",
        "A credential of a verified track says how it was known whose work it is.",
        unsaid=False,
    )
    sign_offs: int = _choice(
        2, "Release", "Sign-offs", "Two people see what goes out.", low=1, high=2
    )
    release_delay_minutes: float = _choice(
        10.0,
        "Release",
        "Minutes in which a release can be stopped",
        "Someone always sees it too late.",
        low=0,
    )
    step_up: str = _choice(
        "passkey",
        "Release",
        "How those who release, or change what was released, show that it is them",
        "An unlocked desk releases nothing. A passkey signs the very list; a password stands in where the "
        "address allows no passkeys, and with “either” also for whoever has none.",
        words=("passkey", "either", "off"),
        unsaid="off",
    )
    gate_total_kappa: float = _choice(
        0.60,
        "Release",
        "Least professional kappa on the total",
        "Below this the panel does not share a standard; a lead may override with a reason.",
        low=-1,
        high=1,
    )
    gate_criterion_kappa: float = _choice(
        0.40,
        "Release",
        "Least professional kappa on a criterion",
        "Below this the criterion is not one thing to its readers.",
        low=-1,
        high=1,
    )
    gate_minimum: int = _choice(
        30, "Release", "Pairs before the kappas count", "Fewer pairs tell nothing.", low=2
    )
    gate_wrong_side: float = _choice(
        0.20,
        "Release",
        "Most risk of being on the wrong side of the pass mark",
        "A project above it is read again, or a lead releases it with a reason. 1: no such gate.",
        low=0.01,
        high=1,
        unsaid=1.0,
    )

    late_days: int = _choice(
        0, "Late work", "Days a late project is taken", "0: the grace is the end.", low=0, high=60
    )
    late_points: float = _choice(
        0.0,
        "Late work",
        "Points lost for each day late",
        "Days of the cohort's own calendar; the grace costs nothing.",
        low=0,
        high=100,
    )
    late_points_most: float = _choice(
        100.0,
        "Late work",
        "Most points lost for being late",
        "However late, it is still the work it is.",
        low=0,
        high=100,
    )
    return_days: int = _choice(
        14,
        "Late work",
        "Days in which a withdrawn learner can return",
        "People withdraw on their worst day.",
        low=0,
        high=90,
    )

    appeal_wait_hours: float = _choice(
        24.0,
        "Appeals",
        "Hours before one can appeal",
        "A night's sleep between result and appeal.",
        low=0,
        high=240,
    )
    appeal_days: int = _choice(
        10,
        "Appeals",
        "Days in which one can appeal",
        "A result is final at some time.",
        low=1,
        high=90,
    )
    appeal_decide_days: int = _choice(
        10, "Appeals", "Working days to decide", "Nobody waits without a date.", low=1, high=60
    )
    appeal_tokens: int = _choice(
        1,
        "Appeals",
        "Appeals for each learner",
        "Returned when upheld, so that a just appeal costs nothing.",
        low=0,
        high=5,
    )
    appeal_may_lower: bool = _choice(
        False,
        "Appeals",
        "An appeal can lower a result",
        "Protects issued credentials, and nobody fears to ask.",
    )
    explain_days: int = _choice(
        5,
        "Appeals",
        "Working days to explain a result",
        "Answered by somebody who read the project; the score cannot change.",
        low=1,
        high=60,
    )
    hearing_days: int = _choice(
        10,
        "Appeals",
        "Working days to answer a suspicion",
        "Nobody is judged unheard.",
        low=1,
        high=60,
    )

    group_size: int = _choice(
        1,
        "Groups",
        "Most members of a group",
        "1: everybody works alone. Each member has a result and a record of their own.",
        low=1,
        high=12,
    )
    group_object_hours: float = _choice(
        24.0,
        "Groups",
        "Hours in which a member can object",
        "One hands in for all; until then nobody reads it.",
        low=0,
        high=240,
    )
    group_own_days: int = _choice(
        7,
        "Groups",
        "Days for a project of one's own, after an objection",
        "Whoever is taken out of a group after the deadline starts from a copy.",
        low=1,
        high=60,
    )

    retakes: int = _choice(
        2, "Retakes", "Retakes", "Fresh graders read it; the best result counts.", low=0, high=9
    )
    retake_days: int = _choice(
        28, "Retakes", "Days for a retake, from its start", "As long as the first.", low=1, high=180
    )

    keep_works_days: int = _choice(
        730,
        "Retention",
        "Days projects and their files are kept, from the end of the cohort",
        "Two years: long enough for every appeal and a look back, no archive of people's work.",
        low=30,
        high=3650,
    )
    keep_words_days: int = _choice(
        730,
        "Retention",
        "Days the comments on score sheets are kept",
        "As long as the project they speak of; the levels stay, so that a result can be recomputed.",
        low=30,
        high=3650,
    )
    keep_mails_days: int = _choice(
        180,
        "Retention",
        "Days the list of mails is kept",
        "Enough to answer “I was never told”.",
        low=7,
        high=3650,
    )
    keep_identity_days: int = _choice(
        30,
        "Retention",
        "Days the name on an identity check of a project is kept",
        "Once the result stands, that it was checked, how and when is enough.",
        low=1,
        high=3650,
    )
    keep_transcript_years: int = _choice(
        6,
        "Retention",
        "Years the transcript of an erased person is kept",
        "The time in which what was awarded can be disputed at law, beyond a credential's own life.",
        low=1,
        high=60,
    )

    def to_dict(self) -> dict[str, Any]:
        """Give plain data that `from_dict` reads back exactly."""
        data = asdict(self)
        data["bands"] = [list(band) for band in self.bands]
        return data

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of what grading rests on, in hexadecimal.

        How long things are kept changes no score, so it is no part of what scores are bound to.
        """
        said = {name: value for name, value in self.to_dict().items() if name not in _RETENTION}
        for item in fields(self):
            unsaid = item.metadata["unsaid"]
            if unsaid is not None and said.get(item.name) == unsaid:
                del said[item.name]
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def band(self, value: float) -> str | None:
        """Name the highest band a value of 100 reaches; None below the lowest."""
        reached = [name for low, name in self.bands if value >= low]
        return reached[-1] if reached else None


_RETENTION = frozenset(
    item.name for item in fields(GradingPlan) if item.metadata["group"] == "Retention"
)
_DEFAULT = GradingPlan()

PRESETS: Mapping[str, GradingPlan] = {
    "certification": _DEFAULT,
    "course": replace(
        _DEFAULT,
        preset="course",
        second_share=0.1,
        second_minimum=10,
        sign_offs=1,
        step_up="off",
        check_every=20,
    ),
    "economy": replace(
        _DEFAULT,
        preset="economy",
        professional_share=0.25,
        second_share=0.1,
        second_minimum=0,
        readings_near_cut=1,
        readings_before_not_passed=1,
        sign_offs=1,
        step_up="off",
        routing_share=0.25,
    ),
}


@dataclass(frozen=True)
class Difference:
    """One choice on which two plans differ, with the field's label."""

    name: str
    label: str
    before: Any
    after: Any


def differences(before: GradingPlan, after: GradingPlan) -> tuple[Difference, ...]:
    """List the choices on which two plans differ, in the plan's order."""
    return tuple(
        Difference(item.name, item.metadata["label"], old, new)
        for item in fields(GradingPlan)
        if (old := getattr(before, item.name)) != (new := getattr(after, item.name))
    )


def changed_from_preset(plan: GradingPlan) -> dict[str, Any]:
    """Give, by field, what the preset says where the plan says otherwise."""
    return {item.name: item.before for item in differences(PRESETS[plan.preset], plan)}


def _number(value: Any, kind: type) -> Any:
    """Take a number only from a number: a bool is none, and 2.5 is no whole one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    if kind is int and value != int(value):
        raise TypeError
    return kind(value)


def _read_bands(value: Any, faults: list[Fault]) -> tuple[tuple[float, str], ...]:
    try:
        bands = tuple((float(_number(low, float)), str(name).strip()) for low, name in value)
    except (TypeError, ValueError):
        faults.append(Fault("bands", "Each band is a number and a name."))
        return _DEFAULT.bands
    lows = [low for low, _ in bands]
    if not bands or lows != sorted(set(lows)) or any(not name for _, name in bands):
        faults.append(Fault("bands", "Bands need names and rising numbers."))
    return bands


def from_dict(data: Mapping[str, Any]) -> GradingPlan:
    """Read a plan; fields left out come from its preset.

    Raises
    ------
    FaultsFound
        Every unknown field, wrong type, number out of range and contradiction at once.
    """
    faults: list[Fault] = []
    base = PRESETS.get(str(data.get("preset", "certification")), _DEFAULT)
    known = {item.name: item for item in fields(GradingPlan)}
    faults += [
        Fault(name, "The plan has no field of this name.") for name in data if name not in known
    ]
    values: dict[str, Any] = {}
    for name, item in known.items():
        if name not in data:
            continue
        value = data[name]
        if name == "bands":
            values[name] = _read_bands(value, faults)
            continue
        kind = type(getattr(_DEFAULT, name))
        optional = "None" in str(item.type)
        if optional and value is None:
            values[name] = None
            continue
        words = item.metadata["words"]
        if words:
            if value not in words:
                faults.append(Fault(name, "Choose one of %(words)s.", {"words": ", ".join(words)}))
            values[name] = value
            continue
        if kind is bool:
            if not isinstance(value, bool):
                faults.append(Fault(name, "Say yes or no."))
            values[name] = value
            continue
        try:
            number = _number(value, int if optional or kind is int else float)
        except TypeError:
            whole = optional or kind is int
            faults.append(Fault(name, "Give a whole number." if whole else "Give a number."))
            continue
        low, high = item.metadata["low"], item.metadata["high"]
        if low is not None and number < low:
            faults.append(Fault(name, "It must be at least %(low)s.", {"low": low}))
        if high is not None and number > high:
            faults.append(Fault(name, "It must be at most %(high)s.", {"high": high}))
        values[name] = number
    plan = replace(base, **values)
    if not faults:
        faults += _contradictions(plan)
    if faults:
        raise FaultsFound(faults)
    return plan


def _contradictions(plan: GradingPlan) -> list[Fault]:
    faults: list[Fault] = []
    if plan.peers_needed > plan.peer_readings:
        faults.append(
            Fault("peers_needed", "More peer readings are needed than each project is given.")
        )
    if plan.professional_share < 1 and plan.peers_needed < 1:
        faults.append(
            Fault(
                "professional_share",
                "Projects that no professional reads need at least one peer reading.",
            )
        )
    if plan.bands[0][0] != plan.cut:
        faults.append(Fault("bands", "The lowest band starts at the pass mark."))
    if plan.grader_hold_hours > plan.grader_hold_cap_hours:
        faults.append(Fault("grader_hold_hours", "It is longer than the most a hold may last."))
    if plan.late_points and not plan.late_days:
        faults.append(Fault("late_points", "No late project is taken, so none can lose points."))
    if plan.results_day < plan.grading_days:
        faults.append(Fault("results_day", "Results come before grading ends."))
    if plan.peer_days > plan.grading_days:
        faults.append(Fault("peer_days", "Peers would still review when grading has ended."))
    return faults
