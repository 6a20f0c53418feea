"""Issuing: after the release and only then, each once, and in line with the record ever after."""

import copy
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from openvc.did.base import multikey_to_jwk
from openvc.proof.data_integrity import DataIntegrityProofSuite
from sqlalchemy import select

from grading.adapters import signing
from grading.credential import status
from grading.errors import IllegalTransition, NotFound, Refused
from grading.models import CredentialRecord, IssuedCredential, Job, Person, SigningKey, StatusList
from grading.records import credentials, drafts, issuers, reissues, revocations
from grading.records.queries import issued_credentials
from grading.releases import releases
from grading.settings import Installation
from tests.credential import examples
from tests.issuing import HIGHER, LOWER, amend, installation, of, released, small_keys, work, world

__all__ = ["installation", "released", "small_keys", "work", "world"]

pytestmark = pytest.mark.usefixtures("any_database")
LATER = timedelta(days=1)


def bits(session: Any, world: dict[str, Any]) -> set[str]:
    """The ids of the learner's credentials whose bit is set in the list as it is served."""
    return {
        one.id
        for one in issued_credentials.issued(session, world["program"], world["learner"])
        if status.is_set(
            one.status_list.document["credentialSubject"]["encodedList"], one.status_index
        )
    }


def ended(session: Any, world: dict[str, Any]) -> set[str]:
    return {one.id for one in of(session, world) if one.state != "valid"}


def test_nothing_is_there_before_the_release(
    act: Callable[[], Any], world: dict[str, Any], work: Callable[[Any], int]
) -> None:
    work(world["at"] - timedelta(seconds=1))
    with act() as session:
        assert not session.scalars(select(IssuedCredential.id)).all()
        assert not session.scalars(select(SigningKey.id)).all()
        assert not session.scalars(select(StatusList.id)).all()
        assert not session.scalars(select(Job.id).where(Job.topic == "credentials")).all()


def test_the_release_issues_each_once(
    act: Callable[[], Any], released: dict[str, Any], installation: Installation
) -> None:
    with act() as session:
        every = session.scalars(select(IssuedCredential)).all()
        assert len(every) == 4 * (3 + 1 + 1)
        assert len({one.id for one in every}) == len({one.status_index for one in every})
        key = session.scalars(select(SigningKey).where(SigningKey.kind == "ed25519")).one()
        own = of(session, released)
        assert sorted(one.kind for one in own) == ["capstone", *["course"] * 3, "program"]
        assert len({one.subject for one in own}) == 1
        assert len({one.salt for one in own}) == len(own)
        assert all(installation.notary.verifies(one.document, key.public) for one in own)
        assert bits(session, released) == set()
        program = of(session, released, kind="program")[0]
        members = program.document["credentialSubject"]["verifiableCredential"]
        assert [member["name"] for member in members] == [
            "Measuring", "Cleaning", "Modelling", "A city's bicycles",
        ]  # fmt: skip
        ids = {one.url: one.document for one in own if one.kind != "program"}
        assert {member["id"]: member for member in members} == ids


def test_doing_it_again_changes_nothing(
    act: Callable[[], Any], released: dict[str, Any], work: Callable[[Any], int]
) -> None:
    with act() as session:
        before = {one.id for one in session.scalars(select(IssuedCredential))}
        issuers.ask(
            session, released["program"], released["learner"], because="again", now=released["at"]
        )
    work(released["at"] + LATER)
    with act() as session:
        assert {one.id for one in session.scalars(select(IssuedCredential))} == before


