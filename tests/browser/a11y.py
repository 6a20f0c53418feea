"""What every page is checked for in each of its looks, beyond what its own test asks."""

import os
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT

_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_RULES = {"target-size": {"enabled": True}}
# The rules whose verdict hangs on colours, sizes and layout; the rest reads the document alone.
_VISUAL = ("color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable")


@dataclass(frozen=True)
class Look:
    """How a page is shown, and which of axe's rules are asked of it; none named is all."""

    media: dict[str, Any]
    rules: Sequence[str] = _VISUAL
    size: dict[str, int] = field(default_factory=lambda: {"width": 1280, "height": 800})


LIGHT = {"color_scheme": "light", "forced_colors": "none"}
LOOKS = {
    "light": Look(LIGHT, rules=()),
    "dark": Look({**LIGHT, "color_scheme": "dark"}),
    "narrow": Look(LIGHT, size={"width": 320, "height": 700}),
    "contrast": Look({**LIGHT, "forced_colors": "active"}),
}
# What most people spend their time on, and what decides.
_KEY_PAGES = re.compile(
    "/sign-in|/verify/[^/]+|/learn/[^/]+/(project|result)|/learn/review/[^/]+|/grade/item/[^/]+"
    "|/grade/appeal/[^/]+|/teach/[^/]+/release|/approve/[^/]+"
)
# Targets that stand in a line of text are excepted by the rule itself.
_SMALL = """
() => [...document.querySelectorAll('button, input:not([type=hidden]), summary, select, textarea')]
  .filter((e) => e.checkVisibility())
  .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)
"""
# Only what is wrong is worked out and told: most of axe's time goes into listing what passed.
_ASK_AXE = """
async (options) => (await axe.run(document, {resultTypes: ['violations'], ...options}))
  .violations.map(({id, nodes}) => `${id}: ${nodes.slice(0, 3).map(({target}) => target)}`)
"""
# While the skip link has the focus it lies over the header, as it should; that is not the page's look.
_LEAVE_SKIP_LINK = "document.activeElement?.matches('.skip-link') && document.activeElement.blur()"


def in_every_look(page: Any) -> Iterator[tuple[str, Look]]:
    """Show a page in light, dark, narrow and high contrast, and in light again at the end."""
    for name, look in [*LOOKS.items()]:
        page.emulate_media(**look.media)
        page.set_viewport_size(look.size)
        page.evaluate(_LEAVE_SKIP_LINK)
        yield name, look
    page.emulate_media(**LIGHT)
    page.set_viewport_size(LOOKS["light"].size)


def looks_of_axe(url: str) -> Collection[str]:
    """The looks in which axe is asked about a page: all for those that matter most, else one by turns.

    Which one follows from the address, so that it is the same in each run and pages share the looks evenly.
    """
    address = urlsplit(url)
    if os.environ.get("SWEEP") or _KEY_PAGES.fullmatch(address.path):
        return LOOKS
    turn = zlib.crc32(f"{address.path}?{address.query}".encode()) % len(LOOKS)
    return [[*LOOKS][turn]]


def faults(page: Any, *, picture: str = "", script: str = "") -> list[str]:
    """List what axe finds, and in every look targets under 24 pixels and sideways scrolling.

    Axe takes four times as long as all else, so most pages meet it in one look, with all its rules. Where
    ``SWEEP`` is set every rule is asked of every page in every look. Where ``SCREENSHOTS`` names a folder,
    a picture of each look is kept there.

    Parameters
    ----------
    picture : str
        The name of the picture.
    script : str
        A further check, a function that lists faults.
    """
    found = []
    looks = looks_of_axe(page.url)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    for name, look in in_every_look(page):
        seen = []
        if name in looks:
            options = {"runOnly": {"type": "tag", "values": _TAGS}, "rules": _RULES}
            if len(looks) > 1 and look.rules and not os.environ.get("SWEEP"):
                # Light asks the rest of the same page.
                options = {"runOnly": {"type": "rule", "values": look.rules}}
            seen += page.evaluate(_ASK_AXE, options)
        seen += page.evaluate(_SMALL)
        if script:
            seen += page.evaluate(script)
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if over > 0:
            seen.append(f"scrolls sideways by {over} px")
        found += [f"{page.url} ({name}): {item}" for item in seen]
        if picture and (folder := os.environ.get("SCREENSHOTS")):
            page.screenshot(path=Path(folder) / f"{picture}-{name}.png", full_page=True)
    return found
