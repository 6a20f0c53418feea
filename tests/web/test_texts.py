"""Every text that people read can be extracted where it stands, and translated."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.frontend import _parse_mapping_toml
from jinja2 import Environment, nodes

from grading import errors
from grading.workflow.plan import GradingPlan

ROOT = Path(__file__).resolve().parents[2]
GETTEXT = {"_": [1], "_l": [1], "gettext": [1], "lazy_gettext": [1], "ngettext": [1, 2]}
# The edge, where texts that were given elsewhere are translated.
TRANSLATORS = {"grading/web/errors.py", "grading/web/forms.py", "grading/web/rendering.py"}
# Errors that word themselves.
OWN_WORDS = {
    "FaultsFound",
    "RubricFault",
    "ListChanged",
    "SignCountFell",
    "Undecided",
    "UpkeepIncomplete",
    "Unsigned",
}
# The same in every language: units, keys, names of algorithms, and what mail programs read.
NOT_TRANSLATED = re.compile(r"\b(SHA-256|Ctrl S|Ctrl Enter|j, k|Subject)\b|&\w+;|#\w+")


@cache
def keywords() -> dict[str, list[int]]:
    """The constructors and markers that pybabel takes texts from, with the places of the texts."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["babel"][
        "mappings"
    ]
    [python] = [mapping for mapping in mappings if mapping["method"] == "python"]
    found = {}
    for keyword in python["keywords"]:
        name, _, places = keyword.partition(":")
        found[name] = [int(place) for place in places.split(",")] if places else [1]
    return found


@cache
def extracted() -> set[str]:
    """Every text that pybabel finds with the repository's own configuration."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        methods, options = _parse_mapping_toml(file, "pyproject.toml", style="pyproject.toml")
    texts = set()
    for folder in ("grading", "templates"):
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / folder,
            [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in methods],
            {pattern.removeprefix(f"{folder}/"): value for pattern, value in options.items()},
        ):
            texts |= {message} if isinstance(message, str) else set(filter(None, message))
    return texts


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id, node
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr, node


@cache
def sources() -> dict[str, ast.Module]:
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
        for path in sorted((ROOT / "grading").rglob("*.py"))
        if "migrations" not in path.parts
    }


def is_marked_elsewhere(node: ast.expr) -> bool:
    """Whether a text comes from a table or constant, or from an error that was given one."""
    if isinstance(node, ast.IfExp):
        return is_marked_elsewhere(node.body) and is_marked_elsewhere(node.orelse)
    if isinstance(node, ast.Subscript):
        return is_marked_elsewhere(node.value)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "phrase"
    if isinstance(node, ast.Attribute):
        return node.attr == "template" or node.attr.isupper()
    return isinstance(node, ast.Name) and (node.id.isupper() or node.id == "template")


def test_every_error_class_gives_its_texts_to_extraction() -> None:
    def subclasses(cls: type) -> Iterator[type]:
        for sub in cls.__subclasses__():
            yield sub
            yield from subclasses(sub)

    takes_texts = {
        cls.__name__
        for cls in subclasses(errors.GradingError)
        if cls.__module__.startswith("grading.")
    }
    assert takes_texts - set(keywords()) == OWN_WORDS


def test_texts_given_to_errors_and_gettext_are_literals_that_extraction_finds() -> None:
    faulty = []
    for path, tree in sources().items():
        for name, call in calls(tree):
            for place in ({**keywords(), **GETTEXT}).get(name, ()):
                if len(call.args) < place or isinstance(call.args[0], ast.Starred):
                    continue
                text = call.args[place - 1]
                where = f"{path}:{call.lineno} {name}"
                if isinstance(text, ast.Constant):
                    if not isinstance(text.value, str):
                        continue
                    if text.value != text.value.strip():
                        faulty.append(f"{where}: a fragment to be glued: {text.value!r}")
                    elif text.value and text.value not in extracted():
                        faulty.append(f"{where}: not extracted: {text.value!r}")
                elif name in GETTEXT:
                    if path not in TRANSLATORS:
                        faulty.append(f"{where}: no literal: {ast.unparse(text)}")
                elif path not in TRANSLATORS and not is_marked_elsewhere(text):
                    faulty.append(f"{where}: no literal: {ast.unparse(text)}")
    assert "\n".join(faulty) == ""


def tables() -> Iterator[tuple[str, ast.expr]]:
    """The constants whose texts are given to errors, with what they hold."""
    names = {
        name.id
        for tree in sources().values()
        for keyword, call in calls(tree)
        for place in keywords().get(keyword, ())
        if len(call.args) >= place
        for name in ast.walk(call.args[place - 1])
        if isinstance(name, ast.Name) and name.id.isupper()
    }
    for path, tree in sources().items():
        for node in tree.body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name) and target.id in names:
                    yield f"{path} {target.id}", node.value


def test_texts_of_tables_are_marked() -> None:
    faulty = [
        f"{where}: {text.value!r}"
        for where, table in tables()
        for held in (table.values if isinstance(table, ast.Dict) else [table])
        for text in ast.walk(held)
        if isinstance(text, ast.Constant)
        and isinstance(text.value, str)
        and text.value not in extracted()
    ]
    assert faulty == []


# Fields of reports, and helpers that make one, which say in words why something is undefined.
REASONS = {"reason", "note", "notes"}
GIVE_A_REASON = {"undefined", "_undefined", "_without"}


def literals(node: ast.expr) -> Iterator[str]:
    """The texts an expression can be; single words are keys."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and " " in node.value:
            yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "phrase":
        yield from literals(node.args[0])


