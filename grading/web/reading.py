"""How a reader from outside is told what a released level means."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from grading.db import db
from grading.measurement.scoring.combining import NoRange, why_no_range
from grading.measurement.scoring.scale import graded
from grading.records import showing, verifying
from grading.records.sharing import SharedAddress
from grading.records.showing import ShownRecord
from grading.releases.results import NOT_PASSED
from grading.web import access
from grading.web.rendering import said


def shown_records(
    addresses: Iterable[SharedAddress], *, whole: bool = True
) -> dict[str, ShownRecord]:
    """Check what stands at some addresses, and give what may be shown of it, by public id.

    Parameters
    ----------
    whole : bool
        False leaves out the proofs over the documents, which the tokens say again; for lists.
    """
    addresses = list(addresses)
    installation = access.installation()
    verdicts = verifying.check_all(
        db.session(),
        [address.record for address in addresses],
        notary=installation.notary,
        base_url=installation.settings.base_url,
        now=access.now(),
        whole=whole,
    )
    return {
        address.public_id: showing.show(address, verdicts[address.record.id])
        for address in addresses
    }


def likely_range(value: float, standard_error: float | None) -> tuple[float, float] | None:
    """Give the range another panel's score would most likely lie in; None where no error is known."""
    if not standard_error:
        return None
    reach = 1.96 * standard_error
    return max(value - reach, 0.0), min(value + reach, 100.0)


def no_range_words(detail: Mapping[str, Any]) -> str:
    """Say why a result has no likely range, by its detail or evidence; empty where it has one."""
    reason = why_no_range(
        detail["standard_error"],
        professionals=detail["raters"]["professional"],
        method=detail["method"],
    )
    match reason:
        case None:
            return ""
        case NoRange.PEERS_ONLY:
            return _("It rests on peers alone, so that no likely range can be given.")
        case NoRange.ONE_READING:
            return _("It rests on one reading, so that no likely range can be given.")
        case NoRange.ALIKE:
            return _(
                "The readings agree on every criterion, which so few do by chance too, so that no likely "
                "range can be given."
            )
        case NoRange.MEDIAN:
            return _("It is the median of the readings, for which no likely range is known.")
        case NoRange.UNKNOWN_ERROR:
            return _(
                "Too few projects were read twice to tell how far graders differ, so that no likely range "
                "can be given."
            )


def likely_words(
    value: float, evidence: Mapping[str, Any], scale: Sequence[tuple[float, str]]
) -> str:
    """Say in words about the levels of a scale how sure a score is; empty where no scale is known."""
    likely = likely_range(value, evidence["standard_error"])
    if likely is None:
        return no_range_words(evidence)
    if not scale:
        return ""
    low, high = (graded(end, scale).band or NOT_PASSED for end in likely)
    if low == high:
        return _("Read again by others, the work would most likely reach the same level.")
    return _(
        "Read again by others, the work would most likely reach a level between “%(low)s” and “%(high)s”.",
        low=said(low),
        high=said(high),
    )


def who_judged(detail: Mapping[str, Any]) -> str:
    """Say how many of which kind the result rests on, by its detail or evidence."""
    n_professional, n_peer = detail["raters"]["professional"], detail["raters"]["peer"]
    peers = ngettext("%(num)s peer reading", "%(num)s peer readings", n_peer)
    if not n_professional:
        return _("%(peers)s; no professional read it", peers=peers)
    professionals = ngettext(
        "%(num)s professional reading", "%(num)s professional readings", n_professional
    )
    if n_peer:
        return _(
            "%(professionals)s and %(peers)s, each made alone",
            professionals=professionals,
            peers=peers,
        )
    if n_professional > 1:
        return _("%(professionals)s, each made alone", professionals=professionals)
    return professionals