def test_another_implementation_accepts_every_badge(
    act: Callable[[], Any], released: dict[str, Any]
) -> None:
    with act() as session:
        key = session.scalars(select(SigningKey).where(SigningKey.kind == "ed25519")).one()
        jwk = multikey_to_jwk(key.public)
        badges = [
            one.document
            for one in session.scalars(select(IssuedCredential))
            if one.kind != "program"
        ]
        lists = [one.document for one in session.scalars(select(StatusList))]
    assert len(badges) == 16
    assert len(lists) == 1
    for document in badges + lists:
        duplicate = copy.deepcopy(document)
        duplicate["proof"] = duplicate["proof"][0]
        DataIntegrityProofSuite().verify(
            duplicate,
            public_key_jwk=jwk,
            extra_contexts=signing._documents(),
            now=released["at"],
        )


def test_every_issued_document_is_as_its_schema_wants_it(
    act: Callable[[], Any], released: dict[str, Any]
) -> None:
    """What goes out, signed, with everything that a real record and its evidence bring along."""
    schemas = {
        "OpenBadgeCredential": examples.read("ob_v3p0_achievementcredential_schema.json"),
        "ClrCredential": examples.read("clr_v2p0_clrcredential_schema.json"),
    }
    validators = {
        name: validator_for(schema, default=Draft202012Validator)(schema)
        for name, schema in schemas.items()
    }
    with act() as session:
        every = [one.document for one in session.scalars(select(IssuedCredential))]
    assert Counter(document["type"][1] for document in every) == {
        "OpenBadgeCredential": 16,
        "ClrCredential": 4,
    }
    for document in every:
        validator = validators[document["type"][1]]
        assert [error.message for error in validator.iter_errors(document)] == []
        # The schema does see the signed form: without the array around the proof it complains.
        [proof] = document["proof"]
        assert list(validator.iter_errors({**document, "proof": proof}))


def test_a_regrade_replaces_the_capstone_and_the_program_and_leaves_the_courses(
    act: Callable[[], Any], released: dict[str, Any], work: Callable[[Any], int]
) -> None:
    now = released["at"]
    with act() as session:
        courses = {one.id for one in of(session, released, kind="course")}
        # Within the same second: the new one is valid from later on all the same.
        amend(session, released, HIGHER, now)
    work(now)
    with act() as session:
        assert {one.id for one in of(session, released, kind="course")} == courses
        for kind in ("capstone", "program"):
            old, new = of(session, released, kind=kind)
            assert (old.state, new.state) == ("replaced", "valid")
            assert new.replaces_id == old.id
            assert new.valid_from > old.valid_from
            assert new.url != old.url
            assert new.status_index != old.status_index
        assert bits(session, released) == ended(session, released)
        capstone = of(session, released, kind="capstone", state="valid")[0]
        program = of(session, released, kind="program", state="valid")[0]
        assert program.document["credentialSubject"]["verifiableCredential"][-1] == (
            capstone.document
        )
        assert capstone.document["credentialSubject"]["result"][1]["value"] == "83"


def test_a_result_that_no_longer_passes_is_revoked_with_the_program(
    act: Callable[[], Any], released: dict[str, Any], work: Callable[[Any], int]
) -> None:
    with act() as session:
        amend(session, released, LOWER, released["at"] + LATER)
    work(released["at"] + LATER)
    with act() as session:
        valid = of(session, released, state="valid")
        assert {one.kind for one in valid} == {"course"}
        assert {one.state for one in of(session, released, kind="capstone")} == {"revoked"}
        assert bits(session, released) == ended(session, released) != set()


def test_a_new_name_is_a_new_credential(
    act: Callable[[], Any], released: dict[str, Any], work: Callable[[Any], int]
) -> None:
    with act() as session:
        learner = session.get_one(Person, released["learner"])
        learner.name = "Another Name"
        administrator = session.get_one(Person, released["administrator"])
        reissues.issue_under_new_name(session, administrator, learner, now=released["at"] + LATER)
    work(released["at"] + LATER)
    with act() as session:
        valid = of(session, released, state="valid")
        assert len(valid) == 5
        assert len(of(session, released, state="replaced")) == 5
        assert all("Another Name" in str(one.document) for one in valid)
        assert not any("Learner Alder" in str(one.document) for one in valid)
        assert bits(session, released) == ended(session, released)


