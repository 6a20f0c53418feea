"""The demo's projects: written from fragments around a table of bicycle counts that is made up here.

What a project says follows from the levels it was drawn to have, so that reading it and rating it make
sense together.
"""

import numpy as np

STREETS = (
    "Canal Street",
    "Mill Bridge",
    "Station Road",
    "Harbour Quay",
    "Orchard Lane",
    "Tower Hill",
)

FRAGMENTS: dict[str, tuple[str, str, str, str, str]] = {
    "question": (
        "These are the bicycle counts of {street}.",
        "This project is about cycling in our town.",
        "Do more people cycle across {street} on working days than at weekends?",
        "The council must decide whether to clear {street} of snow. Do at least 400 people cycle there "
        "on a winter working day?",
        "The council must decide whether to clear {street} of snow. Do at least 400 people cycle there "
        "on a winter working day? Fewer than 400 would end the plan; 400 or more would not by itself "
        "start it.",
    ),
    "measurement": (
        "The table shows the numbers.",
        "The counts come from the town's counter.",
        "The counter on {street} counts wheels crossing a loop, hour by hour, from January to June; two "
        "wheels make one bicycle.",
        "The loop on {street} counts hourly from January to June. It misses riders on the pavement, and "
        "a delivery trike counts as one and a half.",
        "The loop on {street} counts hourly from January to June. It misses riders on the pavement: on "
        "three mornings we stood there and saw {missed} in 100 pass beside it, so the true numbers are "
        "higher, never lower.",
    ),
    "preparation": (
        "We used the data.",
        "We removed days that looked wrong.",
        "We removed days with a zero between 8 and 9 in the morning, then summed hours to days.",
        "We removed the {removed} days with a zero between 8 and 9 in the morning, because the loop was "
        "out of order on them, and summed hours to days; the script gives the same table each time.",
        "We removed the {removed} days on which the loop was out of order. Keeping them instead lowers "
        "the mean by {shift} and changes no conclusion.",
    ),
    "analysis": (
        "| day | count |\n|---|---|\n| Monday | {mean} |\n| Saturday | {weekend} |",
        "A neural network reached an accuracy of 93 %.",
        "On average $\\bar{{x}} = {mean}$ bicycles passed on working days and {weekend} at weekends.",
        "On average $\\bar{{x}} = {mean}$ bicycles passed on working days, 95 % interval "
        "[{low}, {high}]. Holidays could explain a part; without them the mean is {mean_plus}.",
        "On average $\\bar{{x}} = {mean}$ bicycles passed on working days, 95 % interval "
        "[{low}, {high}], with days resampled by weeks because neighbours are alike "
        "($r_1 = 0.6$). A second counter that reads below {low} would overturn this.",
    ),
    "communication": (
        "More research is needed.",
        "As can be seen in several places, the numbers differ.",
        "So more people cycle on working days.",
        "**Yes: about {mean} people cycle there on a working day, give or take 25.** The figure shows "
        "each day as a dot.",
        "**Yes: about {mean} people cycle there on a working day, give or take 25.** Clear the bridge "
        "by 7 in the morning. Do not conclude that more would come if it were clear: count next winter.",
    ),
}
TITLES = {
    "question": "What is asked",
    "measurement": "What was counted",
    "preparation": "How the data were prepared",
    "analysis": "What the numbers say",
    "communication": "The answer",
}


def write(levels: dict[str, int], rng: np.random.Generator) -> tuple[str, str]:
    """Write a project that shows the levels: its title and its text in Markdown."""
    street = STREETS[rng.integers(len(STREETS))]
    mean = int(rng.integers(380, 640))
    values = {
        "street": street,
        "mean": mean,
        "mean_plus": mean + int(rng.integers(3, 15)),
        "weekend": int(mean * rng.uniform(0.4, 0.8)),
        "low": mean - 25,
        "high": mean + 25,
        "missed": int(rng.integers(4, 12)),
        "removed": int(rng.integers(3, 14)),
        "shift": int(rng.integers(4, 20)),
    }
    parts = [
        f"## {TITLES[code]}\n\n{fragments[levels[code]].format(**values)}"
        for code, fragments in FRAGMENTS.items()
    ]
    return f"Bicycles on {street}", "\n\n".join(parts)
