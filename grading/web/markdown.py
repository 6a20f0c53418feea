"""Markdown with math and code, as people hand it in: rendered on the server, cleaned, without images."""

from typing import Any
from urllib.parse import quote

import nh3
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from grading.errors import Refused
from grading.texts import web_address

_MATH = {
    "math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "msup", "msub", "msubsup", "mfrac",
    "msqrt", "mroot", "mover", "munder", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded",
    "mphantom", "mmultiscripts", "mprescripts", "none", "semantics", "annotation",
}  # fmt: skip
_TEXT = {
    "p", "br", "hr", "h3", "h4", "h5", "h6", "em", "strong", "s", "code", "pre", "blockquote", "ul",
    "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td", "span", "div", "sub", "sup",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
    "span": {"class"},
    "div": {"class", "tabindex", "role"},
    "pre": {"class"},
    "math": {"display"},
    "mo": {"stretchy", "fence", "form", "separator"},
    "mi": {"mathvariant"},
    "mtable": {"columnalign", "rowspacing"},
    "mspace": {"width"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mover": {"accent"},
    "munder": {"accentunder"},
    "mfrac": {"linethickness"},
}
_LOWEST_HEADING = 6
_SHIFT = 2


def _math(content: str, options: dict[str, Any]) -> str:
    """Turn LaTeX into MathML; what cannot be read is shown as it was written."""
    try:
        mathml: str = convert(content, display="block" if options.get("display_mode") else "inline")
    except Exception:
        return f"<code>{escape(content)}</code>"
    return mathml


def _code(content: str, language: str, _attributes: str) -> str:
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    return str(highlight(content, lexer, HtmlFormatter(nowrap=True)))


def _image(
    _renderer: RendererHTML, tokens: list[Token], index: int, _options: Any, _environment: Any
) -> str:
    """Show what an image is said to be: fetching it would tell its owner who reads."""
    return str(escape(tokens[index].content))


def _fence(
    renderer: RendererHTML, tokens: list[Token], index: int, options: Any, environment: Any
) -> str:
    inner = renderer.fence(tokens, index, options, environment)
    return f'<div class="highlight" role="group" tabindex="0">{inner}</div>'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "highlight": _code}).enable(
        ["table", "strikethrough"]
    )
    parser.use(dollarmath_plugin, renderer=_math, double_inline=True, allow_digits=False)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("fence", _fence)
    return parser


_PARSER = _parser()


def _shift_headings(tokens: list[Token]) -> None:
    """Put a work's headings below the page's, without gaps: whoever listens goes by their levels."""
    open_ones: list[int] = []
    found = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    for opening, closing in zip(found[::2], found[1::2], strict=True):
        level = int(opening.tag[1:])
        while open_ones and open_ones[-1] >= level:
            open_ones.pop()
        open_ones.append(level)
        opening.tag = closing.tag = f"h{min(_SHIFT + len(open_ones), _LOWEST_HEADING)}"


def render(text: str, *, link_through: str = "/out") -> Markup:
    """Render a learner's Markdown.

    Parameters
    ----------
    link_through : str
        The page that stands between a link and its target, so that the other side does not learn who
        reads.
    """
    environment: dict[str, Any] = {}
    tokens = _PARSER.parse(text, environment)
    _shift_headings(tokens)
    html = _PARSER.renderer.render(tokens, _PARSER.options, environment)

    def attribute(tag: str, name: str, value: str) -> str | None:
        if tag == "a" and name == "href":
            try:
                web_address(value)
            except Refused:
                return None
            return f"{link_through}?to={quote(value, safe='')}"
        return value

    cleaned = nh3.clean(
        html,
        tags=_TEXT | _MATH,
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        url_schemes={"http", "https"},
        link_rel="noreferrer noopener nofollow",
    )
    return Markup(cleaned)
