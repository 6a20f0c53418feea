"""Step-up and two-person sign-off: exactly the list that was shown, once, by whoever it is."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from grading.cli import group
from grading.cohorts import withdrawals
from grading.db import db, transaction
from grading.errors import IllegalTransition, ListChanged, NotFound, Refused, StaleRecord, TooMany
from grading.ledger import verifying
from grading.models import (
    Approval,
    AuditEntry,
    Challenge,
    Cohort,
    CredentialRecord,
    Grade,
    Job,
    MemberPoints,
    Passkey,
    Person,
    Release,
    SignOff,
    Submission,
)
from grading.people import approvals, passkeys, passwords, throttle
from grading.records import revocations
from grading.releases import recomputing, releases, signed_list
from grading.settings import RelyingParty
from grading.workflow.approval import Action, ChangeKind
from tests import factories, stories
from tests.authenticator import Authenticator
from tests.database import NOW

PARTY = RelyingParty("grading.example.edu", "https://grading.example.edu", "Capstone Grading")
ELEVEN = timedelta(minutes=11)


@dataclass
class Story:
    """Ids of a cohort whose works await release, and the keys of those who sign."""

    cohort: str
    now: datetime
    people: dict[str, str]
    keys: dict[str, Authenticator] = field(default_factory=dict)

    def person(self, session: Session, part: str) -> Person:
        return session.get_one(Person, self.people[part])

    def propose(self, session: Session, **changes: Any) -> tuple[Challenge, Any]:
        """Put the list before the first person, and have it signed."""
        person = self.person(session, "first")
        challenge = releases.lay_before(
            session,
            person,
            session.get_one(Cohort, self.cohort),
            overrides={},
            failed_gates=[],
            now=self.now,
        )
        return challenge, self.answer(session, "first", challenge, **changes)

    def answer(self, session: Session, part: str, challenge: Challenge, **changes: Any) -> Any:
        person = self.person(session, part)
        options = passkeys.assertion_options(session, person, challenge, PARTY)
        given = self.keys[changes.get("key", part)].sign(options)
        return approvals.by_passkey(
            session, person, challenge, given, party=PARTY, now=changes.get("now", self.now)
        )

    def released(self, session: Session, answer: Any, **changes: Any) -> Release:
        return releases.propose(
            session,
            self.person(session, "first"),
            session.get_one(Cohort, self.cohort),
            overrides={},
            failed_gates=[],
            answer=answer,
            now=changes.get("now", self.now),
        )


def a_key(session: Session, person: Person, key: Authenticator, *, now: datetime) -> Passkey:
    challenge = approvals.lay_before(
        session,
        person,
        Action.ADD_PASSKEY,
        person.id,
        cohort_id=None,
        records=[],
        note={"name": "Blue key"},
        now=now,
    )
    approvals.claim(session, challenge, now=now)
    options = passkeys.registration_options(session, person, challenge, PARTY)
    return passkeys.add_passkey(session, person, challenge, key.make(options), party=PARTY, now=now)


@pytest.fixture
def story(any_database: str, act: Callable[[], Any]) -> Callable[..., Story]:
    """A cohort with four results that are ready, a plan with a step-up, and three who may sign."""

    def make(**plan: Any) -> Story:
        with act() as session:
            choices = {"sign_offs": 1, "step_up": "passkey"} | plan
            cast, now = stories.settled(session, **choices)
            third = factories.a_member(
                session, cast.cohort, "Instructor Third", factories.Role.INSTRUCTOR, now=NOW
            )
            told = Story(
                cast.cohort.id,
                now,
                {
                    "first": cast.instructor.id,
                    "second": cast.second_instructor.id,
                    "third": third.id,
                    "administrator": cast.administrator.id,
                },
            )
            for part in ("first", "second", "third"):
                told.keys[part] = Authenticator()
                a_key(session, told.person(session, part), told.keys[part], now=now)
            return told

    return make


def test_a_release_carries_a_signature_over_exactly_its_list_that_can_be_checked_later(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    told = story()
    with act() as session:
        challenge, answer = told.propose(session)
        release = told.released(session, answer)
        assert release.state == "scheduled"
        release_id, digest = release.id, challenge.statement.challenge.hex()
        assert {line["score"] for line in challenge.records} == {
            item.score_id for item in release.items
        }
        assert {line["value"] for line in challenge.records} == {"67"}
    with act() as session:
        approval = session.scalars(select(Approval)).one()
        assert (approval.subject_id, approval.proof, approval.digest) == (
            release_id,
            "passkey",
            digest,
        )
        assert approvals.faults_of(session, approval) == ()
        entry = session.scalars(select(AuditEntry).filter_by(action="approval:give")).one()
        said = json.loads(entry.after or "")
        assert (said["step_up"], said["digest"], entry.actor_id) == (
            "passkey",
            digest,
            told.people["first"],
        )
        key = session.get_one(Passkey, approval.passkey_id)
        assert (key.sign_count, key.used_at) == (1, told.now)
        # Removed keys still vouch for what they signed.
        passkeys.remove_passkey(session, key.person, key, now=told.now)
        release = session.get_one(Release, release_id)
        assert releases.carry_out(session, release, now=told.now + ELEVEN) == 4
    with act() as session:
        assert approvals.verify(session) == approvals.Verified(1, 1, ())


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("records", [], "the list, the reasons"),
        ("note", {"overrides": ["another"]}, "the list, the reasons"),
        ("nonce", "another", "the list, the reasons"),
        ("digest", "0" * 64, "the audit chain says otherwise"),
        ("signature", "MEUCIQ", "the signature is not"),
        ("client_data", "e30", "the signature is not"),
        ("authenticator_data", "AAAA", "the signature is not"),
        ("origin", "https://other.example.edu", "the signature is not"),
        ("person_id", "second", "the passkey is not the person's"),
    ],
)
def test_a_kept_approval_that_was_tampered_with_shows(
    story: Callable[..., Story], act: Callable[[], Any], column: str, value: Any, fault: str
) -> None:
    told = story()
    with act() as session:
        told.released(session, told.propose(session)[1])
    with act() as session:
        session.execute(update(Approval).values({column: told.people.get(str(value), value)}))
    with act() as session:
        assert fault in " ".join(approvals.verify(session).faults)


def test_recompute_checks_who_signed_the_grade_and_for_what_value(
    story: Callable[..., Story], act: Callable[[], Any], app: Flask
) -> None:
    told = story()
    notary = app.extensions["grading"].notary

    def wrong(session: Session) -> set[str]:
        grade = session.scalars(select(Grade).order_by(Grade.id)).first()
        assert grade is not None
        found = recomputing.recompute(session, grade, notary=notary)
        return {one.what for one in found if not one.agrees}

    with act() as session:
        release = told.released(session, told.propose(session)[1])
        releases.carry_out(session, release, now=told.now + ELEVEN)
    with act() as session:
        assert wrong(session) == set()
        session.execute(update(Grade).values(value="99"))
    with act() as session:
        assert "value that was signed" in wrong(session)
        session.execute(update(Grade).values(value="67"))
        session.execute(update(Approval).values(signature="MEUCIQ"))
    with act() as session:
        assert any(what.startswith("approval ") for what in wrong(session))


def test_nothing_goes_out_without_an_answer(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    told = story()
    with pytest.raises(Refused, match="show that it is them"), act() as session:
        told.released(session, None)
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Release)) == 0


def test_a_replay_is_refused_and_the_first_stands(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    """With a key that never counts, the nonce alone stands in the way."""
    told = story()
    with act() as session:
        person = told.person(session, "first")
        told.keys["first"] = Authenticator(counts=False)
        a_key(session, person, told.keys["first"], now=told.now)
        challenge_id = releases.lay_before(
            session,
            person,
            session.get_one(Cohort, told.cohort),
            overrides={},
            failed_gates=[],
            now=told.now,
        ).id
        challenge = session.get_one(Challenge, challenge_id)
        given = told.keys["first"].sign(
            passkeys.assertion_options(session, person, challenge, PARTY)
        )

    def send() -> str:
        with act() as session:
            found = session.get_one(Challenge, challenge_id)
            person = told.person(session, "first")
            answer = approvals.by_passkey(session, person, found, given, party=PARTY, now=told.now)
            return told.released(session, answer).id

    release_id = send()
    with act() as session:
        release = session.get_one(Release, release_id)
        releases.stop(session, told.person(session, "first"), release, reason="", now=told.now)
    # The list is as it was, and the signature is good.
    with pytest.raises(Refused, match="signed already"):
        send()
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Approval)) == 1
        assert session.get_one(Release, release_id).state == "stopped"


def test_what_lies_too_long_signs_nothing(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    told = story()
    with act() as session:
        _challenge, answer = told.propose(session)
        with pytest.raises(Refused, match="too long"):
            told.released(session, answer, now=told.now + approvals.LASTS)


def test_another_persons_passkey_another_list_another_address_are_refused(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    told = story()
    with act() as session:
        with pytest.raises(Refused, match="none of yours"):
            told.propose(session, key="second")
        challenge, _answer = told.propose(session)
        person = told.person(session, "first")
        key = told.keys["first"]
        other = approvals.lay_before(
            session,
            person,
            Action.PROPOSE,
            "another",
            cohort_id=told.cohort,
            records=challenge.records[:-1],
            note=challenge.note,
            now=told.now,
        )
        given = key.sign_bytes(other.statement.challenge, PARTY.id)
        elsewhere = Authenticator(
            origin="https://grading.example.evil", credential=key.credential, key=key.key, count=50
        )
        unverified = Authenticator(verifies=False, credential=key.credential, key=key.key, count=60)
        forged = Authenticator(credential=key.credential, count=70)
        bytes_ = challenge.statement.challenge
        for wrong in (
            given,
            elsewhere.sign_bytes(bytes_, PARTY.id),
            unverified.sign_bytes(bytes_, PARTY.id),
            forged.sign_bytes(bytes_, PARTY.id),
            key.sign_bytes(bytes_, "example.edu"),
        ):
            with pytest.raises(Refused, match="not what stands on this page"):
                approvals.by_passkey(session, person, challenge, wrong, party=PARTY, now=told.now)
        for nothing in ("", "{}", "[]", "no JSON", '{"id": 3}'):
            with pytest.raises(Refused, match="sent no signature"):
                approvals.by_passkey(session, person, challenge, nothing, party=PARTY, now=told.now)
        with pytest.raises(Refused, match="another person"):
            told.answer(session, "second", challenge)
        # And none of it has used anything up.
        told.released(session, told.answer(session, "first", challenge))


def test_a_list_that_changed_says_which_line_and_loses_nothing(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    told = story()
    with act() as session:
        challenge_id = told.propose(session)[0].id
    with act() as session:
        gone = session.scalars(select(Submission).order_by(Submission.id)).first()
        assert gone is not None
        gone_id = gone.id
        withdrawals.withdraw(session, gone.learner, gone, now=told.now)

    def too_late() -> None:
        with act() as session:
            challenge = session.get_one(Challenge, challenge_id)
            told.released(session, told.answer(session, "first", challenge))

    with pytest.raises(ListChanged) as caught:
        too_late()
    change = caught.value.changes[0]
    assert (change.kind, change.submission, change.before, change.after) == (
        ChangeKind.REMOVED,
        gone_id,
        "67",
        None,
    )
    with act() as session:
        assert session.get_one(Challenge, challenge_id).used_at is None
        assert session.scalar(select(func.count()).select_from(Release)) == 0
        challenge, answer = told.propose(session)
        assert len(challenge.records) == 3
        told.released(session, answer)


def test_a_value_that_moves_after_signing_does_not_go_out(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    """Points of one's own move a result without a new score."""
    told = story()
    with act() as session:
        release = told.released(session, told.propose(session)[1])
        moved = session.scalars(select(Submission).order_by(Submission.id)).first()
        assert moved is not None
        session.add(
            MemberPoints(
                submission_id=moved.id,
                person_id=moved.learner_id,
                number=1,
                points=5.0,
                reason="Led the counting.",
                by_id=told.people["second"],
                at=told.now,
            )
        )
        session.flush()
        assert releases.carry_out(session, release, now=told.now + ELEVEN) == 3
        assert session.scalar(select(Grade.id).where(Grade.submission_id == moved.id)) is None