def test_a_revoked_record_takes_all_with_it(
    act: Callable[[], Any], released: dict[str, Any], work: Callable[[Any], int]
) -> None:
    with act() as session:
        record = session.scalars(
            select(CredentialRecord).where(CredentialRecord.person_id == released["learner"])
        ).one()
        administrator = session.get_one(Person, released["administrator"])
        revocations.revoke_record(
            session, administrator, record, reason="a fraud", now=released["at"] + LATER
        )
    work(released["at"] + LATER)
    with act() as session:
        assert {one.state for one in of(session, released)} == {"revoked"}
        assert bits(session, released) == ended(session, released)
        others = session.scalars(
            select(IssuedCredential).where(IssuedCredential.person_id != released["learner"])
        )
        assert {one.state for one in others} == {"valid"}


def test_a_members_revocation_reaches_the_program_and_is_final(
    act: Callable[[], Any], released: dict[str, Any], work: Callable[[Any], int]
) -> None:
    now = released["at"] + LATER
    with act() as session:
        administrator = session.get_one(Person, released["administrator"])
        course = of(session, released, kind="course")[0]
        with pytest.raises(Refused, match="reason"):
            credentials.revoke_credential(session, administrator, course, reason=" ", now=now)
        with pytest.raises(Refused, match="own record"):
            credentials.revoke_credential(session, course.person, course, reason="mine", now=now)
        credentials.revoke_credential(
            session, administrator, course, reason="not completed", now=now
        )
        with pytest.raises(IllegalTransition):
            credentials.revoke_credential(session, administrator, course, reason="again", now=now)
    work(now)
    with act() as session:
        assert len(of(session, released, state="revoked")) == 2
        assert of(session, released, kind="program")[0].state == "revoked"
        # A regrade of the capstone gives neither the course nor the program back.
        amend(session, released, HIGHER, now)
    work(now)
    with act() as session:
        kinds = sorted(one.kind for one in of(session, released, state="valid"))
        assert kinds == ["capstone", "course", "course"]
        assert bits(session, released) == ended(session, released)


def test_a_change_while_it_is_signed_is_noticed(
    act: Callable[[], Any],
    world: dict[str, Any],
    work: Callable[[Any], int],
    installation: Installation,
) -> None:
    """The draft that a dead or slow worker signed is not kept over what came after it."""
    with act() as session:
        job = session.scalars(select(Job).where(Job.topic == "release")).one()
        releases.carry_out(
            session, session.get_one(releases.Release, job.payload["release"]), now=world["at"]
        )
    given = {"notary": installation.notary, "base_url": "https://capstone.example.edu"}
    with act() as session:
        missing = drafts.draft_missing(
            session, world["program"], world["learner"], now=world["at"], **given
        )
        assert len(missing) == 4
    signed = [credentials.sign_draft(one, installation.notary) for one in missing]
    with act() as session:
        amend(session, world, HIGHER, world["at"])
        kept = [
            credentials.keep_signed(session, one, two, now=world["at"])
            for one, two in zip(missing, signed, strict=True)
        ]
        # What the courses say did not change.
        assert kept == [True, True, True, False]
        again = credentials.keep_signed(session, missing[0], signed[0], now=world["at"])
        assert not again
    work(world["at"])
    with act() as session:
        valid = of(session, world, state="valid")
        assert len(valid) == 5
        assert (
            of(session, world, kind="capstone")[0].document["credentialSubject"]["result"][1][
                "value"
            ]
            == "83"
        )


