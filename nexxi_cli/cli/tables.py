"""Tables: aligned on a terminal, tab-separated values elsewhere."""

import sys
from collections.abc import Sequence, Set

import typer


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, right: Set[str] = frozenset()) -> None:
    """Print `rows` under `headings`, those in `right` aligned to the right; without headings into a pipe."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in texts:
            typer.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True, overflow="ellipsis", justify="right" if heading in right else "left")
    for row in texts:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)