def test_a_passkey_that_counts_backwards_is_refused(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    told = story()
    key = told.keys["first"]
    with act() as session:
        told.propose(session)
        assert key.count == 1
        for count in (0, -1):
            key.count = max(count, 0)
            if count < 0:
                key.counts = False
            with pytest.raises(passkeys.SignCountFell) as caught:
                told.propose(session)
        passkeys.note_fall(session, told.person(session, "first"), caught.value, now=told.now)
    with act() as session:
        entry = session.scalars(select(AuditEntry).filter_by(action="passkey:count_fell")).one()
        assert (entry.before, entry.after) == ('{"sign_count":1}', '{"sign_count":0}')
        key.counts, key.count = True, 1
        told.propose(session)


def test_a_passkey_that_never_counts_signs_every_time(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    told = story()
    with act() as session:
        told.keys["first"] = Authenticator(counts=False)
        a_key(session, told.person(session, "first"), told.keys["first"], now=told.now)
        told.propose(session)
        told.propose(session)


def test_a_nonce_is_good_once_however_many_send_it(
    story: Callable[..., Story], act: Callable[[], Any], app: Flask
) -> None:
    told = story()
    with act() as session:
        person = told.person(session, "first")
        challenge = releases.lay_before(
            session, person, session.get_one(Cohort, told.cohort),
            overrides={}, failed_gates=[], now=told.now,
        )  # fmt: skip
        options = passkeys.assertion_options(session, person, challenge, PARTY)
        challenge_id = challenge.id
    given = [told.keys["first"].sign(options) for _ in range(4)]

    def send(answer: str) -> str:
        with app.app_context():
            try:
                with transaction() as session:
                    found = session.get_one(Challenge, challenge_id)
                    signed = approvals.by_passkey(
                        session,
                        told.person(session, "first"),
                        found,
                        answer,
                        party=PARTY,
                        now=told.now,
                    )
                    told.released(session, signed)
                return "released"
            except (Refused, StaleRecord):
                return "refused"
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, given)) == ["refused"] * 3 + ["released"]
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Release)) == 1
        assert session.scalar(select(func.count()).select_from(Approval)) == 1


