"""Where a prompt comes from."""

import asyncio
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexxi_cli.cli.prompt import find_prompt
from nexxi_cli.core.errors import NotFound, UsageError


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.RawIOBase]:
    """The writing end of a pipe that is standard input."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as standard_input, os.fdopen(writing, "wb", buffering=0) as writer:
        monkeypatch.setattr(sys, "stdin", standard_input)
        yield writer


@pytest.fixture
def no_stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with Path(os.devnull).open(encoding="utf-8") as empty:
        monkeypatch.setattr(sys, "stdin", empty)
        yield


async def complete(*words: str, files: tuple[Path, ...] = ()) -> str:
    text, _ = await find_prompt(words, files).complete()
    return text


async def test_piped_text_comes_first_then_files_then_the_arguments(pipe: io.RawIOBase, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("from a\n")
    pipe.write(b"from the pipe\n\n")
    pipe.close()
    assert await complete("sum", "up:", files=(tmp_path / "a",)) == "from the pipe\n\nfrom a\n\nsum up:"


async def test_a_pipe_alone_is_a_prompt(pipe: io.RawIOBase) -> None:
    pipe.write("grüß dich".encode())
    pipe.close()
    assert await complete() == "grüß dich"


@pytest.mark.usefixtures("no_stdin")
async def test_an_argument_alone_is_a_prompt() -> None:
    assert await complete("hello") == "hello"


@pytest.mark.usefixtures("pipe")
async def test_a_silent_pipe_is_given_up_when_there_is_a_prompt() -> None:
    text, note = await find_prompt(["hello"], ()).complete(grace_s=0.05)
    assert text == "hello"
    assert note is not None
    assert "-f -" in note


async def test_a_pipe_that_has_begun_is_read_to_its_end(pipe: io.RawIOBase) -> None:
    pipe.write(b"one ")
    reading = asyncio.create_task(find_prompt(["hello"], ()).complete(grace_s=0.05))
    await asyncio.sleep(0.2)
    pipe.write(b"two")
    pipe.close()
    assert await reading == ("one two\n\nhello", None)


async def test_a_dash_waits_for_a_silent_pipe(pipe: io.RawIOBase) -> None:
    reading = asyncio.create_task(find_prompt(["hello"], [Path("-")]).complete(grace_s=0.05))
    await asyncio.sleep(0.2)
    pipe.write(b"late")
    pipe.close()
    assert await reading == ("late\n\nhello", None)


@pytest.mark.usefixtures("no_stdin")
@pytest.mark.parametrize("words", [(), ("",), (" ", "\n")])
async def test_no_prompt_is_a_usage_error(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="there is no prompt"):
        await complete(*words)


async def test_a_pipe_that_is_not_utf_8_names_the_byte(pipe: io.RawIOBase) -> None:
    pipe.write(b"abc\xff")
    pipe.close()
    with pytest.raises(UsageError, match="standard input is not UTF-8: byte 0xff at offset 3"):
        await complete("hello")


@pytest.mark.usefixtures("no_stdin")
async def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x80")
    with pytest.raises(UsageError, match=r"a\.bin is not UTF-8"):
        await complete(files=(tmp_path / "a.bin",))


@pytest.mark.usefixtures("no_stdin")
async def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfhello")
    assert await complete(files=(tmp_path / "a",)) == "hello"


@pytest.mark.usefixtures("no_stdin")
@pytest.mark.parametrize("name", ["missing", "."])
async def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cannot be read"):
        await complete(files=(tmp_path / name,))
