"""Tables as spreadsheets export them are read, and it is said how; what cannot be read is named."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from grading.errors import FaultsFound
from grading.office.imports.cells import day_order
from grading.office.imports.completions import CompletionRow
from grading.office.imports.tables import LONGEST_IMPORT, Choice, DayOrder, Table, read_table

DATA = Path(__file__).parent.parent / "data" / "tables"
ROSTER = {"email": False, "name": False, "role": False, "group": True}
THREE = [
    {"email": f"x{n}@example.org", "name": f"Learner Number{n}", "role": "learner", "group": ""}
    for n in range(3)
]


def read(data: bytes, **choice: str) -> Table:
    return read_table(data, ROSTER, Choice(**choice))


def values(table: Table) -> list[Any]:
    return [row.values for row in table.rows]


def a_workbook(**sheets: list[list[str]]) -> bytes:
    """The least that is a workbook, with the sheets of these names."""
    out = io.BytesIO()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="'
            'application/vnd.openxmlformats-package.relationships+xml"/><Override PartName='
            f'"/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r" Type="{links}'
            '/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        names = "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="s{n}"/>' for n, name in enumerate(sheets, 1)
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook {main} xmlns:r="{links}"><sheets>{names}</sheets></workbook>',
        )
        targets = "".join(
            f'<Relationship Id="s{n}" Type="{links}/worksheet" Target="worksheets/s{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">{targets}</Relationships>',
        )
        for n, rows in enumerate(sheets.values(), 1):
            cells = "".join(
                "<row>"
                + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row)
                + "</row>"
                for row in rows
            )
            archive.writestr(
                f"xl/worksheets/s{n}.xml",
                f"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>",
            )
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "encoding", "delimiter", "sheet", "header"),
    [
        ("semicolon.csv", "utf-8", ";", "", 1),
        ("tab.csv", "utf-8", "\t", "", 1),
        ("utf16le_bom_tab.csv", "utf-16", "\t", "", 1),
        ("title_row.csv", "utf-8", ",", "", 2),
        ("trailing_cols.csv", "utf-8", ",", "", 1),
        ("roster.xlsx", "", "", "Sheet", 1),
    ],
)
def test_a_table_is_read_as_it_was_exported_and_it_is_said_how(
    name: str, encoding: str, delimiter: str, sheet: str, header: int
) -> None:
    table = read((DATA / name).read_bytes())
    assert values(table) == THREE
    how = (table.encoding, table.delimiter, table.sheet, table.header_line)
    assert how == (encoding, delimiter, sheet, header)
    assert (table.left_out, table.faults, table.assumed) == ((), (), False)


def test_the_line_that_names_the_delimiter_is_no_row_and_counts_as_a_line() -> None:
    table = read((DATA / "sep_line.csv").read_bytes())
    assert [(row.line, row.values["name"]) for row in table.rows] == [(3, "A B")]
    assert (table.delimiter, table.header_line) == (";", 2)


def test_an_encoding_that_nothing_says_is_assumed_and_the_cells_are_shown() -> None:
    table = read((DATA / "cp1252.csv").read_bytes())
    assert (table.encoding, table.assumed, table.unusual) == (
        "windows-1252", True, ("René Müller",),
    )  # fmt: skip
    other = read((DATA / "cp1252.csv").read_bytes(), encoding="windows-1250")
    assert (other.encoding, other.assumed) == ("windows-1250", False)


def test_what_somebody_chose_is_not_found_out() -> None:
    text = "email;name,role\na@example.org;A,learner\n"
    with pytest.raises(FaultsFound, match="“role” is missing"):
        read(text.encode(), delimiter=";")
    wrong = (DATA / "utf16le_bom_tab.csv").read_bytes()
    with pytest.raises(FaultsFound, match="is no text in utf-8") as caught:
        read(wrong, encoding="utf-8")
    assert caught.value.faults[0].where == "encoding"


def test_a_column_that_no_import_knows_is_named_as_left_out() -> None:
    table = read((DATA / "extra_cols.csv").read_bytes())
    assert table.left_out == ("student id", "section")
    assert values(table)[0]["name"] == "A B"
    unnamed = read(b"email,name,role,,\na@example.org,A,learner,,lost?\n")
    assert unnamed.left_out == ("5",)


def test_a_sheet_is_chosen_by_its_name() -> None:
    roster = [["email", "name", "role"], ["a@example.org", "A", "learner"]]
    data = a_workbook(Cover=[["Autumn"]], People=roster)
    with pytest.raises(FaultsFound, match="“email” is missing"):
        read(data)
    table = read(data, sheet="People")
    assert (table.sheets, table.sheet) == (("Cover", "People"), "People")
    assert values(table)[0]["email"] == "a@example.org"
    with pytest.raises(FaultsFound, match="workbook cannot be read"):
        read(data, sheet="Nobody")


def test_a_workbook_that_would_take_all_memory_is_refused() -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(DATA / "roster.xlsx") as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for entry in source.infolist():
            part = source.read(entry)
            archive.writestr(entry, part.replace(b'r="A4"', b'r="XFD1048576"'))
    with pytest.raises(FaultsFound, match="workbook cannot be read"):
        read(out.getvalue())


def test_one_limit_stands_in_words_and_in_code() -> None:
    read(b"email,name,role\na@example.org,A,learner\n".ljust(LONGEST_IMPORT, b"\n"))
    with pytest.raises(FaultsFound, match="larger than 1400 KB"):
        read(b" " * (LONGEST_IMPORT + 1))


HEADER = {"email": False, "course": False, "completed_on": False, "identity_assurance": False}


def day_order_of(*days: str) -> DayOrder | None:
    text = "email,course,completed_on,identity_assurance\n" + "".join(
        f"a,b,{day},c\n" for day in days
    )
    return day_order(read_table(text.encode(), HEADER), CompletionRow)


def test_dates_are_read_where_one_of_them_can_be_read_in_one_way_only() -> None:
    assert day_order_of("13/02/2026", "01/02/2026") == DayOrder.DAY_FIRST
    assert day_order_of("02/13/2026", "01/02/2026") == DayOrder.MONTH_FIRST
    assert day_order_of("01/02/2026") is None
    assert day_order_of("13/02/2026", "02/13/2026") is None
