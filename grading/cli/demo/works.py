"""The demo's projects: a table of bicycle counts that is made up here, and what somebody wrote about it.

What a project says follows from the levels it was drawn to have. A low level says what the table beside it
contradicts (a wrong period, a mean that is not the table's, the wrong day of the week), so that reading a
project and rating it make sense together.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

STREETS = (
    "Canal Street",
    "Mill Bridge",
    "Station Road",
    "Harbour Quay",
    "Orchard Lane",
    "Tower Hill",
)
MONTHS = ("January", "February", "March", "April", "May", "June")
# How the year moves a street's counts, month by month.
_SEASON = np.array([0.78, 0.82, 0.95, 1.05, 1.17, 1.23])

TITLES = {
    "question": "What is asked",
    "measurement": "What was counted",
    "preparation": "How the data were prepared",
    "analysis": "What the numbers say",
    "communication": "The answer",
}
# By criterion and level, lowest first: three ways to say it.
FRAGMENTS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "question": (
        (
            "These are the bicycle counts of {street}.",
            "This project describes a table of counts from {street}.",
            "Bicycles were counted on {street}; the table gives the numbers.",
        ),
        (
            "This project is about cycling in our town.",
            "We look into why people like to cycle.",
            "The topic is cycling and the climate.",
        ),
        (
            "Do more people cycle on {street} on working days than at weekends?",
            "Is {street} used more on working days or at weekends?",
            "How do working days and weekends differ on {street}?",
        ),
        (
            "The council must decide whether to clear {street} of snow. Do at least {threshold} people "
            "cycle there on a working day, from January to June?",
            "The town engineer must choose between a lane and parking on {street}. Do {threshold} or more "
            "people cycle there on a working day in the first half of the year?",
            "The bus company asks whether bicycles slow its line on {street}. Do at least {threshold} "
            "pass on a working day between January and June?",
        ),
        (
            "The council must decide whether to clear {street} of snow. Do at least {threshold} people "
            "cycle there on a working day? Fewer than {threshold} would end the plan; more would not by "
            "themselves start it.",
            "The town engineer must choose between a lane and parking on {street}. At {threshold} or more "
            "bicycles on a working day the lane is built, below that it is not; what happens at weekends "
            "changes nothing.",
            "The bus company will move its line if at least {threshold} bicycles pass on {street} on a "
            "working day, and stay if fewer do. Peaks above the mean would not move it.",
        ),
    ),
    "measurement": (
        (
            "The table shows the numbers.",
            "Here are the data.",
            "We took the numbers as they are.",
        ),
        (
            "The counts come from the town's counter and cover the whole year, January to December.",
            "The counter on {street} gave these numbers: bicycles an hour.",
            "The town's counter was used. It counts {street} and the streets around it.",
        ),
        (
            "The counter on {street} counts wheels crossing a loop, hour by hour, from January to June; "
            "two wheels make one bicycle. The table gives the mean of a day.",
            "A loop in the surface of {street} counts bicycles from January to June. The table gives "
            "means a day, by month.",
            "Counts are of {street}, January to June, in bicycles a day, from the town's loop counter.",
        ),
        (
            "The loop on {street} counts from January to June. It misses riders on the pavement, and "
            "counts a delivery trike as one and a half, so winter days may be short of riders.",
            "Bicycles a day on {street}, January to June. The loop sees nothing while the lane is closed, "
            "and does not see who walks a bicycle: both matter, for we ask who uses the street.",
            "The loop gives bicycles a day from January to June. Two riders side by side can count as one, "
            "and riders on the pavement count as none; our question is of all of them.",
        ),
        (
            "The loop on {street} counts from January to June. It misses riders on the pavement: on three "
            "mornings we stood there and saw {missed} in 100 pass beside it, so the true numbers are "
            "higher, never lower. Trikes count as one and a half, which {trikes} trikes a day hardly move.",
            "Bicycles a day on {street}, January to June. We counted by hand for two hours: the loop gave "
            "{missed} % less, because riders pass side by side. The answer could be that much too low. It "
            "also saw nothing while the lane was closed.",
            "The loop gives bicycles a day, January to June. Delivery trikes count double; {trikes} a day "
            "raise the mean by as many, no more. Riders on the pavement are missed, {missed} in 100 by our "
            "own count, and lower it.",
        ),
    ),
    "preparation": (
        (
            "We used the data.",
            "The table was made from the counter's file.",
            "The data were prepared.",
        ),
        (
            "We removed days that looked wrong.",
            "Some rows were deleted, and the rest were averaged.",
            "Outliers were taken out until the chart looked right.",
        ),
        (
            "We removed the {removed} days with a zero between 8 and 9 in the morning, then summed hours "
            "to days and averaged days by month.",
            "Hours were summed to days. Days with a zero in the morning peak ({removed}) were left out. "
            "Days were averaged by month.",
            "First the {removed} days without counts between 8 and 9, then the sums of the hours, then the "
            "means of the months.",
        ),
        (
            "We removed the {removed} days with a zero between 8 and 9 in the morning, because the loop "
            "was out of order on them (the town's log says so), and summed hours to days; the script gives "
            "the same table each time.",
            "{removed} days are left out: the loop's log calls them faulty. No other row was touched. The "
            "same steps, run twice, give the same table.",
            "The loop was out of order on {removed} days, which the log names, so they are left out. Hours "
            "are summed to days and averaged by month; the script is attached and repeats it.",
        ),
        (
            "We removed the {removed} days on which the log calls the loop faulty. Keeping them instead "
            "lowers the mean of {mean} by {shift} and changes no conclusion.",
            "{removed} faulty days are left out, by the log. With them filled by the same weekday of the "
            "week before, the mean is {mean_filled} instead of {mean}: the answer stays.",
            "The log names {removed} faulty days; leaving them out gives {mean}, keeping them gives "
            "{mean_kept}. Both lie on the same side of {threshold}. The script repeats both.",
        ),
    ),
    "analysis": (
        (
            "The table has one row for each month.",
            "January has {january}, June has {june}.",
            "The largest number is {june}.",
        ),
        (
            "A neural network reached an accuracy of 93 %.",
            "The correlation between month and count is 0.9, so cycling causes summer.",
            "We extrapolate the rise from January to June: by December {december} people will cycle on "
            "{street}.",
        ),
        (
            "On average $\\bar{{x}} = {mean}$ bicycles passed on a working day and {weekend} at weekends.",
            "The mean of the working days is {mean}, that of the weekends {weekend}.",
            "Working days: {mean} bicycles. Weekends: {weekend}. The difference is {difference}.",
        ),
        (
            "On average $\\bar{{x}} = {mean}$ bicycles passed on a working day, 95 % interval "
            "[{low}, {high}]: if we counted such half-years again and again, 95 in 100 such intervals "
            "would hold the true mean. Holidays could explain a part; without them it is {mean_plus}.",
            "The mean of a working day is {mean}, with a standard error of {error}, so that [{low}, "
            "{high}] holds it with 95 % confidence. Rain was looked at as another reason: dry days alone "
            "have {mean_plus}.",
            "{mean} bicycles on a working day, 95 % interval [{low}, {high}]; {weekend} at weekends. Could "
            "a few very busy days make the difference? Without the ten busiest the mean is {mean_less}.",
        ),
        (
            "On average $\\bar{{x}} = {mean}$ bicycles passed on a working day, 95 % interval "
            "[{low}, {high}], with days resampled by weeks because neighbours are alike ($r_1 = 0.6$). "
            "Holidays do not explain it. A second counter that reads below {threshold} would overturn it.",
            "{mean} on a working day, [{low}, {high}] with 95 % confidence. The interval leans on days "
            "being alike within a month; we checked it month by month and it holds in each. A count below "
            "{threshold} in two months of next year would overturn the answer.",
            "The mean is {mean}, interval [{low}, {high}]; taking days as independent would have given one "
            "half as wide, and the day-to-day correlation of 0.6 forbids it. If a recount of March fell "
            "below {threshold}, the answer would fall.",
        ),
    ),
    "communication": (
        (
            "More research is needed.",
            "This was an interesting project.",
            "The table speaks for itself.",
        ),
        (
            "As can be seen in several places, more people cycle at weekends.",
            "On {street} about {wrong} people cycle, as the figure shows.",
            "The numbers fall from January to June, so something must be done.",
        ),
        (
            "So more people cycle on working days than at weekends.",
            "The answer is that {street} is used more on working days.",
            "Working days have the larger mean.",
        ),
        (
            "**Yes: about {mean} people cycle there on a working day, give or take {half}.** The figure "
            "shows each month's mean, in bicycles a day.",
            "**On a working day about {mean} bicycles pass, most likely between {low} and {high}.** The "
            "table below says it month by month, in bicycles a day.",
            "**{mean} on a working day, {weekend} at weekends, each give or take {half}.** Every figure "
            "names its unit and its months.",
        ),
        (
            "**Yes: about {mean} people cycle there on a working day, give or take {half}.** Clear the "
            "street by 7 in the morning. Do not conclude that more would come if it were clear: count "
            "next winter, before and after.",
            "**On a working day about {mean} bicycles pass, most likely between {low} and {high}.** Decide "
            "on the lane now. It does not follow that a lane would raise the number; put a second counter "
            "on the next street before it is built.",
            "**{mean} on a working day, {weekend} at weekends, each give or take {half}.** Act on working "
            "days alone. Nothing here says who the riders are: ask them in May, when most come.",
        ),
    ),
}
CRITERIA = tuple(FRAGMENTS)


@dataclass(frozen=True)
class Counts:
    """A street's made-up means a day, by month: working days and weekends."""

    street: str
    working: tuple[int, ...]
    weekend: tuple[int, ...]

    @property
    def mean(self) -> int:
        return round(sum(self.working) / len(self.working))

    @property
    def weekend_mean(self) -> int:
        return round(sum(self.weekend) / len(self.weekend))


