"""A table of values as coloured cells, each with its value printed in it."""

from collections.abc import Callable, Sequence

from grading.web.charts.drawing import GAP, Canvas, Figure, cut, figure, text_width, wrapped

CELL = 34.0
STEPS = 6


def heat_map(
    key: str,
    question: str,
    finding: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    span: tuple[float, float],
    words: Callable[[float], str],
    headings: Sequence[str],
    diverging: bool = False,
) -> Figure:
    """Draw a cell for each row and column; None leaves it empty.

    Where not all columns fit, they go on below, under the same rows.

    Parameters
    ----------
    rows, columns : sequence of str, shapes (n,) and (m,)
        Names; those of columns are best short.
    values : sequence of sequence, shape (n, m)
    span : pair of float
        The values at the two ends of the colours.
    words : callable
        Writes a value into its cell.
    headings : sequence of str
        Of the table: the first column's; the others are ``columns``.
    diverging : bool
        Whether the middle of the span is neutral.

    Raises
    ------
    ValueError
        The shapes do not fit.
    """
    if len(values) != len(rows) or any(len(row) != len(columns) for row in values):
        raise ValueError("values must be rows x columns")

    def css(value: float | None) -> str:
        if value is None:
            return "cell none"
        steps = STEPS + 1 if diverging else STEPS
        share = (value - span[0]) / (span[1] - span[0])
        step = min(max(int(share * steps), 0), steps - 1)
        return f"cell {'diverging' if diverging else 'heat'}-{step}"

    def draw(canvas: Canvas) -> float:
        names = max((text_width(name, canvas.size) for name in rows), default=0)
        left = min(names, canvas.width * 0.3) + GAP
        inside = [words(value) for row in values for value in row if value is not None]
        needed = max((text_width(text, canvas.size) for text in (*inside, *columns)), default=0)
        width = min(max(needed + 6, CELL), canvas.width - left)
        fitting = max(int((canvas.width - left) // width), 1)
        y = 0.0
        for start in range(0, len(columns), fitting):
            part = columns[start : start + fitting]
            for index, name in enumerate(part):
                shown = cut(name, width - 2, canvas.size)
                canvas.text(left + (index + 0.5) * width, y + canvas.size, shown, anchor="middle")
            y += canvas.row + 2
            for name, row in zip(rows, values, strict=True):
                lines = wrapped(name, left - GAP, canvas.size)
                height = max(CELL, len(lines) * canvas.row + 2)
                canvas.block(0, y + (height - len(lines) * canvas.row) / 2 - 1, lines)
                for index, value in enumerate(row[start : start + fitting]):
                    box = canvas.rect(left + index * width, y, width - 2, height - 2, css(value))
                    if value is not None:
                        canvas.text(
                            left + index * width + (width - 2) / 2,
                            y + height / 2 + canvas.size * 0.3 - 1,
                            words(value),
                            anchor="middle",
                            css=css(value),
                            mark=box,
                        )
                y += height
            y += GAP
        return y

    return figure(
        key,
        question,
        finding,
        draw,
        (*headings, *columns),
        [(name, *row) for name, row in zip(rows, values, strict=True)],
    )