def test_the_second_person_signs_the_same_list_and_cannot_be_the_first(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    told = story(sign_offs=2)
    with act() as session:
        first, answer = told.propose(session)
        release = told.released(session, answer)
        assert release.state == "proposed"
        with pytest.raises(Refused, match="Another person signs"):
            releases.lay_before_next(session, told.person(session, "first"), release, now=told.now)
        # The proposer's own answer is none to the second signature.
        with pytest.raises(Refused):
            releases.sign(
                session, told.person(session, "second"), release, answer=answer, now=told.now
            )
        second = releases.lay_before_next(
            session, told.person(session, "second"), release, now=told.now
        )
        assert (second.records, second.subject_id) == (first.records, release.id)
        releases.sign(
            session,
            told.person(session, "second"),
            release,
            answer=told.answer(session, "second", second),
            now=told.now,
        )
        assert release.state == "scheduled"
    with act() as session:
        assert approvals.verify(session) == approvals.Verified(2, 2, ())
        assert verifying.verify(session)[0].faults == ()


def test_of_two_who_confirm_at_once_one_does(
    story: Callable[..., Story], act: Callable[[], Any], app: Flask
) -> None:
    told = story(sign_offs=2)
    given = {}
    with act() as session:
        release = told.released(session, told.propose(session)[1])
        release_id = release.id
        for part in ("second", "third"):
            person = told.person(session, part)
            challenge = releases.lay_before_next(session, person, release, now=told.now)
            options = passkeys.assertion_options(session, person, challenge, PARTY)
            given[part] = (challenge.id, told.keys[part].sign(options))

    def confirm(part: str) -> str:
        challenge_id, signed = given[part]
        with app.app_context():
            try:
                with transaction() as session:
                    person = told.person(session, part)
                    challenge = session.get_one(Challenge, challenge_id)
                    answer = approvals.by_passkey(
                        session, person, challenge, signed, party=PARTY, now=told.now
                    )
                    release = session.get_one(Release, release_id)
                    releases.sign(session, person, release, answer=answer, now=told.now)
                return "signed"
            except (IllegalTransition, StaleRecord):
                return "too late"
            finally:
                db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(confirm, ("second", "third"))) == ["signed", "too late"]
    with act() as session:
        assert session.scalar(select(func.count()).select_from(SignOff)) == 2
        assert session.scalar(select(func.count()).select_from(Approval)) == 2
        jobs = session.scalar(select(func.count()).select_from(Job).where(Job.topic == "release"))
        assert jobs == 1


