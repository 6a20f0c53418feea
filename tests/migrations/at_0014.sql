BEGIN TRANSACTION;
CREATE TABLE absence (
	cohort_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	starts_at DATETIME NOT NULL, 
	ends_at DATETIME NOT NULL, 
	cover_id VARCHAR(32), 
	declared_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_absence PRIMARY KEY (id), 
	CONSTRAINT ck_absence_cover CHECK (cover_id IS NULL OR cover_id <> person_id), 
	CONSTRAINT ck_absence_order CHECK (starts_at < ends_at), 
	CONSTRAINT fk_absence_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_absence_cover_id FOREIGN KEY(cover_id) REFERENCES person (id), 
	CONSTRAINT fk_absence_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE adjustment (
	cohort_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	parameters JSON NOT NULL, 
	notes JSON NOT NULL, 
	works INTEGER NOT NULL, 
	moved INTEGER NOT NULL, 
	fingerprint VARCHAR(80) NOT NULL, 
	plan_digest VARCHAR(64) NOT NULL, 
	computed_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_adjustment PRIMARY KEY (id), 
	CONSTRAINT fk_adjustment_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT uq_adjustment_cohort_id_number UNIQUE (cohort_id, number)
);
CREATE TABLE alarm (
	cohort_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	criterion VARCHAR(60), 
	chart VARCHAR(20) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	allocation_id VARCHAR(32) NOT NULL, 
	since_id VARCHAR(32) NOT NULL, 
	detail JSON NOT NULL, 
	found_at DATETIME NOT NULL, 
	answered_by_id VARCHAR(32), 
	answered_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_alarm PRIMARY KEY (id), 
	CONSTRAINT ck_alarm_chart CHECK (chart IN ('drift', 'validity')), 
	CONSTRAINT ck_alarm_state CHECK (state IN ('open', 'dismissed', 'upheld')), 
	CONSTRAINT fk_alarm_allocation_id FOREIGN KEY(allocation_id) REFERENCES allocation (id), 
	CONSTRAINT fk_alarm_answered_by_id FOREIGN KEY(answered_by_id) REFERENCES person (id), 
	CONSTRAINT fk_alarm_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_alarm_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_alarm_since_id FOREIGN KEY(since_id) REFERENCES allocation (id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0014');
CREATE TABLE "allocation" (
	cohort_id VARCHAR(32) NOT NULL, 
	submission_id VARCHAR(32) NOT NULL, 
	rater_id VARCHAR(32), 
	pool VARCHAR(20) NOT NULL, 
	purpose VARCHAR(20) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	blind_code VARCHAR(12) NOT NULL, 
	created_at DATETIME NOT NULL, 
	held_since DATETIME, 
	hold_until DATETIME, 
	begun_at DATETIME, 
	finished_at DATETIME, 
	undo_until DATETIME, 
	sealed_at DATETIME, 
	ended_at DATETIME, 
	covers_until DATETIME, 
	replaced BOOLEAN NOT NULL, 
	decline_reason VARCHAR(30), 
	decline_note TEXT, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_allocation PRIMARY KEY (id), 
	CONSTRAINT ck_allocation_pool CHECK (pool IN ('professional', 'peer')), 
	CONSTRAINT fk_allocation_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_allocation_rater_id FOREIGN KEY(rater_id) REFERENCES person (id), 
	CONSTRAINT uq_allocation_submission_id_rater_id UNIQUE (submission_id, rater_id), 
	CONSTRAINT ck_allocation_finished CHECK (state NOT IN ('finished', 'sealed') OR (finished_at IS NOT NULL AND undo_until IS NOT NULL)), 
	CONSTRAINT uq_allocation_cohort_id_blind_code UNIQUE (cohort_id, blind_code), 
	CONSTRAINT ck_allocation_declined CHECK (state <> 'declined' OR decline_reason IS NOT NULL), 
	CONSTRAINT ck_allocation_rater CHECK (state IN ('open', 'cancelled') OR rater_id IS NOT NULL), 
	CONSTRAINT fk_allocation_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id), 
	CONSTRAINT ck_allocation_decline_reason CHECK (decline_reason IN ('does_not_open', 'wrong_task', 'knows_author', 'shows_author', 'outside_field', 'suspected_copying', 'at_risk', 'other')), 
	CONSTRAINT ck_allocation_state CHECK (state IN ('open', 'allocated', 'begun', 'finished', 'sealed', 'declined', 'lapsed', 'cancelled')), 
	CONSTRAINT ck_allocation_purpose CHECK (purpose IN ('live', 'second_reading', 'adjudication', 'appeal', 'practice', 'qualification', 'validity'))
);
INSERT INTO "allocation" VALUES('h','u',NULL,'professional','live','open',1,'AAA-AAA','2026-01-01 09:00:00',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'a');
CREATE TABLE anchor_marking (
	anchor_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	levels JSON NOT NULL, 
	reasons JSON NOT NULL, 
	at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_anchor_marking PRIMARY KEY (id), 
	CONSTRAINT fk_anchor_marking_anchor_id FOREIGN KEY(anchor_id) REFERENCES anchor_paper (id), 
	CONSTRAINT fk_anchor_marking_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT uq_anchor_marking_anchor_id_person_id UNIQUE (anchor_id, person_id)
);
CREATE TABLE anchor_paper (
	program_id VARCHAR(32) NOT NULL, 
	cohort_id VARCHAR(32) NOT NULL, 
	source_id VARCHAR(32) NOT NULL, 
	submission_id VARCHAR(32) NOT NULL, 
	rubric_digest VARCHAR(64) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	use VARCHAR(20), 
	set_number INTEGER, 
	levels JSON, 
	reasons JSON, 
	proposed_by_id VARCHAR(32) NOT NULL, 
	proposed_at DATETIME NOT NULL, 
	agreed_by_id VARCHAR(32), 
	agreed_at DATETIME, 
	ended_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_anchor_paper PRIMARY KEY (id), 
	CONSTRAINT ck_anchor_paper_agreed CHECK (state <> 'agreed' OR (levels IS NOT NULL AND reasons IS NOT NULL AND use IS NOT NULL)), 
	CONSTRAINT ck_anchor_paper_state CHECK (state IN ('proposed', 'marked', 'agreed', 'withdrawn')), 
	CONSTRAINT ck_anchor_paper_use CHECK (use IN ('practice', 'qualification', 'validity')), 
	CONSTRAINT fk_anchor_paper_agreed_by_id FOREIGN KEY(agreed_by_id) REFERENCES person (id), 
	CONSTRAINT fk_anchor_paper_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_anchor_paper_program_id FOREIGN KEY(program_id) REFERENCES program (id), 
	CONSTRAINT fk_anchor_paper_proposed_by_id FOREIGN KEY(proposed_by_id) REFERENCES person (id), 
	CONSTRAINT fk_anchor_paper_source_id FOREIGN KEY(source_id) REFERENCES submission (id), 
	CONSTRAINT fk_anchor_paper_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id), 
	CONSTRAINT uq_anchor_paper_submission_id UNIQUE (submission_id)
);
CREATE TABLE anchor_reading (
	allocation_id VARCHAR(32) NOT NULL, 
	anchor_id VARCHAR(32) NOT NULL, 
	attempt_id VARCHAR(32), 
	CONSTRAINT pk_anchor_reading PRIMARY KEY (allocation_id), 
	CONSTRAINT fk_anchor_reading_allocation_id FOREIGN KEY(allocation_id) REFERENCES allocation (id), 
	CONSTRAINT fk_anchor_reading_anchor_id FOREIGN KEY(anchor_id) REFERENCES anchor_paper (id), 
	CONSTRAINT fk_anchor_reading_attempt_id FOREIGN KEY(attempt_id) REFERENCES calibration_attempt (id)
);
CREATE TABLE appeal (
	cohort_id VARCHAR(32) NOT NULL, 
	submission_id VARCHAR(32) NOT NULL, 
	grade_id VARCHAR(32) NOT NULL, 
	learner_id VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	criteria JSON NOT NULL, 
	reason TEXT NOT NULL, 
	made_at DATETIME NOT NULL, 
	decide_by DATETIME NOT NULL, 
	blind BOOLEAN NOT NULL, 
	allocation_id VARCHAR(32), 
	decided_by_id VARCHAR(32), 
	decided_at DATETIME, 
	answer TEXT, 
	score_id VARCHAR(32), 
	amended_id VARCHAR(32), 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_appeal PRIMARY KEY (id), 
	CONSTRAINT ck_appeal_state CHECK (state IN ('open', 'remarked', 'upheld', 'dismissed', 'withdrawn')), 
	CONSTRAINT ck_appeal_decided CHECK (state NOT IN ('upheld', 'dismissed') OR (decided_at IS NOT NULL AND decided_by_id IS NOT NULL AND answer IS NOT NULL)), 
	CONSTRAINT fk_appeal_allocation_id FOREIGN KEY(allocation_id) REFERENCES allocation (id), 
	CONSTRAINT fk_appeal_amended_id FOREIGN KEY(amended_id) REFERENCES grade (id), 
	CONSTRAINT fk_appeal_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_appeal_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id), 
	CONSTRAINT fk_appeal_grade_id FOREIGN KEY(grade_id) REFERENCES grade (id), 
	CONSTRAINT fk_appeal_learner_id FOREIGN KEY(learner_id) REFERENCES person (id), 
	CONSTRAINT fk_appeal_score_id FOREIGN KEY(score_id) REFERENCES score (id), 
	CONSTRAINT fk_appeal_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id), 
	CONSTRAINT uq_appeal_allocation_id UNIQUE (allocation_id)
);
CREATE TABLE "approval" (
	cohort_id VARCHAR(32) NOT NULL, 
	action VARCHAR(40) NOT NULL, 
	subject_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, 
	nonce VARCHAR(64) NOT NULL, 
	records JSON NOT NULL, 
	note JSON NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	proof VARCHAR(20) NOT NULL, 
	passkey_id VARCHAR(32), 
	origin TEXT, 
	authenticator_data TEXT, 
	client_data TEXT, 
	signature TEXT, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_approval PRIMARY KEY (id), 
	CONSTRAINT uq_approval_nonce UNIQUE (nonce), 
	CONSTRAINT ck_approval_proof CHECK (proof IN ('passkey', 'password')), 
	CONSTRAINT fk_approval_passkey_id FOREIGN KEY(passkey_id) REFERENCES passkey (id), 
	CONSTRAINT fk_approval_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT ck_approval_signed CHECK ((proof = 'passkey') = (passkey_id IS NOT NULL AND origin IS NOT NULL AND authenticator_data IS NOT NULL AND client_data IS NOT NULL AND signature IS NOT NULL)), 
	CONSTRAINT fk_approval_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT uq_approval_subject_id_person_id_action UNIQUE (subject_id, person_id, action), 
	CONSTRAINT ck_approval_action CHECK (action IN ('release:propose', 'release:sign', 'record:revoke', 'appeal:decide', 'member:set_points', 'misconduct_case:uphold', 'passkey:add'))
);
CREATE TABLE audit_entry (
	id INTEGER NOT NULL, 
	chain VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor_id VARCHAR(32), 
	action VARCHAR(60) NOT NULL, 
	subject_type VARCHAR(40) NOT NULL, 
	subject_id VARCHAR(64) NOT NULL, 
	"before" TEXT, 
	"after" TEXT, 
	reason TEXT, 
	previous VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, aside JSON, erased_at DATETIME, 
	CONSTRAINT pk_audit_entry PRIMARY KEY (id), 
	CONSTRAINT uq_audit_entry_chain_number UNIQUE (chain, number)
);
CREATE TABLE audit_head (
	chain VARCHAR(32) NOT NULL, 
	count INTEGER NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit_head PRIMARY KEY (chain)
);
INSERT INTO "audit_head" VALUES('service',0,'0000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE brief (
	program_id VARCHAR(32) NOT NULL, 
	version INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, example TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_brief PRIMARY KEY (id), 
	CONSTRAINT fk_brief_program_id FOREIGN KEY(program_id) REFERENCES program (id), 
	CONSTRAINT uq_brief_program_id_version UNIQUE (program_id, version)
);
INSERT INTO "brief" VALUES('g',1,'T','2026-01-01 09:00:00','b','');
CREATE TABLE bulk_check (
	id INTEGER NOT NULL, 
	"key" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	ids INTEGER NOT NULL, 
	CONSTRAINT pk_bulk_check PRIMARY KEY (id), 
	CONSTRAINT ck_bulk_check_ids CHECK (ids > 0)
);
CREATE TABLE calibration_attempt (
	cohort_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	number INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	started_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	outcome JSON, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_calibration_attempt PRIMARY KEY (id), 
	CONSTRAINT ck_calibration_attempt_kind CHECK (kind IN ('practice', 'qualification')), 
	CONSTRAINT ck_calibration_attempt_state CHECK (state IN ('open', 'judged', 'ended')), 
	CONSTRAINT fk_calibration_attempt_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_calibration_attempt_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT uq_calibration_attempt_cohort_id_person_id_kind_number UNIQUE (cohort_id, person_id, kind, number)
);
CREATE TABLE "challenge" (
	action VARCHAR(40) NOT NULL, 
	subject_id VARCHAR(32) NOT NULL, 
	cohort_id VARCHAR(32), 
	person_id VARCHAR(32) NOT NULL, 
	nonce VARCHAR(64) NOT NULL, 
	records JSON NOT NULL, 
	note JSON NOT NULL, 
	made_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	used_at DATETIME, 
	id VARCHAR(32) NOT NULL, entered JSON, 
	CONSTRAINT pk_challenge PRIMARY KEY (id), 
	CONSTRAINT fk_challenge_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_challenge_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT uq_challenge_nonce UNIQUE (nonce), 
	CONSTRAINT ck_challenge_action CHECK (action IN ('release:propose', 'release:sign', 'record:revoke', 'appeal:decide', 'member:set_points', 'misconduct_case:uphold', 'passkey:add'))
);
CREATE TABLE cohort (
	program_id VARCHAR(32) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	brief_id VARCHAR(32) NOT NULL, 
	rubric_version_id VARCHAR(32) NOT NULL, 
	time_zone VARCHAR(64) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	opens_at DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	closes_at DATETIME NOT NULL, 
	peers_due_at DATETIME NOT NULL, 
	grading_due_at DATETIME NOT NULL, 
	results_at DATETIME NOT NULL, 
	allocated_at DATETIME, 
	id VARCHAR(32) NOT NULL, looked_at DATETIME, ended_at DATETIME, 
	CONSTRAINT pk_cohort PRIMARY KEY (id), 
	CONSTRAINT ck_cohort_state CHECK (state IN ('preparing', 'open', 'ended')), 
	CONSTRAINT ck_cohort_calendar CHECK (opens_at < due_at AND due_at <= closes_at AND due_at <= peers_due_at AND peers_due_at <= grading_due_at AND grading_due_at <= results_at), 
	CONSTRAINT fk_cohort_brief_id FOREIGN KEY(brief_id) REFERENCES brief (id), 
	CONSTRAINT fk_cohort_program_id FOREIGN KEY(program_id) REFERENCES program (id), 
	CONSTRAINT fk_cohort_rubric_version_id FOREIGN KEY(rubric_version_id) REFERENCES rubric_version (id), 
	CONSTRAINT uq_cohort_program_id_name UNIQUE (program_id, name)
);
INSERT INTO "cohort" VALUES('g','H','b','r','UTC','open',1,'2026-01-01 09:00:00','2026-01-01 09:00:00','2026-02-01 09:00:00','2026-02-01 10:00:00','2026-02-08 09:00:00','2026-02-15 09:00:00','2026-02-22 09:00:00',NULL,'h',NULL,NULL);
CREATE TABLE "cohort_statistics" (
	cohort_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	result JSON NOT NULL, 
	fingerprint VARCHAR(80) NOT NULL, 
	computed_at DATETIME NOT NULL, 
	CONSTRAINT pk_cohort_statistics PRIMARY KEY (cohort_id, kind), 
	CONSTRAINT fk_cohort_statistics_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT ck_cohort_statistics_kind CHECK (kind IN ('agreement', 'severity', 'generalizability', 'risk', 'outliers'))
);
CREATE TABLE completion (
	course_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	completed_on DATE NOT NULL, 
	identity_assurance VARCHAR(30) NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, via VARCHAR(60), 
	CONSTRAINT pk_completion PRIMARY KEY (id), 
	CONSTRAINT ck_completion_identity_assurance CHECK (identity_assurance IN ('document', 'proctored', 'institutional_sign_in', 'attested')), 
	CONSTRAINT fk_completion_course_id FOREIGN KEY(course_id) REFERENCES course (id), 
	CONSTRAINT fk_completion_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT uq_completion_course_id_person_id UNIQUE (course_id, person_id)
);
INSERT INTO "completion" VALUES('c','p','2025-12-01','attested','2026-01-01 09:00:00','k',NULL);
CREATE TABLE conflict_of_interest (
	cohort_id VARCHAR(32) NOT NULL, 
	rater_id VARCHAR(32) NOT NULL, 
	learner_id VARCHAR(32) NOT NULL, 
	reason TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_conflict_of_interest PRIMARY KEY (id), 
	CONSTRAINT ck_conflict_of_interest_two_people CHECK (rater_id <> learner_id), 
	CONSTRAINT fk_conflict_of_interest_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_conflict_of_interest_learner_id FOREIGN KEY(learner_id) REFERENCES person (id), 
	CONSTRAINT fk_conflict_of_interest_rater_id FOREIGN KEY(rater_id) REFERENCES person (id), 
	CONSTRAINT uq_conflict_of_interest_cohort_id_rater_id_learner_id UNIQUE (cohort_id, rater_id, learner_id)
);
CREATE TABLE "course" (
	program_id VARCHAR(32) NOT NULL, 
	code VARCHAR(60) NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	position INTEGER NOT NULL, 
	required BOOLEAN NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	equivalents JSON DEFAULT '[]' NOT NULL, 
	expires_months INTEGER, 
	hours DOUBLE, 
	CONSTRAINT pk_course PRIMARY KEY (id), 
	CONSTRAINT fk_course_program_id FOREIGN KEY(program_id) REFERENCES program (id), 
	CONSTRAINT uq_course_program_id_code UNIQUE (program_id, code)
);
INSERT INTO "course" VALUES('g','c1','C1',1,1,'c','[]',NULL,NULL);
CREATE TABLE "credential_record" (
	program_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	public_id VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	created_at DATETIME NOT NULL, 
	shared_at DATETIME, 
	completed_at DATETIME, 
	revoked_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	replaced_at DATETIME, 
	replaces_id VARCHAR(32), expires_on DATE, 
	CONSTRAINT pk_credential_record PRIMARY KEY (id), 
	CONSTRAINT ck_credential_record_revoked CHECK (state <> 'revoked' OR revoked_at IS NOT NULL), 
	CONSTRAINT uq_credential_record_public_id UNIQUE (public_id), 
	CONSTRAINT fk_credential_record_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_credential_record_program_id FOREIGN KEY(program_id) REFERENCES program (id), 
	CONSTRAINT ck_credential_record_state CHECK (state IN ('valid', 'replaced', 'revoked')), 
	CONSTRAINT uq_credential_record_replaces_id UNIQUE (replaces_id), 
	CONSTRAINT fk_credential_record_replaces_id FOREIGN KEY(replaces_id) REFERENCES credential_record (id), 
	CONSTRAINT ck_credential_record_replaced CHECK ((state = 'replaced') = (replaced_at IS NOT NULL))
);
INSERT INTO "credential_record" VALUES('g','p','n','valid',1,'P','2026-01-01 09:00:00',NULL,NULL,NULL,'n',NULL,NULL,NULL);
CREATE TABLE disclosure (
	person_id VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, 
	what VARCHAR(20) NOT NULL, 
	recipient VARCHAR(300) NOT NULL, 
	ground VARCHAR(20) NOT NULL, 
	by_id VARCHAR(32), 
	note TEXT NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_disclosure PRIMARY KEY (id), 
	CONSTRAINT ck_disclosure_ground CHECK (ground IN ('consent', 'request', 'contract', 'law')), 
	CONSTRAINT ck_disclosure_what CHECK (what IN ('record_page', 'credential_file', 'credentials', 'export', 'transcript')), 
	CONSTRAINT fk_disclosure_by_id FOREIGN KEY(by_id) REFERENCES person (id), 
	CONSTRAINT fk_disclosure_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE discrepancy (
	cohort_id VARCHAR(32) NOT NULL, 
	submission_id VARCHAR(32) NOT NULL, 
	allocation_id VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	findings JSON NOT NULL, 
	found_at DATETIME NOT NULL, 
	settled_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_discrepancy PRIMARY KEY (id), 
	CONSTRAINT ck_discrepancy_state CHECK (state IN ('open', 'adjudicated', 'cancelled')), 
	CONSTRAINT fk_discrepancy_allocation_id FOREIGN KEY(allocation_id) REFERENCES allocation (id), 
	CONSTRAINT fk_discrepancy_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_discrepancy_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id)
);
CREATE TABLE doomed_file (
	"key" VARCHAR(200) NOT NULL, 
	since DATETIME NOT NULL, 
	CONSTRAINT pk_doomed_file PRIMARY KEY ("key")
);
CREATE TABLE entitlement (
	program_id VARCHAR(32) NOT NULL, 
	course_id VARCHAR(32), 
	person_id VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	note TEXT NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_entitlement PRIMARY KEY (id), 
	CONSTRAINT ck_entitlement_state CHECK (state IN ('paid', 'waived', 'sponsored', 'refunded')), 
	CONSTRAINT fk_entitlement_course_id FOREIGN KEY(course_id) REFERENCES course (id), 
	CONSTRAINT fk_entitlement_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_entitlement_program_id FOREIGN KEY(program_id) REFERENCES program (id), 
	CONSTRAINT uq_entitlement_program_id_person_id_course_id UNIQUE (program_id, person_id, course_id)
);
CREATE TABLE erasure_request (
	person_id VARCHAR(32) NOT NULL, 
	asked_by_id VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	asked_at DATETIME NOT NULL, 
	decide_by DATETIME NOT NULL, 
	prepared_by_id VARCHAR(32), 
	prepared_at DATETIME, 
	ended_by_id VARCHAR(32), 
	ended_at DATETIME, 
	answer TEXT, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_erasure_request PRIMARY KEY (id), 
	CONSTRAINT ck_erasure_request_ended CHECK (state IN ('asked', 'prepared') OR ended_at IS NOT NULL), 
	CONSTRAINT ck_erasure_request_state CHECK (state IN ('asked', 'prepared', 'done', 'refused', 'withdrawn')), 
	CONSTRAINT fk_erasure_request_asked_by_id FOREIGN KEY(asked_by_id) REFERENCES person (id), 
	CONSTRAINT fk_erasure_request_ended_by_id FOREIGN KEY(ended_by_id) REFERENCES person (id), 
	CONSTRAINT fk_erasure_request_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_erasure_request_prepared_by_id FOREIGN KEY(prepared_by_id) REFERENCES person (id)
);
CREATE TABLE evidence (
	case_id VARCHAR(32) NOT NULL, 
	by_id VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, 
	text TEXT NOT NULL, 
	source TEXT NOT NULL, 
	digest VARCHAR(64), 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_evidence PRIMARY KEY (id), 
	CONSTRAINT fk_evidence_by_id FOREIGN KEY(by_id) REFERENCES person (id), 
	CONSTRAINT fk_evidence_case_id FOREIGN KEY(case_id) REFERENCES misconduct_case (id)
);
CREATE TABLE explanation (
	cohort_id VARCHAR(32) NOT NULL, 
	submission_id VARCHAR(32) NOT NULL, 
	grade_id VARCHAR(32) NOT NULL, 
	learner_id VARCHAR(32) NOT NULL, 
	owner_id VARCHAR(32), 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	criteria JSON NOT NULL, 
	question TEXT NOT NULL, 
	asked_at DATETIME NOT NULL, 
	answer_by DATETIME NOT NULL, 
	answer TEXT, 
	answered_at DATETIME, 
	answered_by_id VARCHAR(32), 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_explanation PRIMARY KEY (id), 
	CONSTRAINT ck_explanation_answered CHECK (state <> 'answered' OR answer IS NOT NULL), 
	CONSTRAINT ck_explanation_state CHECK (state IN ('open', 'answered', 'withdrawn')), 
	CONSTRAINT fk_explanation_answered_by_id FOREIGN KEY(answered_by_id) REFERENCES person (id), 
	CONSTRAINT fk_explanation_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_explanation_grade_id FOREIGN KEY(grade_id) REFERENCES grade (id), 
	CONSTRAINT fk_explanation_learner_id FOREIGN KEY(learner_id) REFERENCES person (id), 
	CONSTRAINT fk_explanation_owner_id FOREIGN KEY(owner_id) REFERENCES person (id), 
	CONSTRAINT fk_explanation_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id)
);
CREATE TABLE exposure (
	submission_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_exposure PRIMARY KEY (submission_id, person_id), 
	CONSTRAINT fk_exposure_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_exposure_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id)
);
CREATE TABLE extension (
	cohort_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	days INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	granted_by_id VARCHAR(32) NOT NULL, 
	granted_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_extension PRIMARY KEY (id), 
	CONSTRAINT ck_extension_kind CHECK (kind IN ('extension', 'adjustment')), 
	CONSTRAINT ck_extension_state CHECK (state IN ('granted', 'ended')), 
	CONSTRAINT ck_extension_days CHECK (days > 0), 
	CONSTRAINT fk_extension_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_extension_granted_by_id FOREIGN KEY(granted_by_id) REFERENCES person (id), 
	CONSTRAINT fk_extension_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE "grade" (
	submission_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	score_id VARCHAR(32) NOT NULL, 
	release_id VARCHAR(32) NOT NULL, 
	value VARCHAR(20) NOT NULL, 
	band VARCHAR(100) NOT NULL, 
	passed BOOLEAN NOT NULL, 
	detail JSON NOT NULL, 
	released_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	amended_for VARCHAR(20), 
	person_id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_grade PRIMARY KEY (id), 
	CONSTRAINT fk_grade_score_id FOREIGN KEY(score_id) REFERENCES score (id), 
	CONSTRAINT fk_grade_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id), 
	CONSTRAINT fk_grade_release_id FOREIGN KEY(release_id) REFERENCES release (id), 
	CONSTRAINT uq_grade_submission_id_person_id_number UNIQUE (submission_id, person_id, number), 
	CONSTRAINT fk_grade_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);
