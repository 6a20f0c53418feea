"""Keeping names out of what somebody who must not know them will read."""

import re

from grading.errors import Fault
from grading.models import Person

_ADDRESS = re.compile(r"[^@\s<>(),;:\"]+@[^@\s<>(),;:\"]+\.[a-z]{2,}", re.IGNORECASE)
_SHORTEST = 3


def naming_faults(where: str, text: str, *people: Person) -> list[Fault]:
    """Say where a text names one of the people, or gives any e-mail address."""
    faults = [
        Fault(where, "Leave out the address “%(found)s”: it says who you are.", {"found": found})
        for found in dict.fromkeys(_ADDRESS.findall(text))
    ]
    for person in people:
        for part in dict.fromkeys(re.findall(r"\w+", person.name)):
            if len(part) >= _SHORTEST and re.search(rf"\b{re.escape(part)}\b", text, re.IGNORECASE):
                faults.append(
                    Fault(
                        where,
                        "Leave out “%(found)s”: it says who you are, and your reader must not know.",
                        {"found": part},
                    )
                )
    return faults
