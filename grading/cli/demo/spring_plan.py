"""Spring's name, calendar and plan, and the levels that its stories tell of."""

from dataclasses import replace

from grading.cli.demo import program
from grading.cli.demo.world import Story, levels

NAME = "Spring"
DUE = -29
OPENS = DUE - program.PLAN.submit_days
RELEASED = DUE + program.PLAN.results_day
# Nobody can be cleared before there are examples, and thirty works are read for them.
# The doors tell of plain means, which a visitor can work out from the readings they see.
PLAN = replace(program.PLAN, calibration="off", first_anchors=30, peer_weight=0.0)
# Graders who come when Slate's sheets are set aside.
JOINING = ("Marble", "Quartz")

# Two readings on one side of the pass mark, the first so near it that a second is asked for.
ALDER = Story([levels(2, 3, 3, 2, 2), levels(2, 3, 3, 2, 3)], levels(2, 3, 3, 2, 3))
# Two readings below the pass mark; the re-mark for the appeal is the third.
BIRCH = Story(
    [levels(2, 3, 2, 2, 3), levels(3, 2, 2, 2, 3), levels(2, 4, 3, 3, 2)], levels(2, 3, 2, 2, 3)
)
DOGWOOD = Story([levels(3, 3, 3, 3, 3)], levels(3, 3, 3, 3, 3))
STORIES = {"Alder": ALDER, "Birch": BIRCH, "Dogwood": DOGWOOD}
