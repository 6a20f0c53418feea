"""“What is this?” of every page, in the words of whoever reads it; the Help page lists them all by role."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask import Flask, request
from flask_babel import lazy_gettext as _l


class Reader(StrEnum):
    """Whom a page is for."""

    EVERYBODY = "everybody"
    LEARNER = "learner"
    READER = "reader"
    STAFF = "staff"
    OFFICE = "office"
    EMPLOYER = "employer"


READERS: dict[Reader, Any] = {
    Reader.EVERYBODY: _l("Everybody"),
    Reader.LEARNER: _l("Learners"),
    Reader.READER: _l("Graders and peers"),
    Reader.STAFF: _l("Instructors and leads"),
    Reader.OFFICE: _l("Coordinators and administrators"),
    Reader.EMPLOYER: _l("Employers"),
}


@dataclass(frozen=True)
class Help:
    """What one page is, in a few sentences; ``title`` is what it is called in a list."""

    reader: Reader
    title: Any
    text: Any


# One row a page, by endpoint. Files and machine-readable answers have none, nor have pages that only lead on.
PAGES: dict[str, Help] = {
    "sign_in.home": Help(
        Reader.EVERYBODY,
        _l("Needs you"),
        _l(
            "Everything that waits for you, in every part and cohort you have, the most "
            "urgent first. When it is done it goes from the list. What nobody waits for "
            "stands apart below."
        ),
    ),
    "sign_in.form": Help(
        Reader.EVERYBODY,
        _l("Sign in"),
        _l(
            "Use the address the program office has for you. After several wrong passwords "
            "you wait 15 minutes."
        ),
    ),
    "sign_in.forgot": Help(
        Reader.EVERYBODY,
        _l("A new password"),
        _l("We write to the address, if it has an account, with a link that works for 7 days."),
    ),
    "sign_in.reset": Help(
        Reader.EVERYBODY,
        _l("Choose a password"),
        _l("A password of some length that you use nowhere else. All your other sign-ins end."),
    ),
    "sign_in.preferences": Help(
        Reader.EVERYBODY,
        _l("Preferences"),
        _l(
            "Your time zone, colours, keys and whether we write to you each morning. They "
            "hold on every device."
        ),
    ),
    "passkeys.page": Help(
        Reader.EVERYBODY,
        _l("Passkeys"),
        _l(
            "What you sign with where a plan asks who releases. Give each a name, and remove "
            "one that you no longer have. Adding one needs your password again."
        ),
    ),
    "passkeys.make": Help(
        Reader.EVERYBODY,
        _l("Add a passkey"),
        _l(
            "Your browser makes the passkey and keeps its secret. We get the half that checks "
            "signatures, and nothing of your finger, face or PIN."
        ),
    ),
    "demo.doors": Help(
        Reader.EVERYBODY,
        _l("The doors of the demonstration"),
        _l("Each door signs you in as somebody of the simulated program. Nothing here is real."),
    ),
    "public.help_page": Help(
        Reader.EVERYBODY,
        _l("Help"),
        _l("What each page is for, by who reads it."),
    ),
    "public.accessibility": Help(
        Reader.EVERYBODY,
        _l("Accessibility"),
        _l("What works, what may not, and what to do then."),
    ),
    "public.privacy": Help(
        Reader.EVERYBODY,
        _l("Privacy"),
        _l("Who sees what of you, and when."),
    ),
    "public.out": Help(
        Reader.EVERYBODY,
        _l("The way out"),
        _l(
            "A link of somebody's project leads to another site, whose owner may see that "
            "you come. You decide."
        ),
    ),
    "learner.home": Help(
        Reader.LEARNER,
        _l("Your capstones"),
        _l("The cohorts you learn or review in, the newest first."),
    ),
    "learner.cohort": Help(
        Reader.LEARNER,
        _l("Your capstone"),
        _l(
            "What to do now, what comes next and when, and why something cannot start yet. "
            "Your own deadline holds, with any extension in it."
        ),
    ),
    "learner.brief": Help(
        Reader.LEARNER,
        _l("The task and the rubric"),
        _l(
            "What to make, and the levels of each criterion exactly as your graders will read them."
        ),
    ),
    "learner.draft": Help(
        Reader.LEARNER,
        _l("Your project"),
        _l(
            "Write, add files and links, and save as often as you like: nobody reads a "
            "draft. File names are hidden from graders; what stands inside a file is not."
        ),
    ),
    "learner.check": Help(
        Reader.LEARNER,
        _l("Check before you submit"),
        _l(
            "What graders will see, once more. You can take it back until somebody begins "
            "to read it."
        ),
    ),
    "learner.receipt": Help(
        Reader.LEARNER,
        _l("Receipt"),
        _l(
            "Proof of what you handed in and when. The reference is computed from the "
            "content: keep it."
        ),
    ),
    "learner.withdraw": Help(
        Reader.LEARNER,
        _l("Withdraw"),
        _l(
            "Your project leaves the graders' lists at once. You can come back within some "
            "days; the page says how many."
        ),
    ),
    "learner.result": Help(
        Reader.LEARNER,
        _l("Your result"),
        _l(
            "Your score, the level on each criterion, what graders and peers wrote, and how"
            " it was worked out. The likely range says how much another panel might differ."
        ),
    ),
    "questions.ask": Help(
        Reader.LEARNER,
        _l("Explain or re-mark?"),
        _l(
            "Two different things: an explanation comes from somebody who read your "
            "project, and the score stays; an appeal has it read again by somebody who has "
            "not."
        ),
    ),
    "questions.hearing": Help(
        Reader.LEARNER,
        _l("A question about your project"),
        _l(
            "Somebody suspects that part of it is not your own work. Nothing is decided "
            "before you have answered or the day has passed; two people decide together."
        ),
    ),
    "records.program": Help(
        Reader.LEARNER,
        _l("Your program record"),
        _l(
            "Every course and attempt, the hours they are worth, what is still missing, and"
            " who may look. Nobody sees it until you share it; each link shows only what "
            "you choose and can be withdrawn."
        ),
    ),
    "rater.home": Help(
        Reader.READER,
        _l("Today's grading"),
        _l(
            "Your items, begun ones first. The button gives you the next one: nobody picks,"
            " so that no project is read for its place in a list."
        ),
    ),
    "rater.item_sheet": Help(
        Reader.READER,
        _l("Score sheet"),
        _l(
            "Choose the level whose words fit best and say why. You see nobody else's "
            "scores, and nobody who still reads the project sees yours. It is saved as you "
            "go."
        ),
    ),
    "rater.item_finished": Help(
        Reader.READER,
        _l("A finished sheet"),
        _l("You can change it for some minutes; then it is locked and counts."),
    ),
    "rater.item_decline_page": Help(
        Reader.READER,
        _l("Hand an item back"),
        _l(
            "If it does not open, you know who wrote it or it is not your field, somebody "
            "else gets it. It never counts against you."
        ),
    ),
    "rater.review_sheet": Help(
        Reader.READER,
        _l("Peer review"),
        _l(
            "Read another learner's project as you would have yours read. What you give "
            "never lowers your own mark; the author sees it as from Peer 1, 2 or 3."
        ),
    ),
    "rater.review_finished": Help(
        Reader.READER,
        _l("A finished review"),
        _l("You can change it for some minutes; then it is locked."),
    ),
    "rater.review_decline_page": Help(
        Reader.READER,
        _l("Hand a review back"),
        _l("If you know the author or it does not open, you get another one instead."),
    ),
    "answers.appeal": Help(
        Reader.READER,
        _l("An appeal to decide"),
        _l(
            "All sheets side by side, after your own blind reading. The learner reads your "
            "reason. The result follows from the readings; you do not type it."
        ),
    ),
    "answers.siblings": Help(
        Reader.READER,
        _l("What else this reader gave"),
        _l(
            "A reading was struck for a fault. These are the reader's other sheets: look "
            "whether the same fault is there."
        ),
    ),
    "answers.question": Help(
        Reader.READER,
        _l("A question to answer"),
        _l(
            "A learner asks what you meant. Answer in words; the score cannot change, and "
            "they do not learn who you are."
        ),
    ),
    "answers.item_report": Help(
        Reader.READER,
        _l("Report a suspicion"),
        _l(
            "Say what you saw and where. Two others look into it; you grade the project for"
            " what it is."
        ),
    ),
    "answers.review_report": Help(
        Reader.READER,
        _l("Report a suspicion in a review"),
        _l(
            "Say what you saw and where. Two others look into it; you review the project "
            "for what it is."
        ),
    ),
    "calibration.examples": Help(
        Reader.STAFF,
        _l("Examples"),
        _l(
            "Projects that two leads marked blind and agreed on. Graders practise on them, are "
            "cleared by them, and meet them again as check items."
        ),
    ),
    "calibration.example": Help(
        Reader.STAFF,
        _l("An example"),
        _l(
            "Give your own levels and reasons first. The other lead's appear when both are in; "
            "then the two of you write down what you agree on."
        ),
    ),
    "calibration.standings": Help(
        Reader.STAFF,
        _l("Standings"),
        _l("Who is cleared for which criterion, and until when."),
    ),
    "monitoring.overview": Help(
        Reader.STAFF,
        _l("Graders"),
        _l(
            "One row a grader, by name: sheets, standard with its interval, check items, alarms "
            "and pauses. Below ten sheets nothing is said. Under it, single levels that stand out."
        ),
    ),
    "monitoring.grader": Help(
        Reader.STAFF,
        _l("A grader"),
        _l(
            "Whether a standard moves, how it differs, and what you can do: answer an alarm, "
            "pause the queue, set ratings aside."
        ),
    ),
    "monitoring.set_aside": Help(
        Reader.STAFF,
        _l("Set ratings aside"),
        _l("What it touches is shown before anything happens. It can be lifted again."),
    ),
    "monitoring.aside": Help(
        Reader.STAFF,
        _l("What is set aside"),
        _l(
            "Every rating that does not count at present, and the released results that rest on "
            "one."
        ),
    ),
    "routing.board": Help(
        Reader.STAFF,
        _l("Further readings"),
        _l(
            "How sure each decision is, where one more professional reading buys most, and what "
            "more readings would buy."
        ),
    ),
    "training.grader_overview": Help(
        Reader.READER,
        _l("Calibration"),
        _l(
            "Practise on examples with the leads' levels beside yours, then qualify. You grade "
            "when"
            "you are cleared on every criterion."
        ),
    ),
    "training.grader_result": Help(
        Reader.READER,
        _l("How a try went"),
        _l("How near you came to the leads on each criterion, and on which side you differ."),
    ),
    "training.peer_overview": Help(
        Reader.LEARNER,
        _l("Practise reviewing"),
        _l(
            "Read examples that two leads agreed on, and see their levels and reasons beside yours."
        ),
    ),
    "training.peer_result": Help(
        Reader.LEARNER,
        _l("How practice went"),
        _l("How near you came to the leads on each criterion. It changes nothing of your result."),
    ),
    "training.consistency": Help(
        Reader.READER,
        _l("My consistency"),
        _l(
            "How your levels compare with what projects were expected to get without your "
            "reading. Only you and the leads see it."
        ),
    ),
    "instructor.home": Help(
        Reader.STAFF,
        _l("Cohorts"),
        _l("The cohorts you teach or look after, the newest first."),
    ),
    "instructor.cohort": Help(
        Reader.STAFF,
        _l("A cohort"),
        _l(
            "Where every project stands, and what is stuck. Projects go by code; scores "
            "stay hidden from whoever may still have to read."
        ),
    ),
    "instructor.submission": Help(
        Reader.STAFF,
        _l("A project"),
        _l(
            "Who reads it, in which state. If you show the scores, you cannot be asked to "
            "read it any more."
        ),
    ),
    "statistics.agreement": Help(
        Reader.STAFF,
        _l("Agreement"),
        _l(
            "How far readers of the same project agree, corrected for chance: by criterion, "
            "pair by"
            "pair, and peers against graders. With few projects nothing is shown, because it "
            "would"
            "mean little."
        ),
    ),
    "statistics.severity": Help(
        Reader.STAFF,
        _l("Severity"),
        _l(
            "Which graders are stricter than others, as far as shared projects tell, how many "
            "readings"
            "make a score reliable, and how often passing or not passing is right."
        ),
    ),
    "instructor.disputed": Help(
        Reader.STAFF,
        _l("Disputed grades"),
        _l(
            "Scores too far apart before release, appeals and questions after it. Take one "
            "to read it yourself, blind."
        ),
    ),
    "instructor.case": Help(
        Reader.STAFF,
        _l("A case"),
        _l(
            "What is apart, and how it was settled. As long as you could still settle it "
            "you see no scores."
        ),
    ),
    "instructor.release": Help(
        Reader.STAFF,
        _l("Release"),
        _l(
            "Who is ready, who is not and why. A release needs its signatures and can be "
            "stopped until its delay has ended; only then are learners told."
        ),
    ),
    "approving.page": Help(
        Reader.STAFF,
        _l("Sign what you decide"),
        _l(
            "The exact list that goes out, is replaced or is revoked under your name. Signing it shows "
            "that it is you. If a line changes before you sign, nothing is done and the page says which."
        ),
    ),
    "instructor.audit": Help(
        Reader.STAFF,
        _l("Audit"),
        _l(
            "Every change of state and every decision, each entry bound to the one before, "
            "so that none can be altered unseen."
        ),
    ),
    "funnel.cohort": Help(
        Reader.OFFICE,
        _l("Funnel of a cohort"),
        _l(
            "How many learners came how far, and where most stopped. Where few people are "
            "behind a number it is hidden."
        ),
    ),
    "funnel.program": Help(
        Reader.OFFICE,
        _l("Funnel of a program"),
        _l(
            "All cohorts together and each beside the others: where learners stop, and how "
            "long each step takes."
        ),
    ),
    "absence.away": Help(
        Reader.READER,
        _l("Your absence"),
        _l(
            "Say when you are away. What you have not begun by then goes to your cover, or to "
            "whoever is free, and comes back to you if nobody took it."
        ),
    ),
    "group.page": Help(
        Reader.LEARNER,
        _l("Your group"),
        _l(
            "Who works with you, who is invited, and how to join or leave. One project, one "
            "result, and each member’s own record of it."
        ),
    ),
    "group.object_to": Help(
        Reader.LEARNER,
        _l("Object to a submission"),
        _l(
            "A member handed in for all. If you do not stand by it, say so here before the time "
            "is over; nobody reads it until then."
        ),
    ),
    "groups.page": Help(
        Reader.OFFICE,
        _l("Groups"),
        _l(
            "Who works with whom, and objections that wait for a decision. Whoever grades never "
            "learns that a project is a group’s."
        ),
    ),
    "points.page": Help(
        Reader.STAFF,
        _l("Points of one member"),
        _l(
            "More or fewer points for one member of a group than for the others, with a reason "
            "that the member reads. Scores stay as they were given."
        ),
    ),
    "instructor.struck": Help(
        Reader.STAFF,
        _l("A struck reading"),
        _l(
            "Other projects that the same reader gave levels on the same criteria. Look at "
            "them: what was wrong once can be wrong again."
        ),
    ),
    "misconduct.cases": Help(
        Reader.STAFF,
        _l("Suspicions"),
        _l(
            "Every suspicion about a project of the cohort. The learner is heard, two people "
            "decide, and nothing happens by itself."
        ),
    ),
    "misconduct.case": Help(
        Reader.STAFF,
        _l("A suspicion"),
        _l(
            "What was seen and by whom, what the learner says, and the decision of two. "
            "Readings stay; a result is held back or a record revoked only if both agree."
        ),
    ),
    "misconduct.suspect": Help(
        Reader.STAFF,
        _l("Report a suspicion"),
        _l(
            "Say what you saw and where it comes from. Whoever reports or gives evidence does "
            "not decide."
        ),
    ),
    "identity.queue": Help(
        Reader.STAFF,
        _l("Identity checks"),
        _l(
            "Learners whose identity nobody has checked yet. Their credential says how it was known "
            "whose work it is; without a check it says that they attest it themselves."
        ),
    ),
    "identity.person": Help(
        Reader.STAFF,
        _l("An identity check"),
        _l(
            "Look at a document of the learner and note its name and kind. No copy of it is kept, "
            "and nobody checks their own."
        ),
    ),
    "coordinator.overview": Help(
        Reader.OFFICE,
        _l("Extensions and adjustments"),
        _l("Who was given more time, and until when. Nobody who scores sees any of it."),
    ),
    "coordinator.learner": Help(
        Reader.OFFICE,
        _l("More time for a learner"),
        _l(
            "Give days, or a share of the time to submit. Every date that moves is shown before "
            "you confirm it."
        ),
    ),
    "coordinator.absences": Help(
        Reader.OFFICE,
        _l("Absences"),
        _l(
            "Which graders are away and who covers for them. What they have not begun is passed on."
        ),
    ),
    "admin.new_sponsor": Help(
        Reader.OFFICE,
        _l("New sponsor"),
        _l(
            "A college, university or other organization that offers programs and stands behind "
            "their credentials."
        ),
    ),
    "admin.sponsor": Help(
        Reader.OFFICE,
        _l("A sponsor"),
        _l(
            "Its name on credentials, who signs them, its logo, and the people of its program "
            "office. They see no other sponsor’s programs."
        ),
    ),
    "admin.about": Help(
        Reader.OFFICE,
        _l("About a program"),
        _l(
            "Whether a credential asks for an entitlement, what a retake costs, and who "
            "approves professional-development hours."
        ),
    ),
    "admin.courses": Help(
        Reader.OFFICE,
        _l("Courses"),
        _l(
            "The courses of a program, what else counts as one, and how long a completion opens "
            "the capstone."
        ),
    ),
    "admin.brief_version": Help(
        Reader.OFFICE,
        _l("A version of the brief"),
        _l(
            "The task as learners of some cohort read it. A version never changes; a new one "
            "can be written."
        ),
    ),
    "admin.add_rubric": Help(
        Reader.OFFICE,
        _l("New rubric"),
        _l(
            "Upload a rubric file. Every fault is named at once, and you see what raters will "
            "see before anything counts."
        ),
    ),
    "admin.entitlements_list": Help(
        Reader.OFFICE,
        _l("Entitlements"),
        _l(
            "Who paid, was waived or is sponsored, for each course and the capstone. Those who "
            "score never see it."
        ),
    ),
    "admin.entitlement": Help(
        Reader.OFFICE,
        _l("An entitlement"),
        _l(
            "Change one learner’s entitlement, with a note. After a credential was issued a "
            "refund says what happens to it."
        ),
    ),
    "admin.import_to_program": Help(
        Reader.OFFICE,
        _l("Import completions or entitlements"),
        _l(
            "Paste or upload a table. You see what would change and every faulty row; nothing "
            "changes before you confirm, and it can be undone."
        ),
    ),
    "admin.import_to_cohort": Help(
        Reader.OFFICE,
        _l("Import people or conflicts"),
        _l(
            "Paste or upload a table. You see what would change and every faulty row; nothing "
            "changes before you confirm, and it can be undone."
        ),
    ),
    "admin.program_batch": Help(
        Reader.OFFICE,
        _l("An import to a program"),
        _l("What one import made. Undo takes back what nobody has used since, and names the rest."),
    ),
    "admin.cohort_batch": Help(
        Reader.OFFICE,
        _l("An import to a cohort"),
        _l("What one import made. Undo takes back what nobody has used since, and names the rest."),
    ),
    "admin.settings": Help(
        Reader.OFFICE,
        _l("Name, rubric and brief"),
        _l(
            "What a cohort is called, the rubric its projects are graded by, and the task its "
            "learners read. Fixed once it opens."
        ),
    ),
    "admin.calendar": Help(
        Reader.OFFICE,
        _l("Calendar"),
        _l(
            "Every date of the cohort, in its own time zone. Dates that contradict each other "
            "are named together."
        ),
    ),
    "admin.members": Help(
        Reader.OFFICE,
        _l("People"),
        _l(
            "Who has which part in the cohort. Invite, add and end parts here; what people did "
            "stays on record."
        ),
    ),
    "admin.end_member": Help(
        Reader.OFFICE,
        _l("End a part"),
        _l("What somebody still holds goes to others. What they finished counts."),
    ),
    "admin.conflicts": Help(
        Reader.OFFICE,
        _l("Conflicts of interest"),
        _l(
            "Which rater and which learner must not meet, and why. Allocation, claims and "
            "appeals keep to it."
        ),
    ),
    "admin.open_cohort": Help(
        Reader.OFFICE,
        _l("Open the cohort"),
        _l(
            "The staffing check says what will be impossible with these people. Opening freezes "
            "the plan."
        ),
    ),
    "admin.end_cohort": Help(
        Reader.OFFICE,
        _l("End the cohort"),
        _l(
            "What is unfinished, and what stands in the way. An ended cohort stays readable and "
            "cannot be opened again."
        ),
    ),
    "admin.accounts": Help(
        Reader.OFFICE,
        _l("Accounts"),
        _l("Everybody with an account. Find, invite, and see who can sign in."),
    ),
    "admin.account": Help(
        Reader.OFFICE,
        _l("An account"),
        _l("Deactivate it, send a way to a new password, or make somebody an administrator."),
    ),
    "admin.jobs": Help(
        Reader.OFFICE,
        _l("Jobs"),
        _l(
            "Work that runs behind the pages: waiting, running with its progress, done, and "
            "failed with the reason. What failed can be tried again."
        ),
    ),
    "admin.home": Help(
        Reader.OFFICE,
        _l("Programs"),
        _l("Every program with its sponsor. A cohort is made on its program's page."),
    ),
    "admin.new_program": Help(
        Reader.OFFICE,
        _l("New program"),
        _l("A sponsor, the courses in order and the capstone that ties them together."),
    ),
    "admin.program": Help(
        Reader.OFFICE,
        _l("A program"),
        _l(
            "Its courses, brief, rubrics and cohorts. Completions are imported here; a "
            "faulty file changes nothing."
        ),
    ),
    "admin.brief": Help(
        Reader.OFFICE,
        _l("The brief"),
        _l(
            "The task as learners read it. A change is a new version; cohorts keep the one "
            "they began with."
        ),
    ),
    "admin.rubric": Help(
        Reader.OFFICE,
        _l("A rubric version"),
        _l(
            "Exactly what graders and learners will read. Once published it never changes, "
            "and its digest stands on every result."
        ),
    ),
    "admin.new_cohort": Help(
        Reader.OFFICE,
        _l("New cohort"),
        _l("One run of the capstone. The opening day and the plan give all other dates."),
    ),
    "admin.cohort": Help(
        Reader.OFFICE,
        _l("Setting up a cohort"),
        _l(
            "Its people, conflicts of interest, calendar and state. Once it is open the "
            "plan is frozen."
        ),
    ),
    "admin.plan": Help(
        Reader.OFFICE,
        _l("The grading plan"),
        _l(
            "Every choice of how grades come about, with the reason beside it. It can be "
            "changed until the cohort opens."
        ),
    ),
    "public.verify": Help(
        Reader.EMPLOYER,
        _l("Check a credential"),
        _l(
            "Paste the ID or link you were given. You need no account, and we keep nothing "
            "of who asks."
        ),
    ),
    "privacy.overview": Help(
        Reader.EVERYBODY,
        _l("Your data"),
        _l(
            "Everything we have of you in one file, the log of who was given something of "
            "yours, and how to ask to be erased, which cannot be undone."
        ),
    ),
    "privacy.log": Help(
        Reader.EVERYBODY,
        _l("Log of disclosures"),
        _l(
            "What of yours was given to whom, on what ground and when. Looks at an address "
            "you shared are counted by day; who looked is not known to us."
        ),
    ),
    "partners.page": Help(
        Reader.LEARNER,
        _l("Send your record"),
        _l(
            "The partners your sponsor works with, and what became of what you sent. We send "
            "once; what fails waits for you."
        ),
    ),
    "partners.offer": Help(
        Reader.LEARNER,
        _l("Send to a partner"),
        _l(
            "Exactly what would be sent. A consent is for this partner and this version; a "
            "newer version asks you again."
        ),
    ),
    "admin.erasures": Help(
        Reader.OFFICE,
        _l("Requests to be erased"),
        _l("Who asked, and by when they have an answer. The most urgent stands first."),
    ),
    "admin.account_privacy": Help(
        Reader.OFFICE,
        _l("A person's data"),
        _l(
            "Make an export on somebody's request, and see what erasing them would do before "
            "you take the first of two steps."
        ),
    ),
    "admin.erase": Help(
        Reader.OFFICE,
        _l("Erase somebody"),
        _l("The second step. It asks for the person's address, and nobody can undo it."),
    ),
    "admin.periods": Help(
        Reader.OFFICE,
        _l("What is kept, and until when"),
        _l(
            "The periods of each cohort that has ended, from its plan, and how much would go. "
            "Looking changes nothing; a daily round takes away what is over."
        ),
    ),
    "admin.sponsor_partners": Help(
        Reader.OFFICE,
        _l("A sponsor's partners"),
        _l(
            "To whom learners can have their credentials sent. Nothing goes there without a "
            "learner's consent to exactly what stands here."
        ),
    ),
    "public.verify_many": Help(
        Reader.EMPLOYER,
        _l("Check many credentials"),
        _l(
            "Paste a list; the status comes first in every row. There is a limit an hour, "
            "so that the page stays quick for everybody."
        ),
    ),
    "issued.credential": Help(
        Reader.EMPLOYER,
        _l("A single credential"),
        _l(
            "One course, the capstone or the program alone, as its owner published it. The page shows "
            "nothing but what was signed; programs get the signed file at the same address."
        ),
    ),
    "public.record": Help(
        Reader.EMPLOYER,
        _l("A credential"),
        _l(
            "Whether it stands, what it was given for, who judged the work and how to read "
            "the level. Only what the owner chose is shown."
        ),
    ),
}

# These answer with a file, with JSON, or by leading on; there is no page to explain.
WITHOUT = frozenset(
    {
        "credentials.certificate",
        "credentials.document",
        "credentials.table",
        "credentials.token",
        "issued.achievement",
        "issued.did_document",
        "issued.document",
        "issued.jwks",
        "issued.status_list",
        "issued.token",
        "public.logo",
        "privacy.download",
        "privacy.log_csv",
        "admin.export_file",
        "openid.begin",
        "openid.back",
        "calibration.file",
        "funnel.cohort_csv",
        "funnel.program_csv",
        "statistics.agreement_csv",
        "statistics.severity_csv",
        "learner.own_file",
        "learner.record",
        "monitoring.sheets",
        "public.health",
        "rater.item_file",
        "rater.review_file",
        "learner.result_csv",
        "records.as_csv",
        "records.as_json",
    }
)


def of_page() -> Help | None:
    """Give the help of the page that is being shown."""
    return PAGES.get(request.endpoint or "")


def by_reader() -> list[tuple[Any, list[Help]]]:
    """List every page's help by who reads it."""
    return [
        (label, [page for page in PAGES.values() if page.reader is reader])
        for reader, label in READERS.items()
    ]


def register(app: Flask) -> None:
    """Let every page say what it is."""
    app.jinja_env.globals["help_of_page"] = of_page
