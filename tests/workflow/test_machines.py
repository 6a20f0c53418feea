"""Every machine over the full product of its states and events, the lawful pairs listed by hand."""

from itertools import product

from grading.errors import IllegalTransition
from grading.ledger.transitions import MACHINES
from grading.workflow import (
    adjudication,
    allocation,
    appeal,
    calendar,
    calibration,
    cohort,
    credential,
    group,
    issued,
    misconduct,
    monitoring,
    privacy,
    release,
    submission,
)
from grading.workflow.machine import Machine

LAWFUL: dict[str, set[tuple[str, str, str]]] = {
    "export": {
        ("waiting", "make", "ready"),
        ("waiting", "expire", "expired"),
        ("ready", "expire", "expired"),
    },
    "erasure": {
        ("asked", "prepare", "prepared"),
        ("asked", "refuse", "refused"),
        ("asked", "withdraw", "withdrawn"),
        ("prepared", "confirm", "done"),
        ("prepared", "refuse", "refused"),
        ("prepared", "withdraw", "withdrawn"),
    },
    "sending": {
        ("waiting", "begin", "sending"),
        ("waiting", "cancel", "cancelled"),
        ("sending", "arrive", "sent"),
        ("sending", "fail", "failed"),
        ("sending", "lose", "unknown"),
    },
    "submission": {
        ("draft", "submit", "submitted"),
        ("draft", "submit_together", "contestable"),
        ("draft", "withdraw", "withdrawn"),
        ("contestable", "confirm", "submitted"),
        ("contestable", "take_back", "draft"),
        ("contestable", "contest", "contested"),
        ("contestable", "withdraw", "withdrawn"),
        ("contestable", "withhold", "withheld"),
        ("contested", "settle", "contestable"),
        ("contested", "withdraw", "withdrawn"),
        ("contested", "withhold", "withheld"),
        ("submitted", "take_back", "draft"),
        ("submitted", "begin", "begun"),
        ("submitted", "withdraw", "withdrawn"),
        ("begun", "find_discrepancy", "discrepant"),
        ("begun", "resolve", "resolved"),
        ("begun", "withdraw", "withdrawn"),
        ("discrepant", "resolve", "resolved"),
        ("discrepant", "withdraw", "withdrawn"),
        ("resolved", "release", "released"),
        ("resolved", "reopen", "begun"),
        ("resolved", "withdraw", "withdrawn"),
        ("withdrawn", "return", "draft"),
        ("withdrawn", "resume", "submitted"),
        ("withdrawn", "resume_begun", "begun"),
        ("draft", "withhold", "withheld"),
        ("withdrawn", "withhold", "withheld"),
        ("submitted", "withhold", "withheld"),
        ("begun", "withhold", "withheld"),
        ("discrepant", "withhold", "withheld"),
        ("resolved", "withhold", "withheld"),
    },
    "item": {
        ("open", "claim", "allocated"),
        ("open", "cancel", "cancelled"),
        ("allocated", "begin", "begun"),
        ("allocated", "decline", "declined"),
        ("allocated", "lapse", "lapsed"),
        ("allocated", "cancel", "cancelled"),
        ("begun", "finish", "finished"),
        ("begun", "decline", "declined"),
        ("begun", "lapse", "lapsed"),
        ("begun", "cancel", "cancelled"),
        ("finished", "undo", "begun"),
        ("finished", "seal", "sealed"),
        ("finished", "cancel", "cancelled"),
        ("lapsed", "reclaim", "allocated"),
        ("lapsed", "cancel", "cancelled"),
    },
    "discrepancy": {("open", "adjudicate", "adjudicated"), ("open", "cancel", "cancelled")},
    "release": {
        ("proposed", "schedule", "scheduled"),
        ("proposed", "stop", "stopped"),
        ("proposed", "void", "void"),
        ("scheduled", "carry_out", "released"),
        ("scheduled", "stop", "stopped"),
    },
    "cohort": {("preparing", "open", "open"), ("open", "end", "ended")},
    "record": {("valid", "revoke", "revoked"), ("valid", "replace", "replaced")},
    "entitlement": {
        ("paid", "refund", "refunded"),
        ("waived", "pay", "paid"),
        ("waived", "refund", "refunded"),
        ("sponsored", "pay", "paid"),
        ("sponsored", "refund", "refunded"),
        ("refunded", "pay", "paid"),
        ("refunded", "waive", "waived"),
        ("refunded", "sponsor", "sponsored"),
    },
    "appeal": {
        ("open", "remark", "remarked"),
        ("open", "withdraw", "withdrawn"),
        ("open", "end", "withdrawn"),
        ("remarked", "uphold", "upheld"),
        ("remarked", "dismiss", "dismissed"),
        ("remarked", "end", "withdrawn"),
    },
    "explanation": {("open", "answer", "answered"), ("open", "withdraw", "withdrawn")},
    "misconduct_case": {
        ("open", "hear", "hearing"),
        ("open", "propose_dismissal", "proposed"),
        ("hearing", "answer", "heard"),
        ("hearing", "close_hearing", "heard"),
        ("heard", "propose", "proposed"),
        ("proposed", "disagree", "heard"),
        ("proposed", "disagree_unheard", "open"),
        ("proposed", "uphold", "upheld"),
        ("proposed", "dismiss", "dismissed"),
    },
    "extension": {("granted", "end", "ended")},
    "anchor": {
        ("proposed", "mark", "marked"),
        ("marked", "agree", "agreed"),
        ("proposed", "withdraw", "withdrawn"),
        ("marked", "withdraw", "withdrawn"),
        ("agreed", "withdraw", "withdrawn"),
    },
    "attempt": {("open", "judge", "judged"), ("open", "end", "ended")},
    "standing": {
        ("not_qualified", "clear_by_hand", "qualified"),
        ("qualified", "clear_by_hand", "qualified"),
        ("provisional", "clear_by_hand", "qualified"),
        ("expired", "clear_by_hand", "qualified"),
        ("set_aside", "clear_by_hand", "qualified"),
        ("not_qualified", "qualify", "qualified"),
        ("not_qualified", "qualify_provisionally", "provisional"),
        ("not_qualified", "fail", "not_qualified"),
        ("qualified", "qualify", "qualified"),
        ("qualified", "qualify_provisionally", "provisional"),
        ("qualified", "fail", "not_qualified"),
        ("qualified", "expire", "expired"),
        ("qualified", "set_aside", "set_aside"),
        ("provisional", "qualify", "qualified"),
        ("provisional", "qualify_provisionally", "provisional"),
        ("provisional", "fail", "not_qualified"),
        ("provisional", "expire", "expired"),
        ("provisional", "set_aside", "set_aside"),
        ("expired", "qualify", "qualified"),
        ("expired", "qualify_provisionally", "provisional"),
        ("expired", "fail", "not_qualified"),
        ("set_aside", "restore", "qualified"),
        ("set_aside", "qualify", "qualified"),
        ("set_aside", "qualify_provisionally", "provisional"),
        ("set_aside", "fail", "not_qualified"),
    },
    "alarm": {("open", "dismiss", "dismissed"), ("open", "uphold", "upheld")},
    "quarantine": {("in_force", "lift", "lifted")},
    "member": {
        ("invited", "join", "joined"),
        ("invited", "decline", "declined"),
        ("declined", "invite", "invited"),
        ("left", "invite", "invited"),
        ("removed", "invite", "invited"),
        ("joined", "leave", "left"),
        ("joined", "remove", "removed"),
        ("joined", "withdraw", "withdrawn"),
        ("withdrawn", "return", "joined"),
    },
    "objection": {
        ("open", "return", "returned"),
        ("open", "uphold", "upheld"),
        ("open", "dismiss", "dismissed"),
        ("open", "withdraw", "withdrawn"),
    },
    "rubric": {("draft", "publish", "published")},
    "credential": {("valid", "replace", "replaced"), ("valid", "revoke", "revoked")},
    "key": {
        ("active", "retire", "retired"),
        ("active", "withdraw", "withdrawn"),
        ("retired", "withdraw", "withdrawn"),
    },
}

