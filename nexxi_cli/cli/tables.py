"""Tables: aligned on a terminal, tab-separated values elsewhere."""

import sys
from collections.abc import Sequence, Set

import typer


def print_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: Set[str] = frozenset(),
    shrinking: Set[str] = frozenset(),
) -> None:
    """Print `rows` under `headings`, without headings into a pipe.

    right: columns that are aligned to the right; shrinking: those that are cut first on a narrow terminal.
    """
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in texts:
            typer.echo("\t".join(row))
        return
    from rich.console import Console, JustifyMethod
    from rich.table import Table
    from rich.text import Text

    from nexxi_cli.cli.render import without_controls

    table = Table(box=None, pad_edge=False)
    for heading in headings:
        justify: JustifyMethod = "right" if heading in right else "left"
        table.add_column(heading, no_wrap=heading not in shrinking, justify=justify)
    for row in texts:
        table.add_row(*(Text(without_controls(cell), no_wrap=True, overflow="ellipsis") for cell in row))
    Console(highlight=False).print(table)
