"""The catalogue of a grading plan: every choice, its bounds, and the reason that stands beside it."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from grading.measurement.scoring.combining import Resolution
from grading.phrases import phrase

# A choice that every plan ever kept has said.
ALWAYS_SAID: Final = object()


def choice(
    group: str,
    default: Any,
    label: str,
    why: str,
    *,
    low: float | None = None,
    high: float | None = None,
    words: tuple[str, ...] = (),
    unsaid: Any = ALWAYS_SAID,
) -> Any:
    """Describe a choice. ``unsaid`` is what plans meant that were made before the choice existed.

    A kept plan without the choice is read with that meaning, and a plan that means it has the digest
    that it had then.
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


_plan = partial(choice, phrase("Plan"))
_peers = partial(choice, phrase("Peers"))
_professional_readings = partial(choice, phrase("Professional readings"))
_agreement = partial(choice, phrase("Agreement"))
_calibration = partial(choice, phrase("Calibration"))
_check_items = partial(choice, phrase("Check items"))
_monitoring = partial(choice, phrase("Monitoring"))
_further_readings = partial(choice, phrase("Further readings"))
_scale = partial(choice, phrase("Scale"))
_holds = partial(choice, phrase("Holds"))
_windows = partial(choice, phrase("Windows"))
_release = partial(choice, phrase("Release"))
_late_work = partial(choice, phrase("Late work"))
_appeals = partial(choice, phrase("Appeals"))
_groups = partial(choice, phrase("Groups"))
_retakes = partial(choice, phrase("Retakes"))
_retention = partial(choice, phrase("Retention"))