def count(rng: np.random.Generator) -> Counts:
    """Draw a street's counts; weekends are always below working days, and both rise with the year."""
    base, quiet = rng.uniform(380, 640), rng.uniform(0.45, 0.75)
    working = np.sort(base * _SEASON * rng.uniform(0.98, 1.02, len(MONTHS)))
    weekend = np.sort(quiet * base * _SEASON * rng.uniform(0.97, 1.03, len(MONTHS)))
    street = STREETS[int(rng.integers(len(STREETS)))]
    return Counts(
        street,
        tuple(int(value) for value in working.round()),
        tuple(int(value) for value in weekend.round()),
    )


def _values(counts: Counts, rng: np.random.Generator) -> dict[str, object]:
    mean, half = counts.mean, int(rng.integers(18, 34))
    shift = int(rng.integers(4, 12))
    return {
        "street": counts.street,
        "mean": mean,
        "weekend": counts.weekend_mean,
        "difference": mean - counts.weekend_mean,
        "half": half,
        "low": mean - half,
        "high": mean + half,
        "error": round(half / 1.96),
        "threshold": (mean - half) // 50 * 50,
        "january": counts.working[0],
        "june": counts.working[-1],
        "december": 2 * counts.working[-1] - counts.working[0],
        "mean_plus": mean + int(rng.integers(3, 12)),
        "mean_less": mean - int(rng.integers(3, 12)),
        "mean_filled": mean - int(rng.integers(1, 4)),
        "mean_kept": mean - shift,
        "shift": shift,
        "wrong": mean + 170,
        "missed": int(rng.integers(4, 12)),
        "trikes": int(rng.integers(2, 6)),
        "removed": int(rng.integers(3, 14)),
    }


def write(levels: Mapping[str, int], rng: np.random.Generator) -> tuple[str, str]:
    """Write a project that shows the levels: its title and its text in Markdown."""
    counts = count(rng)
    values = _values(counts, rng)
    table = "\n".join(
        [
            "| Month | working day | weekend day |",
            "|---|---:|---:|",
            *(
                f"| {month} | {working} | {weekend} |"
                for month, working, weekend in zip(
                    MONTHS, counts.working, counts.weekend, strict=True
                )
            ),
            f"| January to June | {counts.mean} | {counts.weekend_mean} |",
        ]
    )
    parts = []
    for code, by_level in FRAGMENTS.items():
        variants = by_level[levels[code]]
        said = variants[int(rng.integers(len(variants)))].format(**values)
        parts.append(f"## {TITLES[code]}\n\n{said}")
        if code == "measurement":
            parts.append(f"Bicycles a day on {counts.street}:\n\n{table}")
    return f"Bicycles on {counts.street}", "\n\n".join(parts)