ALL = [
    submission.MACHINE,
    allocation.MACHINE,
    adjudication.MACHINE,
    release.MACHINE,
    cohort.MACHINE,
    credential.RECORD_MACHINE,
    credential.RUBRIC_MACHINE,
    credential.ENTITLEMENT_MACHINE,
    appeal.MACHINE,
    appeal.EXPLANATION_MACHINE,
    misconduct.MACHINE,
    calendar.EXTENSION_MACHINE,
    calibration.ANCHOR_MACHINE,
    calibration.ATTEMPT_MACHINE,
    calibration.STANDING_MACHINE,
    monitoring.ALARM_MACHINE,
    monitoring.QUARANTINE_MACHINE,
    group.MEMBER_MACHINE,
    group.OBJECTION_MACHINE,
    issued.ISSUED_MACHINE,
    issued.KEY_MACHINE,
    privacy.EXPORT_MACHINE,
    privacy.ERASURE_MACHINE,
    privacy.SENDING_MACHINE,
]
PRODUCT = [
    (machine, str(state), event)
    for machine in ALL
    for state, event in product(machine.states, machine.events)
]


def after(machine: Machine, state: str, event: str) -> str | None:
    """Give the state that an event leads to; None where the machine refuses it."""
    try:
        return machine.after(state, event)
    except IllegalTransition:
        return None


def test_exactly_the_listed_pairs_are_lawful() -> None:
    wrong = {}
    for machine, state, event in PRODUCT:
        lawful = {(before, name): to for before, name, to in LAWFUL[machine.name]}
        expected = lawful.get((state, event))
        came = after(machine, state, event)
        if came != expected or machine.allows(state, event) != (expected is not None):
            wrong[machine.name, state, event] = came
    assert wrong == {}


def test_every_listed_pair_was_tried() -> None:
    tried = {(machine.name, state, event) for machine, state, event in PRODUCT}
    listed = {(name, before, event) for name, pairs in LAWFUL.items() for before, event, _ in pairs}
    assert listed <= tried


def test_every_machine_is_known_to_the_only_writer() -> None:
    assert {id(machine) for machine in MACHINES.values()} == {id(machine) for machine in ALL}


def test_a_record_starts_where_its_machine_does() -> None:
    for model, machine in MACHINES.items():
        assert model.__table__.c.state.default.arg == machine.initial  # type: ignore[attr-defined]
