"""Privacy: the lives of an export, an erasure and a sending, and the words of the log and the periods."""

from enum import StrEnum

from grading.workflow.machine import Machine


class ExportState(StrEnum):
    """``waiting`` for the worker; ``ready`` until its time is over, then ``expired``."""

    WAITING = "waiting"
    READY = "ready"
    EXPIRED = "expired"


class ErasureState(StrEnum):
    """``asked`` by the person; ``prepared`` by an administrator who saw what goes and what stays."""

    ASKED = "asked"
    PREPARED = "prepared"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class SendingState(StrEnum):
    """``unknown``: we stopped in the middle, so nobody here can say whether it arrived."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class Ground(StrEnum):
    """Why something of a person may be given to somebody else."""

    CONSENT = "consent"
    REQUEST = "request"
    CONTRACT = "contract"
    LAW = "law"


class Disclosed(StrEnum):
    """What was given away."""

    RECORD_PAGE = "record_page"
    CREDENTIAL_FILE = "credential_file"
    CREDENTIALS = "credentials"
    EXPORT = "export"
    TRANSCRIPT = "transcript"


class PartnerKind(StrEnum):
    HTTPS = "https"
    MAIL = "mail"


class PartnerGets(StrEnum):
    """Which of the signed credentials a partner is sent."""

    PROGRAM = "program"
    CAPSTONE = "capstone"
    ALL = "all"


class Kept(StrEnum):
    """What is kept for a period after the end of a cohort."""

    WORKS = "works"
    WORDS = "words"
    MAILS = "mails"
    IDENTITY = "identity"


EXPORT_MACHINE = Machine(
    "export",
    ExportState,
    {
        (ExportState.WAITING, "make"): ExportState.READY,
        (ExportState.READY, "expire"): ExportState.EXPIRED,
        (ExportState.WAITING, "expire"): ExportState.EXPIRED,
    },
)
E = ErasureState
ERASURE_MACHINE = Machine(
    "erasure",
    ErasureState,
    {
        (E.ASKED, "prepare"): E.PREPARED,
        (E.PREPARED, "confirm"): E.DONE,
        (E.ASKED, "refuse"): E.REFUSED,
        (E.PREPARED, "refuse"): E.REFUSED,
        (E.ASKED, "withdraw"): E.WITHDRAWN,
        (E.PREPARED, "withdraw"): E.WITHDRAWN,
    },
)
# A request in one of these waits for an administrator.
ERASURE_PENDING = (E.ASKED, E.PREPARED)
# Within a month of the request, and the month is not spent to the last day.
ERASURE_DAYS = 28

S = SendingState
SENDING_MACHINE = Machine(
    "sending",
    SendingState,
    {
        (S.WAITING, "begin"): S.SENDING,
        (S.WAITING, "cancel"): S.CANCELLED,
        (S.SENDING, "arrive"): S.SENT,
        (S.SENDING, "fail"): S.FAILED,
        (S.SENDING, "lose"): S.UNKNOWN,
    },
)
# Nobody can say yet, or any more, that it did not arrive.
SENDING_UNDECIDED = (S.WAITING, S.SENDING)
