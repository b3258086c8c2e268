"""Where the prompt of `chat` comes from: standard input, files, the arguments; in that order."""

import asyncio
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from nexxi_cli.core.errors import NotFound, UsageError

STDIN_GRACE_S = 3.0
"""How long a pipe may stay silent when the arguments already hold a prompt. The model loads meanwhile."""

_CHUNK_BYTES = 1 << 16


async def read_prompt(words: Sequence[str], files: Sequence[Path], *, note: list[str]) -> str:
    """The whole prompt. Raises UsageError when there is none or it is not UTF-8, NotFound for a missing file.

    Standard input is read when it is not a terminal. An open but silent pipe is given up after STDIN_GRACE_S if
    there is another prompt (`note` then says so); `-f -` waits for it.
    """
    argument = " ".join(words)
    wants_stdin = Path("-") in files
    others = [_read_file(file) for file in files if file != Path("-")]
    piped = ""
    if wants_stdin or not _is_terminal():
        patience_s = STDIN_GRACE_S if (argument or others) and not wants_stdin else None
        raw = await _read_stdin(patience_s)
        if raw is None:
            note.append(f"standard input said nothing for {STDIN_GRACE_S:.0f} s, going on without it (-f - waits)")
        piped = _decoded(raw or b"", "standard input")
    parts = [part for part in (piped.rstrip("\n"), *(text.rstrip("\n") for text in others), argument) if part.strip()]
    if not parts:
        raise UsageError("there is no prompt: give it as an argument, with -f FILE or on standard input")
    return "\n\n".join(parts)


def _is_terminal() -> bool:
    return sys.stdin is None or sys.stdin.isatty()


def _read_file(path: Path) -> str:
    try:
        return _decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from error


def _decoded(raw: bytes, origin: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{origin} is not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start}; convert it with iconv"
        ) from error


async def _read_stdin(patience_s: float | None) -> bytes | None:
    """Everything up to the end; None if not a byte and no end came within `patience_s` seconds."""
    descriptor = sys.stdin.fileno()
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return sys.stdin.buffer.read()
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    chunks: list[bytes] = []
    try:
        while True:
            try:
                await asyncio.wait_for(readable.wait(), None if chunks else patience_s)
            except TimeoutError:
                return None
            chunk = os.read(descriptor, _CHUNK_BYTES)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
            readable.clear()
    finally:
        loop.remove_reader(descriptor)