def test_what_dies_in_the_middle_leaves_the_proposal_as_it_was(
    story: Callable[..., Story], act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = story(sign_offs=2)
    with act() as session:
        release_id = told.released(session, told.propose(session)[1]).id
    with act() as session:
        release = session.get_one(Release, release_id)
        person = told.person(session, "second")
        challenge_id = releases.lay_before_next(session, person, release, now=told.now).id

    def confirm() -> None:
        with act() as session:
            challenge = session.get_one(Challenge, challenge_id)
            answer = told.answer(session, "second", challenge)
            release = session.get_one(Release, release_id)
            releases.sign(
                session, told.person(session, "second"), release, answer=answer, now=told.now
            )

    with monkeypatch.context() as patch:
        patch.setattr(releases.outbox, "post", lambda *_given, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            confirm()
    with act() as session:
        assert session.get_one(Release, release_id).state == "proposed"
        assert session.scalar(select(func.count()).select_from(SignOff)) == 1
        assert session.get_one(Challenge, challenge_id).used_at is None
    # The same page, sent again, does it.
    confirm()
    with act() as session:
        assert session.get_one(Release, release_id).state == "scheduled"


@pytest.mark.parametrize("step_up", ["passkey", "off"])
def test_a_proposal_whose_list_changed_is_void_and_says_why(
    story: Callable[..., Story], act: Callable[[], Any], step_up: str
) -> None:
    told = story(sign_offs=2, step_up=step_up)
    with act() as session:
        answer = told.propose(session)[1] if step_up == "passkey" else None
        release = told.released(session, answer)
        gone = session.scalars(select(Submission).order_by(Submission.id)).first()
        assert gone is not None
        withdrawals.withdraw(session, gone.learner, gone, now=told.now)
        second = told.person(session, "second")
        put = releases.lay_before_next if step_up == "passkey" else releases.sign
        with pytest.raises(ListChanged) as caught:
            put(session, second, release, now=told.now)
        signed_list.void(session, second, release, caught.value.changes, now=told.now)
        assert release.state == "void"
        assert [(one["kind"], one["submission"]) for one in release.changes or ()] == [
            ("removed", gone.id)
        ]
        with pytest.raises(IllegalTransition):
            releases.sign(session, second, release, now=told.now)
        # What was in it is free for another proposal.
        answer = told.propose(session)[1] if step_up == "passkey" else None
        assert len(told.released(session, answer).items) == 3


def test_a_password_stands_in_is_counted_and_the_audit_says_so(
    story: Callable[..., Story], act: Callable[[], Any], app: Flask
) -> None:
    told = story()
    hasher = app.extensions["grading"].hasher
    with act() as session:
        person = told.person(session, "first")
        with pytest.raises(Refused, match="has no password"):
            approvals.by_password(
                session, person, told.propose(session)[0], "x",
                hasher=hasher, now=told.now,
            )  # fmt: skip
        passwords.set_password(
            session, person, person, factories.PASSWORD, hasher=hasher, now=told.now
        )
    with act() as session:
        challenge, _ = told.propose(session)
        given = {"hasher": hasher, "now": told.now}
        person = told.person(session, "first")
        assert approvals.by_password(session, person, challenge, "wrong", **given) is None
        answer = approvals.by_password(session, person, challenge, factories.PASSWORD, **given)
        assert answer is not None
        told.released(session, answer)
    with act() as session:
        approval = session.scalars(select(Approval)).one()
        assert (approval.proof, approval.signature, approval.passkey_id) == ("password", None, None)
        assert approvals.faults_of(session, approval) == ()
        entry = session.scalars(select(AuditEntry).filter_by(action="approval:give")).one()
        assert json.loads(entry.after or "")["step_up"] == "password"
    # Whoever guesses waits, and the owner signs in elsewhere all the same.
    with act() as session:
        person = told.person(session, "first")
        challenge = session.scalars(select(Challenge)).first()
        assert challenge is not None
        for _ in range(throttle.FREE):
            approvals.by_password(session, person, challenge, "wrong", **given)
        with pytest.raises(TooMany):
            approvals.by_password(session, person, challenge, factories.PASSWORD, **given)
        assert passwords.sign_in_with_password(
            session, person.email, factories.PASSWORD, address="a", devices={}, **given
        )


def test_a_revocation_is_signed_over_the_results_it_takes(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    told = story()
    with act() as session:
        release = told.released(session, told.propose(session)[1])
        releases.carry_out(session, release, now=told.now + ELEVEN)
    with act() as session:
        record = session.scalars(select(CredentialRecord)).first()
        assert record is not None
        cohort, person = session.get_one(Cohort, told.cohort), told.person(session, "first")
        with pytest.raises(Refused, match="reason"):
            revocations.lay_revocation_before(
                session, person, record, cohort, reason=" ", now=told.now
            )
        challenge = revocations.lay_revocation_before(
            session, person, record, cohort, reason="Somebody else's work.", now=told.now
        )
        assert [line["value"] for line in challenge.records] == ["67"]
        answer = told.answer(session, "first", challenge)
        revocations.revoke_as_signed(session, person, record, cohort, answer, now=told.now)
        assert record.state == "revoked"
        record_id = record.id
    with act() as session:
        found = approvals.approvals_of(session, record_id)
        assert [approvals.faults_of(session, one) for one in found] == [()]


def test_adding_removing_and_losing_a_passkey(
    story: Callable[..., Story], act: Callable[[], Any]
) -> None:
    told = story()
    with act() as session:
        person = told.person(session, "first")
        key = told.keys["first"]
        with pytest.raises(Refused, match="in use already"):
            a_key(session, told.person(session, "second"), key, now=told.now)
        with pytest.raises(Refused, match="could not be checked"):
            a_key(session, person, Authenticator(origin="https://other.example.edu"), now=told.now)
        with pytest.raises(Refused, match="could not be checked"):
            a_key(session, person, Authenticator(verifies=False), now=told.now)
        own = passkeys.passkeys_of(session, person)[0]
        helper = told.person(session, "administrator")
        with pytest.raises(Refused, match="Give the reason"):
            passkeys.help_out(session, helper, person, own.id, reason=" ", now=told.now)
        with pytest.raises(Refused, match="Your own"):
            passkeys.help_out(session, person, person, own.id, reason="lost", now=told.now)
        with pytest.raises(NotFound):
            passkeys.help_out(
                session, helper, told.person(session, "second"), own.id, reason="lost", now=told.now
            )
        passkeys.help_out(session, helper, person, own.id, reason="Lost on a train.", now=told.now)
        assert passkeys.passkeys_of(session, person) == []
        with pytest.raises(Refused, match="none of yours"):
            told.propose(session)
    with act() as session:
        entry = session.scalars(select(AuditEntry).filter_by(action="passkey:remove")).one()
        assert (entry.reason_words, entry.actor_id) == (
            "Lost on a train.",
            told.people["administrator"],
        )
        keys = session.scalars(select(Job.key).where(Job.key.startswith("mail:passkey_taken:")))
        assert len(list(keys)) == 1


def test_the_command_line_lists_and_removes_a_lost_passkey(
    story: Callable[..., Story], act: Callable[[], Any], app: Flask
) -> None:
    told = story()
    with act() as session:
        person = told.person(session, "first")
        email, key = person.email, passkeys.passkeys_of(session, person)[0].id

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(group, ["people", *arguments], obj=lambda: app)

    assert key in run("passkeys", email).output
    refused = run("remove-passkey", email, "another", "--reason", "lost")
    assert refused.exit_code != 0
    assert run("remove-passkey", email, key, "--reason", "lost").exit_code == 0
    with act() as session:
        assert passkeys.passkeys_of(session, told.person(session, "first")) == []
