"""How privacy’s words read on pages, by enum or by the word itself."""

from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _l

from grading.workflow.privacy import (
    Disclosed,
    ErasureState,
    ExportState,
    Ground,
    Kept,
    PartnerGets,
    PartnerKind,
    SendingState,
)

DISCLOSED: dict[str, Any] = {
    Disclosed.RECORD_PAGE: _l("Your record’s page was opened"),
    Disclosed.CREDENTIAL_FILE: _l("A signed file was fetched"),
    Disclosed.CREDENTIALS: _l("Signed credentials were given"),
    Disclosed.EXPORT: _l("All data about you was exported"),
    Disclosed.TRANSCRIPT: _l("Your transcript was read"),
}
GROUNDS: dict[str, Any] = {
    Ground.CONSENT: _l("You consented"),
    Ground.REQUEST: _l("At your request"),
    Ground.CONTRACT: _l("Needed to run the program"),
    Ground.LAW: _l("The law demands it"),
}
EXPORT_TAGS: dict[str, tuple[Any, str]] = {
    ExportState.WAITING: (_l("Being made"), "info"),
    ExportState.READY: (_l("Ready"), "ok"),
    ExportState.EXPIRED: (_l("Its time is over"), "grey"),
}
ERASURE_TAGS: dict[str, tuple[Any, str]] = {
    ErasureState.ASKED: (_l("Asked for"), "warn"),
    ErasureState.PREPARED: (_l("First step taken"), "warn"),
    ErasureState.DONE: (_l("Erased"), "grey"),
    ErasureState.REFUSED: (_l("Refused"), "danger"),
    ErasureState.WITHDRAWN: (_l("Withdrawn"), "grey"),
}
SENDING_TAGS: dict[str, tuple[Any, str]] = {
    SendingState.WAITING: (_l("Waits to be sent"), "info"),
    SendingState.SENDING: (_l("Being sent"), "info"),
    SendingState.SENT: (_l("Sent"), "ok"),
    SendingState.FAILED: (_l("Not accepted, or not reached"), "danger"),
    SendingState.UNKNOWN: (_l("May have arrived"), "warn"),
    SendingState.CANCELLED: (_l("Not sent"), "grey"),
}
GETS: dict[str, Any] = {
    PartnerGets.PROGRAM: _l("The program’s credential, with all its parts"),
    PartnerGets.CAPSTONE: _l("The capstone’s credential"),
    PartnerGets.ALL: _l("Every signed credential of the program"),
}
PARTNER_KINDS: dict[str, Any] = {
    PartnerKind.HTTPS: _l("Web address (https)"),
    PartnerKind.MAIL: _l("E-mail address"),
}
KEPT: dict[str, Any] = {
    Kept.WORKS: _l("Projects and files"),
    Kept.WORDS: _l("Comments on score sheets"),
    Kept.MAILS: _l("List of mails"),
    Kept.IDENTITY: _l("Names on identity checks"),
}
GOING: dict[str, tuple[Any, Any]] = {
    "account": (
        _l("Account"),
        _l("Name, address, password and sign-ins; a pseudonym takes their place."),
    ),
    "works": (_l("Projects"), _l("Title, text and links of every copy.")),
    "files": (_l("Files"), _l("They are deleted from the store after the last step.")),
    "peer_words": (_l("Comments as a peer"), _l("The words of peer reviews; the levels stay.")),
    "own_words": (
        _l("What they wrote to us"),
        _l("Appeals, questions, objections, notes; and the answers."),
    ),
    "misconduct": (_l("Suspicions"), _l("Their answers, and all of a case that was dismissed.")),
    "words_about": (
        _l("Reasons about them"),
        _l("Of extensions, conflicts of interest, pauses and the like."),
    ),
    "identity": (_l("Identity checks"), _l("The verified name; that there was a check stays.")),
    "sharing": (_l("Sharing"), _l("Links, their labels and notes; every address leads nowhere.")),
    "credentials": (
        _l("Signed credentials"),
        _l("Revoked; the files, and all that links them to a person, go."),
    ),
    "exports": (_l("Exports"), _l("Files that were made for them.")),
    "mails": (_l("Mails"), _l("The list of mails, and copies that are kept here.")),
}
STAYING: dict[str, tuple[Any, Any]] = {
    "grades": (
        _l("Results"),
        _l("Under the pseudonym: statistics, and the audit of others’ results, rest on them."),
    ),
    "sheets": (
        _l("Score sheets"),
        _l(
            "Others’ results rest on them. What a professional grader wrote is the grounds of "
            "somebody else’s result, so it stays with it."
        ),
    ),
    "levels": (_l("Levels given"), _l("Others’ results recompute from them.")),
    "group_works": (
        _l("Projects of a group"),
        _l("They are the other members' too; they go with the last of them."),
    ),
    "status": (
        _l("Entries in the status list"),
        _l("So that a copy elsewhere shows as revoked."),
    ),
    "disclosures": (
        _l("Log of disclosures"),
        _l("Shows to whom something was given; without notes."),
    ),
}


def register(app: Flask) -> None:
    """Let templates say these words."""
    app.jinja_env.globals["privacy_words"] = {
        "disclosed": DISCLOSED,
        "grounds": GROUNDS,
        "export_tags": EXPORT_TAGS,
        "erasure_tags": ERASURE_TAGS,
        "sending_tags": SENDING_TAGS,
        "gets": GETS,
        "partner_kinds": PARTNER_KINDS,
        "kept": KEPT,
        "going": GOING,
        "staying": STAYING,
    }
