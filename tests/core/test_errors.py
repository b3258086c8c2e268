"""The error tree is what its docstring draws."""

import re

from nexxi_cli.core import errors


def test_every_class_has_the_codes_that_the_drawing_says() -> None:
    drawn = re.findall(r"^ *(\w+) +exit (\d) +(\d+)", errors.__doc__ or "", re.MULTILINE)
    assert len(drawn) >= 10
    for name, exit_code, status in drawn:
        error = getattr(errors, name)
        assert (error.exit_code, error.status) == (int(exit_code), int(status)), name