def reasons(tree: ast.AST) -> Iterator[str]:
    """Every text that a report of measurement gives as a reason or a note."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in REASONS:
            yield from literals(node.value)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in REASONS or (name.isupper() and not isinstance(node.value, ast.Dict)):
                yield from literals(node.value)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in REASONS:
                    yield from literals(value)
    for name, call in calls(tree):
        if name in GIVE_A_REASON:
            yield from literals(call.args[-1])
        elif name == "append" and ast.unparse(call.func) == "notes.append":
            yield from literals(call.args[0])


def test_reasons_and_notes_of_statistics_are_marked() -> None:
    faulty = [
        f"{path}: {text!r}"
        for path, tree in sources().items()
        if path.startswith(("grading/measurement/", "grading/scores/"))
        for text in reasons(tree)
        if text not in extracted()
    ]
    assert "\n".join(faulty) == ""


def test_every_choice_of_a_plan_has_its_words_extracted() -> None:
    words = {
        item.metadata[part] for item in fields(GradingPlan) for part in ("group", "label", "why")
    }
    words |= {name for _low, name in GradingPlan().bands}
    assert words - extracted() == set()


def test_labels_and_notices_of_pages_are_translated() -> None:
    faulty = []
    for path, tree in sources().items():
        if not path.startswith("grading/web/"):
            continue
        for name, call in calls(tree):
            if (name == "flash" or name.endswith("Field")) and call.args:
                label = call.args[0]
                if isinstance(label, (ast.Constant, ast.JoinedStr)):
                    faulty.append(f"{path}:{call.lineno} {name}: {ast.unparse(label)}")
    assert "\n".join(faulty) == ""


def parsed_templates() -> Iterator[tuple[str, nodes.Template]]:
    environment = Environment(extensions=["jinja2.ext.i18n"])
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(str, lambda one, _many, _n: one, newstyle=True)  # type: ignore[attr-defined]
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in (".html", ".txt"):
            yield str(path.relative_to(ROOT)), environment.parse(path.read_text("utf-8"))


def bare_text(tree: nodes.Template) -> str:
    """What a template says without a translation, its expressions left out."""
    classes = {
        id(data)
        for block in tree.find_all(nodes.Block)
        if block.name == "page_class"
        for data in block.find_all(nodes.TemplateData)
    }
    text = "".join(
        data.data for data in tree.find_all(nodes.TemplateData) if id(data) not in classes
    )
    spoken = re.findall(r'\s(?:aria-label|alt|placeholder|title)="([^"]*)"', text)
    return " ".join([re.sub(r"<[^>]*>", " ", text), *spoken])


def test_no_word_of_a_template_stands_outside_a_translation() -> None:
    faulty = []
    for path, tree in parsed_templates():
        words = re.findall(r"[^\W\d_]{2,}", NOT_TRANSLATED.sub(" ", bare_text(tree)))
        if words:
            faulty.append(f"{path}: {' '.join(words)}")
    assert "\n".join(faulty) == ""


def test_a_template_translates_literals_only() -> None:
    faulty = []
    for path, tree in parsed_templates():
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in GETTEXT:
                for text in call.args[: 2 if call.node.name == "ngettext" else 1]:
                    if not isinstance(text, nodes.Const):
                        faulty.append(f"{path}:{call.lineno}")
                    elif text.value.strip() != text.value or text.value not in extracted():
                        faulty.append(f"{path}:{call.lineno} {text.value!r}")
    assert "\n".join(faulty) == ""


# How the entry of a form stands in its field, and the coordinates of a drawing.
AS_THEY_ARE = {"grading/web/admin/programs.py", "grading/web/charts/drawing.py"}


def test_pages_write_numbers_and_lists_in_the_reader_s_language() -> None:
    faulty = []
    for path, tree in sources().items():
        if not path.startswith("grading/web/") or path in AS_THEY_ARE:
            continue
        rounded = {
            id(number)
            for name, call in calls(tree)
            if name in ("float", "Decimal")
            for number in call.args
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.JoinedStr)
                and id(node) not in rounded
                and any(
                    isinstance(part, ast.FormattedValue)
                    and part.format_spec is not None
                    and re.search(r"[gf%]'", ast.unparse(part.format_spec))
                    for part in node.values
                )
            ):
                faulty.append(f"{path}:{node.lineno} {ast.unparse(node)}")
        faulty += [
            f"{path}:{call.lineno} {ast.unparse(call)}"
            for name, call in calls(tree)
            if name == "join"
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Constant)
            and call.func.value.value == ", "
        ]
    for path, template in parsed_templates():
        for filtered in template.find_all(nodes.Filter):
            if filtered.name == "format" or (
                filtered.name == "join" and filtered.args == [nodes.Const(", ")]
            ):
                faulty.append(f"{path}:{filtered.lineno} {filtered.name}")
    assert "\n".join(faulty) == ""
