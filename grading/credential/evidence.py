"""What a grade rests on, bound to its credential by a digest that shows nothing it does not name.

The evidence itself stays here. The credential carries its digest, salted, so that whoever is later shown
the evidence can see that it is the one that was meant, and nobody can guess their way to it.
"""

import hashlib
import math
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from grading.credential.issuer import canonical


@dataclass(frozen=True)
class GradeEvidence:
    """Everything a grade can be computed again from, by reference.

    Attributes
    ----------
    salt : str
        Random; another one for each credential.
    submission : str
        SHA-256 of the copy that was read.
    statement : int or None
        Version of the honour statement that stands with that copy.
    rubric, plan : dict
        ``{"name" or "preset", "version", "digest"}``.
    method : str
        Name and version of the computation.
    raters : dict
        Number of readings that count, by kind.
    ratings : tuple of int
        Ids of the ratings.
    composite : float
        Of 100, unrounded.
    standard_error : float or None
        In points of 100; None where it is undefined.
    decision : float or None
        As `decision_probability` gives it.
    assurance : dict
        How it was known whose work it is: ``{"how", "check", "on"}``, the last two None where only the
        learner attests it.
    audit : dict
        ``{"chain", "through", "entries", "digest"}``: the entries about this grade up to a number of the
        chain, and the digest over their hashes.
    """

    salt: str
    submission: str
    statement: int | None
    rubric: Mapping[str, Any]
    plan: Mapping[str, Any]
    method: str
    raters: Mapping[str, int]
    ratings: tuple[int, ...]
    composite: float
    standard_error: float | None
    decision: float | None
    assurance: Mapping[str, Any]
    audit: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, as it is kept and hashed."""
        return asdict(self) | {"ratings": list(self.ratings)}


def digest(data: Mapping[str, Any]) -> str:
    """Give the SHA-256 of evidence in canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def chain_digest(hashes: Iterable[str]) -> str:
    """Give one SHA-256 over the hashes of audit entries, in their order, in hexadecimal."""
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def address(hexadecimal: str) -> str:
    """Give a digest as a URI of its own (RFC 6920), which names bytes without saying where they are."""
    text = urlsafe_b64encode(bytes.fromhex(hexadecimal)).rstrip(b"=").decode()
    return f"ni:///sha-256;{text}"


def decision_probability(
    composite: float, cut: float, standard_error: float | None, readings: int
) -> float | None:
    """Give the probability that the readings' mean lies on its side of the cut for good.

    Student's t with ``readings - 1`` degrees of freedom, because the standard error is estimated from
    those few readings: with two of them it says little, and so it should.

    Parameters
    ----------
    composite, cut, standard_error : float
        In points of 100.
    readings : int
        How many readings the standard error comes from.

    Returns
    -------
    float or None
        Between 0.5 and 1; None without a standard error, with fewer than two readings, or where all
        readings gave the same number.
    """
    if readings < 2 or not standard_error or not math.isfinite(standard_error):
        return None
    from scipy.special import stdtr

    return float(stdtr(readings - 1, abs(composite - cut) / standard_error))


def statement(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the credential says of its evidence: its digest, and what a reader may be told of it."""
    raters = data["raters"]
    error, decision = data["standard_error"], data["decision"]
    lines = [
        f"- Rubric: {data['rubric']['name']}, version {data['rubric']['version']}, "
        f"SHA-256 {data['rubric']['digest']}",
        f"- Grading plan: {data['plan']['preset']}, version {data['plan']['version']}, "
        f"SHA-256 {data['plan']['digest']}",
        f"- Method: {data['method']}",
        f"- Readings that count: {raters['professional']} professional, {raters['peer']} peer",
        "- Standard error: "
        + ("not enough readings" if error is None else f"{error:.1f} points of 100"),
        "- Probability of the decision: "
        + ("not enough readings" if decision is None else f"{decision:.2f}"),
        f"- Audit entries: {data['audit']['entries']}, SHA-256 {data['audit']['digest']}",
    ]
    return {
        "id": address(digest(data)),
        "type": ["Evidence"],
        "name": "Readings against a published rubric",
        "description": "The address is the SHA-256 of the evidence, which the issuer keeps.",
        "narrative": "\n".join(lines),
    }