INSERT INTO "grade" VALUES('u',1,'o','e','70','Pass',1,'{}','2026-01-01 09:00:00','d',NULL,'p');
CREATE TABLE grade_seen (
	grade_id VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_grade_seen PRIMARY KEY (grade_id), 
	CONSTRAINT fk_grade_seen_grade_id FOREIGN KEY(grade_id) REFERENCES grade (id)
);
CREATE TABLE "identity_check" (
	person_id VARCHAR(32) NOT NULL, 
	submission_id VARCHAR(32), 
	how VARCHAR(30) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	by_id VARCHAR(32), 
	at DATETIME NOT NULL, 
	holds_until DATETIME, 
	id VARCHAR(32) NOT NULL, 
	document VARCHAR(20), 
	issuer VARCHAR(400), 
	CONSTRAINT pk_identity_check PRIMARY KEY (id), 
	CONSTRAINT fk_identity_check_by_id FOREIGN KEY(by_id) REFERENCES person (id), 
	CONSTRAINT fk_identity_check_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_identity_check_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id), 
	CONSTRAINT ck_identity_check_another CHECK (person_id <> by_id), 
	CONSTRAINT ck_identity_check_how CHECK (how IN ('document', 'proctored', 'institutional_sign_in', 'attested')), 
	CONSTRAINT ck_identity_check_holds CHECK (holds_until > at), 
	CONSTRAINT ck_identity_check_document CHECK (document IN ('passport', 'identity_card', 'driving_licence', 'residence_permit', 'other'))
);
CREATE TABLE "import_batch" (
	kind VARCHAR(20) NOT NULL, 
	program_id VARCHAR(32) NOT NULL, 
	cohort_id VARCHAR(32), 
	by_id VARCHAR(32), 
	at DATETIME NOT NULL, 
	made JSON NOT NULL, 
	undone_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_import_batch PRIMARY KEY (id), 
	CONSTRAINT fk_import_batch_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_import_batch_by_id FOREIGN KEY(by_id) REFERENCES person (id), 
	CONSTRAINT fk_import_batch_program_id FOREIGN KEY(program_id) REFERENCES program (id), 
	CONSTRAINT ck_import_batch_kind CHECK (kind IN ('roster', 'completions', 'entitlements', 'conflicts'))
);
CREATE TABLE issued_credential (
	url VARCHAR(400) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	program_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	about VARCHAR(32) NOT NULL, 
	achievement VARCHAR(400) NOT NULL, 
	course_id VARCHAR(32), 
	grade_id VARCHAR(32), 
	record_id VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	replaces_id VARCHAR(32), 
	facts VARCHAR(64) NOT NULL, 
	subject VARCHAR(60) NOT NULL, 
	salt VARCHAR(40), 
	status_list_id VARCHAR(32) NOT NULL, 
	status_index INTEGER NOT NULL, 
	key_id VARCHAR(32) NOT NULL, 
	token_key_id VARCHAR(32) NOT NULL, 
	document JSON, 
	token TEXT, 
	evidence JSON, 
	valid_from DATETIME NOT NULL, 
	issued_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	published_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_issued_credential PRIMARY KEY (id), 
	CONSTRAINT ck_issued_credential_ended CHECK ((state = 'valid') = (ended_at IS NULL)), 
	CONSTRAINT ck_issued_credential_kind CHECK (kind IN ('course', 'capstone', 'program')), 
	CONSTRAINT ck_issued_credential_state CHECK (state IN ('valid', 'replaced', 'revoked')), 
	CONSTRAINT fk_issued_credential_course_id FOREIGN KEY(course_id) REFERENCES course (id), 
	CONSTRAINT fk_issued_credential_grade_id FOREIGN KEY(grade_id) REFERENCES grade (id), 
	CONSTRAINT fk_issued_credential_key_id FOREIGN KEY(key_id) REFERENCES signing_key (id), 
	CONSTRAINT fk_issued_credential_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_issued_credential_program_id FOREIGN KEY(program_id) REFERENCES program (id), 
	CONSTRAINT fk_issued_credential_record_id FOREIGN KEY(record_id) REFERENCES credential_record (id), 
	CONSTRAINT fk_issued_credential_replaces_id FOREIGN KEY(replaces_id) REFERENCES issued_credential (id), 
	CONSTRAINT fk_issued_credential_status_list_id FOREIGN KEY(status_list_id) REFERENCES status_list (id), 
	CONSTRAINT fk_issued_credential_token_key_id FOREIGN KEY(token_key_id) REFERENCES signing_key (id), 
	CONSTRAINT uq_issued_credential_replaces_id UNIQUE (replaces_id), 
	CONSTRAINT uq_issued_credential_status_list_id_status_index UNIQUE (status_list_id, status_index), 
	CONSTRAINT uq_issued_credential_url UNIQUE (url)
);
CREATE TABLE job (
	topic VARCHAR(60) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	payload JSON NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	run_at DATETIME NOT NULL, 
	attempts INTEGER NOT NULL, 
	lease_until DATETIME, 
	worker VARCHAR(80), 
	done INTEGER NOT NULL, 
	total INTEGER NOT NULL, 
	error TEXT, 
	created_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_job PRIMARY KEY (id), 
	CONSTRAINT ck_job_state CHECK (state IN ('waiting', 'running', 'done', 'failed')), 
	CONSTRAINT uq_job_key UNIQUE ("key")
);
CREATE TABLE kept_transcript (
	person_id VARCHAR(32) NOT NULL, 
	content JSON NOT NULL, 
	made_at DATETIME NOT NULL, 
	keep_until DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_kept_transcript PRIMARY KEY (id), 
	CONSTRAINT fk_kept_transcript_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT uq_kept_transcript_person_id UNIQUE (person_id)
);
CREATE TABLE member_points (
	submission_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	points DOUBLE NOT NULL, 
	reason TEXT NOT NULL, 
	by_id VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_member_points PRIMARY KEY (id), 
	CONSTRAINT ck_member_points_points CHECK (points BETWEEN -100 AND 100), 
	CONSTRAINT fk_member_points_by_id FOREIGN KEY(by_id) REFERENCES person (id), 
	CONSTRAINT fk_member_points_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_member_points_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id), 
	CONSTRAINT uq_member_points_submission_id_person_id_number UNIQUE (submission_id, person_id, number)
);
CREATE TABLE membership (
	cohort_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	since DATETIME NOT NULL, 
	ended_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_membership PRIMARY KEY (id), 
	CONSTRAINT ck_membership_role CHECK (role IN ('learner', 'peer', 'grader', 'instructor', 'lead', 'coordinator', 'observer')), 
	CONSTRAINT fk_membership_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_membership_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT uq_membership_cohort_id_person_id_role UNIQUE (cohort_id, person_id, role)
);
CREATE TABLE misconduct_case (
	cohort_id VARCHAR(32) NOT NULL, 
	submission_id VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	opened_by_id VARCHAR(32) NOT NULL, 
	opened_at DATETIME NOT NULL, 
	allegation TEXT, 
	answer_by DATETIME, 
	answer TEXT, 
	answered_at DATETIME, 
	outcome VARCHAR(20), 
	reason TEXT, 
	proposed_by_id VARCHAR(32), 
	decided_by_id VARCHAR(32), 
	decided_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_misconduct_case PRIMARY KEY (id), 
	CONSTRAINT ck_misconduct_case_kind CHECK (kind IN ('copying', 'anothers_work')), 
	CONSTRAINT ck_misconduct_case_outcome CHECK (outcome IN ('upheld', 'dismissed')), 
	CONSTRAINT ck_misconduct_case_state CHECK (state IN ('open', 'hearing', 'heard', 'proposed', 'upheld', 'dismissed')), 
	CONSTRAINT ck_misconduct_case_decided_by_two CHECK (state NOT IN ('upheld', 'dismissed') OR (decided_by_id IS NOT NULL AND proposed_by_id <> decided_by_id)), 
	CONSTRAINT fk_misconduct_case_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_misconduct_case_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id), 
	CONSTRAINT fk_misconduct_case_opened_by_id FOREIGN KEY(opened_by_id) REFERENCES person (id), 
	CONSTRAINT fk_misconduct_case_proposed_by_id FOREIGN KEY(proposed_by_id) REFERENCES person (id), 
	CONSTRAINT fk_misconduct_case_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id)
);
CREATE TABLE objection (
	cohort_id VARCHAR(32) NOT NULL, 
	submission_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	copy INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	made_at DATETIME NOT NULL, 
	decided_by_id VARCHAR(32), 
	decided_at DATETIME, 
	answer TEXT, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_objection PRIMARY KEY (id), 
	CONSTRAINT ck_objection_state CHECK (state IN ('open', 'returned', 'upheld', 'dismissed', 'withdrawn')), 
	CONSTRAINT ck_objection_decided CHECK (state NOT IN ('upheld', 'dismissed') OR (decided_by_id IS NOT NULL AND decided_at IS NOT NULL AND answer IS NOT NULL)), 
	CONSTRAINT fk_objection_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_objection_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES person (id), 
	CONSTRAINT fk_objection_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_objection_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id)
);
CREATE TABLE partner (
	sponsor_id VARCHAR(32) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	address VARCHAR(400) NOT NULL, 
	gets VARCHAR(20) NOT NULL, 
	pathway TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_partner PRIMARY KEY (id), 
	CONSTRAINT ck_partner_gets CHECK (gets IN ('program', 'capstone', 'all')), 
	CONSTRAINT ck_partner_kind CHECK (kind IN ('https', 'mail')), 
	CONSTRAINT fk_partner_sponsor_id FOREIGN KEY(sponsor_id) REFERENCES sponsor (id)
);
CREATE TABLE partner_consent (
	partner_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	record_id VARCHAR(32) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	credential_ids JSON NOT NULL, 
	given_at DATETIME NOT NULL, 
	withdrawn_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_partner_consent PRIMARY KEY (id), 
	CONSTRAINT fk_partner_consent_partner_id FOREIGN KEY(partner_id) REFERENCES partner (id), 
	CONSTRAINT fk_partner_consent_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_partner_consent_record_id FOREIGN KEY(record_id) REFERENCES credential_record (id)
);
CREATE TABLE partner_sending (
	consent_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	asked_at DATETIME NOT NULL, 
	begun_at DATETIME, 
	ended_at DATETIME, 
	error TEXT, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_partner_sending PRIMARY KEY (id), 
	CONSTRAINT ck_partner_sending_state CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'unknown', 'cancelled')), 
	CONSTRAINT fk_partner_sending_consent_id FOREIGN KEY(consent_id) REFERENCES partner_consent (id), 
	CONSTRAINT uq_partner_sending_consent_id_number UNIQUE (consent_id, number)
);
CREATE TABLE passkey (
	person_id VARCHAR(32) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	party VARCHAR(253) NOT NULL, 
	credential TEXT NOT NULL, 
	public_key TEXT NOT NULL, 
	sign_count INTEGER NOT NULL, 
	synced BOOLEAN NOT NULL, 
	added_at DATETIME NOT NULL, 
	used_at DATETIME, 
	removed_at DATETIME, 
	removed_by VARCHAR(32), 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_passkey PRIMARY KEY (id), 
	CONSTRAINT ck_passkey_sign_count CHECK (sign_count >= 0), 
	CONSTRAINT fk_passkey_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_passkey_removed_by FOREIGN KEY(removed_by) REFERENCES person (id), 
	CONSTRAINT uq_passkey_credential UNIQUE (credential)
);
CREATE TABLE password_reset (
	token_hash VARCHAR(64) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	expires_at DATETIME NOT NULL, 
	used_at DATETIME, 
	CONSTRAINT pk_password_reset PRIMARY KEY (token_hash), 
	CONSTRAINT fk_password_reset_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE "person" (
	email VARCHAR(254) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	password_hash TEXT, 
	administrator BOOLEAN NOT NULL, 
	active BOOLEAN NOT NULL, 
	epoch INTEGER NOT NULL, 
	time_zone VARCHAR(64), 
	theme VARCHAR(10) NOT NULL, 
	single_keys BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	digest BOOLEAN DEFAULT 1 NOT NULL, erased_at DATETIME, 
	CONSTRAINT pk_person PRIMARY KEY (id), 
	CONSTRAINT uq_person_email UNIQUE (email), 
	CONSTRAINT ck_person_theme CHECK (theme IN ('system', 'light', 'dark'))
);
INSERT INTO "person" VALUES('p@example.org','P',NULL,0,1,0,NULL,'system',1,'2026-01-01 09:00:00','p',1,NULL);
CREATE TABLE personal_export (
	person_id VARCHAR(32) NOT NULL, 
	asked_by_id VARCHAR(32) NOT NULL, 
	ground TEXT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	asked_at DATETIME NOT NULL, 
	done INTEGER NOT NULL, 
	total INTEGER NOT NULL, 
	"key" VARCHAR(200), 
	size INTEGER, 
	ready_at DATETIME, 
	expires_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_personal_export PRIMARY KEY (id), 
	CONSTRAINT ck_personal_export_ready CHECK (state <> 'ready' OR (key IS NOT NULL AND expires_at IS NOT NULL)), 
	CONSTRAINT ck_personal_export_state CHECK (state IN ('waiting', 'ready', 'expired')), 
	CONSTRAINT fk_personal_export_asked_by_id FOREIGN KEY(asked_by_id) REFERENCES person (id), 
	CONSTRAINT fk_personal_export_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE plan_version (
	cohort_id VARCHAR(32) NOT NULL, 
	version INTEGER NOT NULL, 
	choices JSON NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	frozen_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_plan_version PRIMARY KEY (id), 
	CONSTRAINT fk_plan_version_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT uq_plan_version_cohort_id_version UNIQUE (cohort_id, version)
);
CREATE TABLE "program" (
	sponsor_id VARCHAR(32) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	capstone_title VARCHAR(200) NOT NULL, 
	created_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	entitlement_required BOOLEAN DEFAULT 0 NOT NULL, 
	retake_terms TEXT DEFAULT '' NOT NULL, 
	capstone_hours DOUBLE, 
	hours_approver VARCHAR(200) DEFAULT '' NOT NULL, 
	provider_number VARCHAR(100) DEFAULT '' NOT NULL, valid_months INTEGER, 
	CONSTRAINT pk_program PRIMARY KEY (id), 
	CONSTRAINT uq_program_sponsor_id_name UNIQUE (sponsor_id, name), 
	CONSTRAINT fk_program_sponsor_id FOREIGN KEY(sponsor_id) REFERENCES sponsor (id)
);
INSERT INTO "program" VALUES('s','G','C','2026-01-01 09:00:00','g',0,'',NULL,'','',NULL);
CREATE TABLE public_view (
	public_id VARCHAR(32) NOT NULL, 
	"on" DATE NOT NULL, 
	count INTEGER NOT NULL, 
	CONSTRAINT pk_public_view PRIMARY KEY (public_id, "on")
);
CREATE TABLE quarantine (
	cohort_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	criterion VARCHAR(60), 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	alarm_id VARCHAR(32), 
	since DATETIME NOT NULL, 
	reason TEXT NOT NULL, 
	by_id VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, 
	lifted_by_id VARCHAR(32), 
	lifted_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_quarantine PRIMARY KEY (id), 
	CONSTRAINT ck_quarantine_state CHECK (state IN ('in_force', 'lifted')), 
	CONSTRAINT fk_quarantine_alarm_id FOREIGN KEY(alarm_id) REFERENCES alarm (id), 
	CONSTRAINT fk_quarantine_by_id FOREIGN KEY(by_id) REFERENCES person (id), 
	CONSTRAINT fk_quarantine_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_quarantine_lifted_by_id FOREIGN KEY(lifted_by_id) REFERENCES person (id), 
	CONSTRAINT fk_quarantine_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE quarantined_rating (
	quarantine_id VARCHAR(32) NOT NULL, 
	rating_id INTEGER NOT NULL, 
	CONSTRAINT pk_quarantined_rating PRIMARY KEY (quarantine_id, rating_id), 
	CONSTRAINT fk_quarantined_rating_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantine (id), 
	CONSTRAINT fk_quarantined_rating_rating_id FOREIGN KEY(rating_id) REFERENCES rating (id)
);
CREATE TABLE queue_pause (
	cohort_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	by_id VARCHAR(32) NOT NULL, 
	reason TEXT NOT NULL, 
	since DATETIME NOT NULL, 
	answer_by DATETIME NOT NULL, 
	ended_at DATETIME, 
	ended_by_id VARCHAR(32), 
	answer TEXT, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_queue_pause PRIMARY KEY (id), 
	CONSTRAINT ck_queue_pause_answered CHECK (ended_at IS NULL OR answer IS NOT NULL), 
	CONSTRAINT fk_queue_pause_by_id FOREIGN KEY(by_id) REFERENCES person (id), 
	CONSTRAINT fk_queue_pause_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_queue_pause_ended_by_id FOREIGN KEY(ended_by_id) REFERENCES person (id), 
	CONSTRAINT fk_queue_pause_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE rating (
	id INTEGER NOT NULL, 
	allocation_id VARCHAR(32) NOT NULL, 
	submission_id VARCHAR(32) NOT NULL, 
	criterion VARCHAR(60) NOT NULL, 
	level INTEGER NOT NULL, 
	comment TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_rating PRIMARY KEY (id), 
	CONSTRAINT ck_rating_level CHECK (level >= 0), 
	CONSTRAINT fk_rating_allocation_id FOREIGN KEY(allocation_id) REFERENCES allocation (id), 
	CONSTRAINT fk_rating_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id), 
	CONSTRAINT uq_rating_allocation_id_criterion UNIQUE (allocation_id, criterion)
);
CREATE TABLE record_entry (
	id INTEGER NOT NULL, 
	record_id VARCHAR(32) NOT NULL, 
	course_id VARCHAR(32), 
	grade_id VARCHAR(32), 
	title VARCHAR(200) NOT NULL, 
	"on" DATE NOT NULL, 
	detail JSON NOT NULL, 
	added_at DATETIME NOT NULL, 
	CONSTRAINT pk_record_entry PRIMARY KEY (id), 
	CONSTRAINT ck_record_entry_course_or_grade CHECK ((course_id IS NULL) <> (grade_id IS NULL)), 
	CONSTRAINT fk_record_entry_course_id FOREIGN KEY(course_id) REFERENCES course (id), 
	CONSTRAINT fk_record_entry_grade_id FOREIGN KEY(grade_id) REFERENCES grade (id), 
	CONSTRAINT fk_record_entry_record_id FOREIGN KEY(record_id) REFERENCES credential_record (id), 
	CONSTRAINT uq_record_entry_record_id_course_id UNIQUE (record_id, course_id), 
	CONSTRAINT uq_record_entry_record_id_grade_id UNIQUE (record_id, grade_id)
);
CREATE TABLE "release" (
	cohort_id VARCHAR(32) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	proposed_at DATETIME NOT NULL, 
	release_at DATETIME, 
	ended_at DATETIME, 
	overrides JSON NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	changes JSON, 
	CONSTRAINT pk_release PRIMARY KEY (id), 
	CONSTRAINT fk_release_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT ck_release_scheduled CHECK (state <> 'scheduled' OR release_at IS NOT NULL), 
	CONSTRAINT ck_release_state CHECK (state IN ('proposed', 'scheduled', 'released', 'stopped', 'void')), 
	CONSTRAINT ck_release_void CHECK (state <> 'void' OR changes IS NOT NULL)
);
INSERT INTO "release" VALUES('h','released',1,'2026-01-01 09:00:00',NULL,NULL,'[]','e',NULL);
CREATE TABLE release_item (
	release_id VARCHAR(32) NOT NULL, 
	submission_id VARCHAR(32) NOT NULL, 
	score_id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_release_item PRIMARY KEY (release_id, submission_id), 
	CONSTRAINT fk_release_item_release_id FOREIGN KEY(release_id) REFERENCES release (id), 
	CONSTRAINT fk_release_item_score_id FOREIGN KEY(score_id) REFERENCES score (id), 
	CONSTRAINT fk_release_item_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id)
);
CREATE TABLE retention_run (
	cohort_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	applied_at DATETIME NOT NULL, 
	count INTEGER NOT NULL, 
	CONSTRAINT pk_retention_run PRIMARY KEY (cohort_id, kind), 
	CONSTRAINT ck_retention_run_kind CHECK (kind IN ('works', 'words', 'mails', 'identity')), 
	CONSTRAINT fk_retention_run_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id)
);
CREATE TABLE review (
	allocation_id VARCHAR(32) NOT NULL, 
	version INTEGER NOT NULL, 
	levels JSON NOT NULL, 
	comments JSON NOT NULL, 
	comment TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	saved_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_review PRIMARY KEY (id), 
	CONSTRAINT fk_review_allocation_id FOREIGN KEY(allocation_id) REFERENCES allocation (id), 
	CONSTRAINT uq_review_allocation_id UNIQUE (allocation_id)
);
CREATE TABLE rubric_version (
	program_id VARCHAR(32) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	number INTEGER NOT NULL, 
	definition JSON NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	created_at DATETIME NOT NULL, 
	published_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_rubric_version PRIMARY KEY (id), 
	CONSTRAINT ck_rubric_version_state CHECK (state IN ('draft', 'published')), 
	CONSTRAINT fk_rubric_version_program_id FOREIGN KEY(program_id) REFERENCES program (id), 
	CONSTRAINT uq_rubric_version_program_id_digest UNIQUE (program_id, digest), 
	CONSTRAINT uq_rubric_version_program_id_name_number UNIQUE (program_id, name, number)
);
INSERT INTO "rubric_version" VALUES('g','0000000000000000000000000000000000000000000000000000000000000000','r',1,'{}','published','2026-01-01 09:00:00','2026-01-01 09:00:00','r');
CREATE TABLE score (
	submission_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	composite DOUBLE NOT NULL, 
	standard_error DOUBLE, 
	criteria JSON NOT NULL, 
	rating_ids JSON NOT NULL, 
	professionals INTEGER NOT NULL, 
	peers INTEGER NOT NULL, 
	method VARCHAR(80) NOT NULL, 
	plan_digest VARCHAR(64) NOT NULL, 
	computed_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, adjustment JSON, 
	CONSTRAINT pk_score PRIMARY KEY (id), 
	CONSTRAINT fk_score_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id), 
	CONSTRAINT uq_score_submission_id_number UNIQUE (submission_id, number)
);
INSERT INTO "score" VALUES('u',1,70.0,NULL,'{}','[]',1,0,'m','0000000000000000000000000000000000000000000000000000000000000000','2026-01-01 09:00:00','o',NULL);
CREATE TABLE share_link (
	record_id VARCHAR(32) NOT NULL, 
	public_id VARCHAR(32) NOT NULL, 
	label VARCHAR(100) NOT NULL, 
	show_score BOOLEAN NOT NULL, 
	show_criteria BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	withdrawn_at DATETIME, 
	replaces_id VARCHAR(32), 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_share_link PRIMARY KEY (id), 
	CONSTRAINT fk_share_link_record_id FOREIGN KEY(record_id) REFERENCES credential_record (id), 
	CONSTRAINT fk_share_link_replaces_id FOREIGN KEY(replaces_id) REFERENCES share_link (id), 
	CONSTRAINT uq_share_link_public_id UNIQUE (public_id), 
	CONSTRAINT uq_share_link_replaces_id UNIQUE (replaces_id)
);
CREATE TABLE sign_in_attempt (
	id INTEGER NOT NULL, 
	"key" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_sign_in_attempt PRIMARY KEY (id)
);
CREATE TABLE sign_in_link (
	issuer VARCHAR(400) NOT NULL, 
	subject VARCHAR(255) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	linked_at DATETIME NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_sign_in_link PRIMARY KEY (id), 
	CONSTRAINT fk_sign_in_link_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT uq_sign_in_link_issuer_subject UNIQUE (issuer, subject)
);
CREATE TABLE sign_off (
	release_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_sign_off PRIMARY KEY (release_id, person_id), 
	CONSTRAINT fk_sign_off_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_sign_off_release_id FOREIGN KEY(release_id) REFERENCES release (id)
);
CREATE TABLE signing_key (
	sponsor_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	did VARCHAR(255) NOT NULL, 
	fragment VARCHAR(80) NOT NULL, 
	public TEXT NOT NULL, 
	sealed TEXT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	created_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_signing_key PRIMARY KEY (id), 
	CONSTRAINT ck_signing_key_ended CHECK ((state = 'active') = (ended_at IS NULL)), 
	CONSTRAINT ck_signing_key_kind CHECK (kind IN ('ed25519', 'rsa')), 
	CONSTRAINT ck_signing_key_state CHECK (state IN ('active', 'retired', 'withdrawn')), 
	CONSTRAINT fk_signing_key_sponsor_id FOREIGN KEY(sponsor_id) REFERENCES sponsor (id), 
	CONSTRAINT uq_signing_key_sponsor_id_fragment UNIQUE (sponsor_id, fragment)
);
CREATE TABLE "sponsor" (
	name VARCHAR(200) NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	issuer_name VARCHAR(200) DEFAULT '' NOT NULL, 
	signatories JSON DEFAULT '[]' NOT NULL, 
	logo_key VARCHAR(200), 
	logo_kind VARCHAR(20), 
	CONSTRAINT pk_sponsor PRIMARY KEY (id), 
	CONSTRAINT uq_sponsor_name UNIQUE (name)
);
INSERT INTO "sponsor" VALUES('S','s','','[]',NULL,NULL);
CREATE TABLE sponsor_member (
	sponsor_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	since DATETIME NOT NULL, 
	ended_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_sponsor_member PRIMARY KEY (id), 
	CONSTRAINT fk_sponsor_member_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_sponsor_member_sponsor_id FOREIGN KEY(sponsor_id) REFERENCES sponsor (id), 
	CONSTRAINT uq_sponsor_member_sponsor_id_person_id UNIQUE (sponsor_id, person_id)
);
CREATE TABLE standing (
	cohort_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	criterion VARCHAR(60) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	since DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	attempt_id VARCHAR(32), 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_standing PRIMARY KEY (id), 
	CONSTRAINT ck_standing_state CHECK (state IN ('not_qualified', 'qualified', 'provisional', 'expired', 'set_aside')), 
	CONSTRAINT fk_standing_attempt_id FOREIGN KEY(attempt_id) REFERENCES calibration_attempt (id), 
	CONSTRAINT fk_standing_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_standing_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT uq_standing_cohort_id_person_id_criterion UNIQUE (cohort_id, person_id, criterion)
);
CREATE TABLE status_list (
	sponsor_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	url VARCHAR(400) NOT NULL, 
	size INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	document JSON, 
	signed_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_status_list PRIMARY KEY (id), 
	CONSTRAINT fk_status_list_sponsor_id FOREIGN KEY(sponsor_id) REFERENCES sponsor (id), 
	CONSTRAINT uq_status_list_sponsor_id_number UNIQUE (sponsor_id, number), 
	CONSTRAINT uq_status_list_url UNIQUE (url)
);
CREATE TABLE struck_reading (
	allocation_id VARCHAR(32) NOT NULL, 
	fault TEXT NOT NULL, 
	by_id VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, criteria JSON DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_struck_reading PRIMARY KEY (allocation_id), 
	CONSTRAINT fk_struck_reading_allocation_id FOREIGN KEY(allocation_id) REFERENCES allocation (id), 
	CONSTRAINT fk_struck_reading_by_id FOREIGN KEY(by_id) REFERENCES person (id)
);
CREATE TABLE "submission" (
	cohort_id VARCHAR(32) NOT NULL, 
	learner_id VARCHAR(32) NOT NULL, 
	attempt INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	text TEXT NOT NULL, 
	links JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	saved_at DATETIME NOT NULL, 
	submitted_at DATETIME, 
	digest VARCHAR(64), 
	professionals_wanted INTEGER NOT NULL, 
	peers_wanted INTEGER NOT NULL, 
	allocated_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	due_at DATETIME, 
	withdrawn_at DATETIME, 
	group_name VARCHAR(100) DEFAULT ('') NOT NULL, 
	join_code VARCHAR(20), 
	objections_until DATETIME, 
	routed INTEGER DEFAULT '0' NOT NULL, 
	example_consent_at DATETIME, 
	CONSTRAINT pk_submission PRIMARY KEY (id), 
	CONSTRAINT fk_submission_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_submission_learner_id FOREIGN KEY(learner_id) REFERENCES person (id), 
	CONSTRAINT uq_submission_join_code UNIQUE (join_code), 
	CONSTRAINT ck_submission_submitted CHECK (state IN ('draft', 'withdrawn') OR (submitted_at IS NOT NULL AND digest IS NOT NULL)), 
	CONSTRAINT ck_submission_state CHECK (state IN ('draft', 'contestable', 'contested', 'submitted', 'begun', 'discrepant', 'resolved', 'released', 'withdrawn', 'withheld', 'anchor'))
);
INSERT INTO "submission" VALUES('h','p',1,'released',1,'T','T','[]','2026-01-01 09:00:00','2026-01-01 09:00:00','2026-01-01 09:00:00','0000000000000000000000000000000000000000000000000000000000000000',1,0,NULL,'u',NULL,NULL,'',NULL,NULL,0,NULL);
CREATE TABLE "submission_file" (
	submission_id VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	size INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	added_at DATETIME NOT NULL, 
	removed_at DATETIME, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_submission_file PRIMARY KEY (id), 
	CONSTRAINT fk_submission_file_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id)
);
CREATE TABLE submission_member (
	submission_id VARCHAR(32) NOT NULL, 
	person_id VARCHAR(32) NOT NULL, 
	cohort_id VARCHAR(32) NOT NULL, 
	attempt INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	version INTEGER NOT NULL, 
	since DATETIME NOT NULL, 
	ended_at DATETIME, 
	invited_by_id VARCHAR(32), 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_submission_member PRIMARY KEY (id), 
	CONSTRAINT ck_submission_member_state CHECK (state IN ('invited', 'joined', 'declined', 'left', 'removed', 'withdrawn', 'author')), 
	CONSTRAINT ck_submission_member_withdrawn CHECK (state <> 'withdrawn' OR ended_at IS NOT NULL), 
	CONSTRAINT fk_submission_member_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohort (id), 
	CONSTRAINT fk_submission_member_invited_by_id FOREIGN KEY(invited_by_id) REFERENCES person (id), 
	CONSTRAINT fk_submission_member_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_submission_member_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id), 
	CONSTRAINT uq_submission_member_submission_id_person_id UNIQUE (submission_id, person_id)
);
INSERT INTO "submission_member" VALUES('u','p','h',1,'joined',1,'2026-01-01 09:00:00.000000',NULL,NULL,'c8UGwiHYObXgHy78');
CREATE TABLE submitted_copy (
	submission_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	text TEXT NOT NULL, 
	links JSON NOT NULL, 
	files JSON NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	statement INTEGER NOT NULL, 
	submitted_at DATETIME NOT NULL, 
	late BOOLEAN NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_submitted_copy PRIMARY KEY (id), 
	CONSTRAINT fk_submitted_copy_submission_id FOREIGN KEY(submission_id) REFERENCES submission (id), 
	CONSTRAINT uq_submitted_copy_submission_id_number UNIQUE (submission_id, number)
);
CREATE INDEX ix_audit_entry_subject_id ON audit_entry (subject_id);
CREATE INDEX ix_job_state_run_at ON job (state, run_at);
CREATE INDEX ix_sign_in_attempt_key_at ON sign_in_attempt ("key", at);
CREATE INDEX ix_password_reset_person_id ON password_reset (person_id);
CREATE INDEX ix_completion_course_id ON completion (course_id);
CREATE INDEX ix_completion_person_id ON completion (person_id);
CREATE INDEX ix_membership_person_id ON membership (person_id);
CREATE INDEX ix_exposure_person_id ON exposure (person_id);
CREATE INDEX ix_discrepancy_cohort_id_state ON discrepancy (cohort_id, state);
CREATE UNIQUE INDEX uq_discrepancy_open ON discrepancy (submission_id) WHERE state = 'open';
CREATE INDEX ix_rating_submission_id ON rating (submission_id);
CREATE INDEX ix_release_item_submission_id ON release_item (submission_id);
CREATE INDEX ix_record_entry_record_id ON record_entry (record_id);
CREATE INDEX ix_sponsor_member_person_id ON sponsor_member (person_id);
CREATE INDEX ix_entitlement_person_id ON entitlement (person_id);
CREATE UNIQUE INDEX uq_entitlement_capstone ON entitlement (program_id, person_id) WHERE course_id IS NULL;
CREATE INDEX ix_absence_cohort_id_person_id ON absence (cohort_id, person_id);
CREATE INDEX ix_extension_cohort_id_person_id ON extension (cohort_id, person_id);
CREATE INDEX ix_misconduct_case_cohort_id_state ON misconduct_case (cohort_id, state);
CREATE UNIQUE INDEX uq_misconduct_case_pending ON misconduct_case (submission_id) WHERE state IN ('open', 'hearing', 'heard', 'proposed');
CREATE INDEX ix_evidence_case_id ON evidence (case_id);
CREATE INDEX ix_appeal_cohort_id_state ON appeal (cohort_id, state);
CREATE INDEX ix_appeal_learner_id ON appeal (learner_id);
CREATE UNIQUE INDEX uq_appeal_pending ON appeal (submission_id) WHERE state IN ('open', 'remarked');
CREATE INDEX ix_explanation_cohort_id_state ON explanation (cohort_id, state);
CREATE INDEX ix_explanation_owner_id_state ON explanation (owner_id, state);
CREATE INDEX ix_explanation_submission_id ON explanation (submission_id);
CREATE INDEX ix_credential_record_person_id ON credential_record (person_id);
CREATE UNIQUE INDEX uq_credential_record_in_force ON credential_record (program_id, person_id) WHERE state <> 'replaced';
CREATE INDEX ix_submission_member_person_id ON submission_member (person_id);
CREATE UNIQUE INDEX uq_submission_member_one_work ON submission_member (cohort_id, person_id, attempt) WHERE state IN ('joined', 'withdrawn');
CREATE INDEX ix_objection_cohort_id ON objection (cohort_id);
CREATE INDEX ix_objection_submission_id ON objection (submission_id);
CREATE INDEX ix_member_points_submission_id ON member_points (submission_id);
CREATE INDEX ix_grade_release_id ON grade (release_id);
CREATE INDEX ix_grade_person_id ON grade (person_id);
CREATE INDEX ix_import_batch_program_id ON import_batch (program_id);
CREATE INDEX ix_import_batch_cohort_id ON import_batch (cohort_id);
CREATE INDEX ix_share_link_record_id ON share_link (record_id);
CREATE INDEX ix_bulk_check_key_at ON bulk_check ("key", at);
CREATE UNIQUE INDEX uq_signing_key_active ON signing_key (sponsor_id, kind) WHERE state = 'active';
CREATE INDEX ix_issued_credential_achievement ON issued_credential (achievement);
CREATE INDEX ix_issued_credential_grade_id ON issued_credential (grade_id);
CREATE INDEX ix_issued_credential_key_id ON issued_credential (key_id);
CREATE INDEX ix_issued_credential_person_id ON issued_credential (person_id);
CREATE INDEX ix_issued_credential_record_id ON issued_credential (record_id);
CREATE INDEX ix_issued_credential_token_key_id ON issued_credential (token_key_id);
CREATE UNIQUE INDEX uq_issued_credential_valid ON issued_credential (program_id, person_id, about) WHERE state = 'valid';
CREATE UNIQUE INDEX uq_calibration_attempt_open ON calibration_attempt (cohort_id, person_id) WHERE state = 'open';
CREATE UNIQUE INDEX uq_queue_pause_in_force ON queue_pause (cohort_id, person_id) WHERE ended_at IS NULL;
CREATE INDEX ix_anchor_paper_cohort_id ON anchor_paper (cohort_id);
CREATE INDEX ix_anchor_paper_program_id_use ON anchor_paper (program_id, use);
CREATE UNIQUE INDEX uq_anchor_paper_source ON anchor_paper (source_id) WHERE state <> 'withdrawn';
CREATE INDEX ix_standing_person_id ON standing (person_id);
CREATE INDEX ix_alarm_cohort_id_state ON alarm (cohort_id, state);
CREATE UNIQUE INDEX uq_alarm_allocation ON alarm (allocation_id, chart, criterion);
CREATE UNIQUE INDEX uq_alarm_allocation_total ON alarm (allocation_id, chart) WHERE criterion IS NULL;
CREATE INDEX ix_anchor_reading_anchor_id ON anchor_reading (anchor_id);
CREATE INDEX ix_anchor_reading_attempt_id ON anchor_reading (attempt_id);
CREATE INDEX ix_quarantine_cohort_id_state ON quarantine (cohort_id, state);
CREATE INDEX ix_quarantined_rating_rating_id ON quarantined_rating (rating_id);
CREATE INDEX ix_submission_learner_id ON submission (learner_id);
CREATE INDEX ix_submission_cohort_id_state ON submission (cohort_id, state);
CREATE INDEX ix_submission_file_submission_id ON submission_file (submission_id);
CREATE INDEX ix_submission_file_key ON submission_file ("key");
CREATE INDEX ix_allocation_rater_id_state ON allocation (rater_id, state);
CREATE INDEX ix_allocation_open ON allocation (cohort_id, pool) WHERE state = 'open';
CREATE INDEX ix_allocation_cohort_id_state ON allocation (cohort_id, state);
CREATE INDEX ix_allocation_submission_id ON allocation (submission_id);
CREATE INDEX ix_passkey_person_id ON passkey (person_id);
CREATE INDEX ix_release_cohort_id ON release (cohort_id);
CREATE INDEX ix_disclosure_person_id ON disclosure (person_id);
CREATE INDEX ix_erasure_request_person_id ON erasure_request (person_id);
CREATE UNIQUE INDEX uq_erasure_request_pending ON erasure_request (person_id) WHERE state IN ('asked', 'prepared');
CREATE INDEX ix_partner_sponsor_id ON partner (sponsor_id);
CREATE INDEX ix_personal_export_person_id ON personal_export (person_id);
CREATE UNIQUE INDEX uq_personal_export_waiting ON personal_export (person_id, asked_by_id) WHERE state = 'waiting';
CREATE INDEX ix_partner_consent_partner_id ON partner_consent (partner_id);
CREATE INDEX ix_partner_consent_person_id ON partner_consent (person_id);
CREATE INDEX ix_partner_consent_record_id ON partner_consent (record_id);
CREATE UNIQUE INDEX uq_partner_consent_given ON partner_consent (partner_id, person_id) WHERE withdrawn_at IS NULL;
CREATE INDEX ix_audit_entry_actor_id ON audit_entry (actor_id);
CREATE INDEX ix_identity_check_submission_id ON identity_check (submission_id);
CREATE INDEX ix_identity_check_person_id ON identity_check (person_id);
CREATE INDEX ix_sign_in_link_person_id ON sign_in_link (person_id);
CREATE INDEX ix_challenge_person_id_expires_at ON challenge (person_id, expires_at);
CREATE INDEX ix_approval_cohort_id ON approval (cohort_id);
CREATE INDEX ix_approval_subject_id ON approval (subject_id);
COMMIT;
