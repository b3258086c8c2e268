"""The safety filter as a library, as the README has it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import nexxi_cli


def test_one_import_gives_a_ready_filter() -> None:
    verdict = nexxi_cli.safety_filter().check("My mail is ada@example.com.")
    assert verdict.text == "My mail is <EMAIL>."
    assert [finding.type for finding in verdict.findings] == ["EMAIL"]


def test_one_filter_serves_many_threads() -> None:
    check = nexxi_cli.safety_filter().check
    with ThreadPoolExecutor(8) as pool:
        texts = {verdict.text for verdict in pool.map(check, ["Write to ada@example.com now."] * 200)}
    assert texts == {"Write to <EMAIL> now."}


def test_the_package_alone_loads_nothing() -> None:
    code = "import sys, nexxi_cli; print(sorted(name for name in sys.modules if name.startswith('nexxi_cli.')))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