@dataclass(frozen=True)
class Choices:
    """One cohort's choices. The defaults are those of the ``certification`` preset.

    Shares are fractions of 1, totals are points of 100, kappas are unitless; windows and holds carry
    their unit in the name. ``None`` in a load means no cap.
    """

    preset: str = _plan(
        "certification",
        phrase("Preset"),
        phrase("Where the choices started."),
        words=("certification", "course", "economy"),
    )

    peer_readings: int = _peers(
        3,
        phrase("Peer readings per project"),
        phrase("Enough that one no-show leaves two."),
        low=0,
        high=12,
    )
    peers_needed: int = _peers(
        2,
        phrase("Peer readings needed"),
        phrase("Fewer than this say little about a project."),
        low=0,
        high=12,
    )
    peers_from: str = _peers(
        "submitters",
        phrase("Peers come from"),
        phrase("Those who submitted review each other, or invited peers review."),
        words=("submitters", "invited"),
    )
    peer_load: int | None = _peers(
        5,
        phrase("Most reviews asked of one peer"),
        phrase("Nobody carries the no-shows of others."),
        low=1,
    )
    reviews_wait_days: int = _peers(
        7,
        phrase("Days a result waits for reviews not done"),
        phrase(
            "A learner who owes reviews waits a little; the mark never changes. 0: nobody waits."
        ),
        low=0,
        high=60,
    )

    professional_share: float = _professional_readings(
        1.0,
        phrase("Share of projects read by a professional"),
        phrase("The point of the program: every project is read by a professional."),
        low=0,
        high=1,
    )
    professional_readings: int = _professional_readings(
        1,
        phrase("Professional readings for each of them"),
        phrase("Second readings go where they buy most."),
        low=1,
        high=4,
    )
    second_share: float = _professional_readings(
        0.2,
        phrase("Share read a second time, at random"),
        phrase("Agreement between professionals cannot be known without it."),
        low=0,
        high=1,
    )
    second_minimum: int = _professional_readings(
        30,
        phrase("At least this many second readings"),
        phrase("Fewer pairs tell nothing about agreement."),
        low=0,
    )
    near_cut: float = _professional_readings(
        5.0,
        phrase("Near the pass mark, in points"),
        phrase("This close to the pass mark one reading decides too much."),
        low=0,
        high=50,
    )
    readings_near_cut: int = _professional_readings(
        2,
        phrase("Professional readings near the pass mark"),
        phrase("Fairness where a result can tip."),
        low=0,
        high=4,
    )
    readings_before_not_passed: int = _professional_readings(
        2,
        phrase("Professional readings before “Not passed”"),
        phrase("Nobody is told “Not passed” on one person's word."),
        low=0,
        high=4,
    )
    grader_load: int | None = _professional_readings(
        None,
        phrase("Most items for one grader"),
        phrase("A cap keeps one grader from shaping a whole cohort."),
        low=1,
    )

    tolerance_levels: int = _agreement(
        1,
        phrase("Levels apart allowed on a criterion"),
        phrase("Real professionals differ by more than one level in 6 % of pairs."),
        low=0,
        high=10,
    )
    tolerance_total: float = _agreement(
        15.0,
        phrase("Points apart allowed on the total"),
        phrase("A wider gap is no chance."),
        low=0,
        high=100,
    )
    tolerance_cut: bool = _agreement(
        True,
        phrase("Never across the pass mark"),
        phrase("Two readings that disagree on passing are settled by a third."),
    )
    resolution: str = _agreement(
        "mean",
        phrase("Score from several professional readings"),
        phrase(
            "The mean is best in simulation; the median resists gross errors above 6 %; severity takes out "
            "how strict each grader is, where the design can tell."
        ),
        words=tuple(Resolution),
    )
    peer_weight: float = _agreement(
        0.2,
        phrase("Share of the peers in the score"),
        phrase(
            "Only after centring peers on the professionals, and none while fewer than 30 "
            "projects have both."
        ),
        low=0,
        high=0.5,
        unsaid=0.0,
    )

    calibration: str = _calibration(
        "required",
        phrase("Graders are cleared before they grade"),
        phrase(
            "Nobody rates a live project on a criterion they were not seen to read as the leads do."
        ),
        words=("required", "off"),
        unsaid="off",
    )
    practice_papers: int = _calibration(
        5,
        phrase("Examples to practise on"),
        phrase("The rubric's words mean what the leads' levels show."),
        low=0,
        high=30,
    )
    qualification_papers: int = _calibration(
        10,
        phrase("Examples in one set"),
        phrase("Clear papers; a set is never used again for the same grader."),
        low=3,
        high=50,
    )
    qualification_sets: int = _calibration(
        2,
        phrase("Sets in one try, judged together"),
        phrase("Small sets punish good graders: pooled ones do so less."),
        low=1,
        high=5,
    )
    qualification_rule: str = _calibration(
        "pooled",
        phrase("The sets of one try are judged"),
        phrase("Pooled is fairest; best forgives one bad day."),
        words=("pooled", "best"),
    )
    qualification_tries: int = _calibration(
        2, phrase("Tries"), phrase("A second chance, with fresh papers."), low=1, high=5
    )
    qualification_wait_hours: float = _calibration(
        48.0,
        phrase("Hours between tries"),
        phrase("Time to read what went wrong."),
        low=0,
        high=720,
    )
    qualification_discrepancies: int = _calibration(
        1,
        phrase("Papers that may be two or more levels off"),
        phrase("One slip is human; two are a different standard."),
        low=0,
        high=10,
    )
    must_pass: str = _calibration(
        "each",
        phrase("A grader is cleared for"),
        phrase("Each criterion on its own, or none before all are passed."),
        words=("each", "all"),
    )
    standing_days: int = _calibration(
        365,
        phrase("Days a standing lasts"),
        phrase("Standards fade; a year is usual in professional scoring."),
        low=1,
        high=3650,
    )
    peer_calibration: str = _calibration(
        "feedback",
        phrase("What practising does for a peer"),
        phrase(
            "Only feedback; or reviews of peers who did not reach the standard are feedback, no rating."
        ),
        words=("off", "feedback", "counts"),
    )
    first_anchors: int = _calibration(
        30,
        phrase("Projects that two leads read first, in a first cohort"),
        phrase("Range finding: nobody has a standing before there are examples."),
        low=10,
        high=100,
    )

    check_every: int = _check_items(
        10,
        phrase("One check item in so many"),
        phrase("1 in 20 finds a half-level drift within 60 sheets only one time in four. 0: none."),
        low=0,
        high=100,
        unsaid=0,
    )
    check_every_early: int = _check_items(
        5,
        phrase("One in so many at first, after a miss or an alarm"),
        phrase("More where more is in doubt."),
        low=2,
        high=100,
    )
    check_early: int = _check_items(
        30, phrase("“At first” is so many sheets"), phrase("Standards settle with use."), low=0
    )
    check_first_of_day: bool = _check_items(
        True, phrase("First of the day"), phrase("A night can move a standard.")
    )
    check_tolerance_levels: int = _check_items(
        1,
        phrase("Levels off that are no miss, on a criterion"),
        phrase("As between two graders."),
        low=0,
        high=10,
    )
    check_tolerance_total: float = _check_items(
        15.0,
        phrase("Points off that are no miss, on the total"),
        phrase("As between two graders."),
        low=0,
        high=100,
    )

    drift_levels: float = _monitoring(
        0.5,
        phrase("Movement to be found soonest, in levels"),
        phrase("Half a level moves a score by more than a tenth of the scale."),
        low=0.1,
        high=3,
    )
    sheets_for_a_false_alarm: int = _monitoring(
        2000,
        phrase("Sheets for one false alarm"),
        phrase("All charts of a grader together; fewer alarms find drift later."),
        low=200,
        high=100_000,
    )
    alarm_answer_hours: float = _monitoring(
        4.0,
        phrase("Working hours to answer a paused grader"),
        phrase("A false alarm must not end someone's Saturday."),
        low=1,
        high=40,
    )

    routing_share: float = _further_readings(
        0.0,
        phrase("Readings beyond the least, for each project"),
        phrase("They go where they prevent most wrong decisions. 0: none."),
        low=0,
        high=3,
    )
    routing_limit: float = _further_readings(
        0.05,
        phrase("Enough is known of a project below this risk"),
        phrase("The probability that its band is wrong."),
        low=0.001,
        high=0.5,
    )

    cut: float = _scale(
        60.0,
        phrase("Pass mark"),
        phrase("Set by a panel; provisional until then."),
        low=0,
        high=100,
    )
    bands: tuple[tuple[float, str], ...] = _scale(
        (
            (60.0, phrase("Pass")),
            (70.0, phrase("Pass with merit")),
            (85.0, phrase("Pass with distinction")),
        ),
        phrase("Bands"),
        phrase("What a score means in words; the lowest starts at the pass mark."),
    )
    scale_provisional: bool = _scale(
        True,
        phrase("Scale is provisional"),
        phrase("Honest until a standard-setting panel has met."),
    )

    grader_hold_hours: float = _holds(
        2.0,
        phrase("A grader's hold, hours since last use"),
        phrase("An item left alone goes to a colleague."),
        low=0.1,
    )
    grader_hold_cap_hours: float = _holds(
        24.0,
        phrase("A grader's hold, hours at most"),
        phrase("Nothing is kept over a weekend."),
        low=0.1,
    )
    peer_hold_hours: float = _holds(
        48.0, phrase("A peer's hold, hours"), phrase("Peers review in the evenings."), low=0.1
    )
    case_hold_hours: float = _holds(
        4.0,
        phrase("A case's hold, hours"),
        phrase("A disputed grade does not wait for one desk."),
        low=0.1,
    )
    most_holds: int = _holds(
        3,
        phrase("Items one grader may hold"),
        phrase("One open, one next, one put aside."),
        low=1,
        high=20,
    )
    undo_minutes: float = _holds(
        10.0,
        phrase("Minutes to undo “Finish”"),
        phrase("Everyone finishes the wrong item once."),
        low=0,
        high=120,
    )

    submit_days: int = _windows(28, phrase("Days to submit"), phrase("One can plan on it."), low=1)
    grace_hours: float = _windows(
        1.0, phrase("Grace, hours"), phrase("Slow networks at 11:59pm."), low=0
    )
    peer_days: int = _windows(7, phrase("Days for peers"), phrase("One weekend lies in it."), low=1)
    grading_days: int = _windows(
        14, phrase("Days for grading"), phrase("Two working weeks."), low=1
    )
    results_day: int = _windows(
        21, phrase("Results, days after the deadline"), phrase("Room for third readings."), low=1
    )

    identity_checked: bool = _release(
        False,
        phrase("A person checks each learner's identity"),
        phrase("A credential of a verified track says how it was known whose work it is."),
        unsaid=False,
    )
    sign_offs: int = _release(
        2, phrase("Sign-offs"), phrase("Two people see what goes out."), low=1, high=2
    )
    release_delay_minutes: float = _release(
        10.0,
        phrase("Minutes in which a release can be stopped"),
        phrase("Someone always sees it too late."),
        low=0,
    )
    step_up: str = _release(
        "passkey",
        phrase("How those who release, or change what was released, show that it is them"),
        phrase(
            "An unlocked desk releases nothing. A passkey signs the very list; a password stands in where "
            "the address allows no passkeys, and with “either” also for whoever has none."
        ),
        words=("passkey", "either", "off"),
        unsaid="off",
    )
    gate_total_kappa: float = _release(
        0.60,
        phrase("Least professional kappa on the total"),
        phrase(
            "Below this the panel does not share a standard; a lead may override with a reason."
        ),
        low=-1,
        high=1,
    )
    gate_criterion_kappa: float = _release(
        0.40,
        phrase("Least professional kappa on a criterion"),
        phrase("Below this the criterion is not one thing to its readers."),
        low=-1,
        high=1,
    )
    gate_minimum: int = _release(
        30, phrase("Pairs before the kappas count"), phrase("Fewer pairs tell nothing."), low=2
    )
    gate_wrong_side: float = _release(
        0.20,
        phrase("Most risk of being on the wrong side of the pass mark"),
        phrase(
            "A project above it is read again, or a lead releases it with a reason. 1: no such gate."
        ),
        low=0.01,
        high=1,
        unsaid=1.0,
    )

    late_days: int = _late_work(
        0,
        phrase("Days a late project is taken"),
        phrase("0: the grace is the end."),
        low=0,
        high=60,
    )
    late_points: float = _late_work(
        0.0,
        phrase("Points lost for each day late"),
        phrase("Days of the cohort's own calendar; the grace costs nothing."),
        low=0,
        high=100,
    )
    late_points_most: float = _late_work(
        100.0,
        phrase("Most points lost for being late"),
        phrase("However late, it is still the work it is."),
        low=0,
        high=100,
    )
    return_days: int = _late_work(
        14,
        phrase("Days in which a withdrawn learner can return"),
        phrase("People withdraw on their worst day."),
        low=0,
        high=90,
    )

    appeal_wait_hours: float = _appeals(
        24.0,
        phrase("Hours before one can appeal"),
        phrase("A night's sleep between result and appeal."),
        low=0,
        high=240,
    )
    appeal_days: int = _appeals(
        10,
        phrase("Days in which one can appeal"),
        phrase("A result is final at some time."),
        low=1,
        high=90,
    )
    appeal_decide_days: int = _appeals(
        10, phrase("Working days to decide"), phrase("Nobody waits without a date."), low=1, high=60
    )
    appeal_tokens: int = _appeals(
        1,
        phrase("Appeals for each learner"),
        phrase("Returned when upheld, so that a just appeal costs nothing."),
        low=0,
        high=5,
    )
    appeal_may_lower: bool = _appeals(
        False,
        phrase("An appeal can lower a result"),
        phrase("Protects issued credentials, and nobody fears to ask."),
    )
    explain_days: int = _appeals(
        5,
        phrase("Working days to explain a result"),
        phrase("Answered by somebody who read the project; the score cannot change."),
        low=1,
        high=60,
    )
    hearing_days: int = _appeals(
        10,
        phrase("Working days to answer a suspicion"),
        phrase("Nobody is judged unheard."),
        low=1,
        high=60,
    )

    group_size: int = _groups(
        1,
        phrase("Most members of a group"),
        phrase("1: everybody works alone. Each member has a result and a record of their own."),
        low=1,
        high=12,
    )
    group_object_hours: float = _groups(
        24.0,
        phrase("Hours in which a member can object"),
        phrase("One hands in for all; until then nobody reads it."),
        low=0,
        high=240,
    )
    group_own_days: int = _groups(
        7,
        phrase("Days for a project of one's own, after an objection"),
        phrase("Whoever is taken out of a group after the deadline starts from a copy."),
        low=1,
        high=60,
    )

    retakes: int = _retakes(
        2,
        phrase("Retakes"),
        phrase("Fresh graders read it; the best result counts."),
        low=0,
        high=9,
    )
    retake_days: int = _retakes(
        28,
        phrase("Days for a retake, from its start"),
        phrase("As long as the first."),
        low=1,
        high=180,
    )

    keep_works_days: int = _retention(
        730,
        phrase("Days projects and their files are kept, from the end of the cohort"),
        phrase(
            "Two years: long enough for every appeal and a look back, no archive of people's work."
        ),
        low=30,
        high=3650,
    )
    keep_words_days: int = _retention(
        730,
        phrase("Days the comments on score sheets are kept"),
        phrase(
            "As long as the project they speak of; the levels stay, so that a result can be recomputed."
        ),
        low=30,
        high=3650,
    )
    keep_mails_days: int = _retention(
        180,
        phrase("Days the list of mails is kept"),
        phrase("Enough to answer “I was never told”."),
        low=7,
        high=3650,
    )
    keep_identity_days: int = _retention(
        30,
        phrase("Days the name on an identity check of a project is kept"),
        phrase("Once the result stands, that it was checked, how and when is enough."),
        low=1,
        high=3650,
    )
    keep_transcript_years: int = _retention(
        6,
        phrase("Years the transcript of an erased person is kept"),
        phrase(
            "The time in which what was awarded can be disputed at law, beyond a credential's own life."
        ),
        low=1,
        high=60,
    )