def test_keys_rotate_and_what_they_signed_stays_good(
    act: Callable[[], Any],
    released: dict[str, Any],
    work: Callable[[Any], int],
    installation: Installation,
) -> None:
    now = released["at"] + LATER
    given = {"notary": installation.notary, "base_url": "http://127.0.0.1:8000", "now": now}
    with act() as session:
        sponsor = session.get_one(issuers.Sponsor, released["sponsor"])
        old = issuers.active(session, sponsor)
        assert issuers.make(session, None, sponsor, **given) == []
        new = issuers.rotate(session, None, sponsor, **given)
        assert {key.kind for key in new} == {"ed25519", "rsa"}
        with pytest.raises(IllegalTransition):
            issuers.retire(session, None, old["ed25519"], now=now)
        with pytest.raises(Refused, match="Rotate"):
            issuers.make(session, None, sponsor, did="did:web:college.example", **given)
        amend(session, released, HIGHER, now)
    work(now)
    with act() as session:
        sponsor = session.get_one(issuers.Sponsor, released["sponsor"])
        did = issuers.own_did("http://127.0.0.1:8000", sponsor)
        document = issuers.did_document(session, sponsor, did)
        assert document is not None
        public = {
            one["id"]: one["publicKeyMultibase"]
            for one in document["verificationMethod"]
            if one["type"] == "Multikey"
        }
        assert len(public) == 2
        methods = set()
        for one in of(session, released):
            method = one.document["proof"][0]["verificationMethod"]
            methods.add(method)
            assert installation.notary.verifies(one.document, public[method])
            assert one.document["issuer"]["id"] == did
        assert methods == set(public)
        jwks = issuers.jwks(session, sponsor)
        for one in of(session, released):
            assert installation.notary.read_token(one.token, jwks)["jti"] == one.url


def test_a_withdrawn_key_vouches_for_nothing_and_all_is_issued_anew(
    act: Callable[[], Any],
    released: dict[str, Any],
    work: Callable[[Any], int],
    installation: Installation,
) -> None:
    now = released["at"] + LATER
    with act() as session:
        sponsor = session.get_one(issuers.Sponsor, released["sponsor"])
        stolen = issuers.active(session, sponsor)["ed25519"]
        with pytest.raises(Refused, match="reason"):
            issuers.withdraw(session, None, stolen, reason="", now=now)
        assert issuers.withdraw(session, None, stolen, reason="a theft", now=now) == 4
        fragment = stolen.fragment
    work(now)
    with act() as session:
        sponsor = session.get_one(issuers.Sponsor, released["sponsor"])
        did = issuers.own_did("http://127.0.0.1:8000", sponsor)
        assert fragment not in str(issuers.did_document(session, sponsor, did))
        valid = of(session, released, state="valid")
        assert len(valid) == 5
        assert not any(fragment in str(one.document["proof"]) for one in valid)
        assert len(of(session, released, state="replaced")) == 5


def test_only_its_learner_publishes_a_credential_and_only_a_valid_one(
    act: Callable[[], Any], released: dict[str, Any]
) -> None:
    with act() as session:
        credential = of(session, released, kind="capstone")[0]
        stranger = session.scalars(select(Person).where(Person.id != released["learner"])).first()
        learner = session.get_one(Person, released["learner"])
        with pytest.raises(NotFound):
            credentials.set_published(
                session, stranger, credential, published=True, now=released["at"]
            )
        assert credential.published_at is None
        credentials.set_published(session, learner, credential, published=True, now=released["at"])
        assert credential.published_at == released["at"]
        credentials.set_published(session, learner, credential, published=False, now=released["at"])
        assert credential.published_at is None
        administrator = session.get_one(Person, released["administrator"])
        credentials.revoke_credential(
            session, administrator, credential, reason="a fraud", now=released["at"]
        )
        with pytest.raises(Refused):
            credentials.set_published(
                session, learner, credential, published=True, now=released["at"]
            )


def test_the_learners_address_stands_nowhere(
    act: Callable[[], Any], released: dict[str, Any]
) -> None:
    with act() as session:
        learner = session.get_one(Person, released["learner"])
        for one in of(session, released):
            assert learner.email not in str(one.document)
            assert learner.id not in str(one.document)
