"""What the demo's people are called: after plants and stones, nothing that pretends to be a person."""

from grading.cli.demo import texts

PLANTS = texts.read("plants.txt").split()
# Summer's stories tell of these two.
TOLD_IN_SUMMER = ("Cedar", "Elder")
_OTHERS = [plant for plant in PLANTS if plant not in TOLD_IN_SUMMER]
LEARNERS = {
    "Spring": _OTHERS[:120],
    "Summer": [*TOLD_IN_SUMMER, *_OTHERS[120:178]],
    "Autumn": _OTHERS[178:190],
}
GRADERS = {
    "Spring": ("Basalt", "Chalk", "Flint", "Granite", "Slate"),
    "Summer": ("Agate", "Basalt", "Flint", "Marble", "Quartz"),
    "Autumn": ("Agate", "Basalt", "Flint", "Marble", "Quartz"),
}
INSTRUCTORS = ("Opal", "Jade")
LEADS = ("Topaz", "Onyx")
COORDINATORS = ("Garnet",)
OBSERVERS = ("Amber",)
PROPOSER, SECOND = (f"Instructor {stone}" for stone in INSTRUCTORS)
LEAD = f"Lead {LEADS[0]}"
OFFICE = "Officer Pearl"
ADMINISTRATOR = "Administrator Beryl"


def email(name: str) -> str:
    """The address of somebody in the demo."""
    return f"{name.lower().replace(' ', '.')}@example.org"
