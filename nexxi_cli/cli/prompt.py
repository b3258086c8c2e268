"""Where the prompt of `chat` comes from: standard input, files, the arguments; in that order."""

import asyncio
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nexxi_cli.core.errors import NotFound, UsageError

STDIN_GRACE_S = 3.0
"""How long a pipe may stay silent when there is another prompt. The model loads meanwhile."""

_CHUNK_BYTES = 1 << 16
_STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt as far as the command line has it. `stdin` says what standard input is to it."""

    given: tuple[str, ...]
    stdin_is_read: bool
    stdin_is_waited_for: bool

    async def complete(self, *, grace_s: float = STDIN_GRACE_S) -> tuple[str, str | None]:
        """The whole prompt, and a note if an open pipe was given up that said nothing for `grace_s` seconds.

        Raises UsageError when there is no prompt after all, or it is not UTF-8.
        """
        if not self.stdin_is_read:
            return _joined(self.given), None
        raw = await _read_stdin(None if self.stdin_is_waited_for else grace_s)
        silent = f"standard input said nothing for {grace_s:.0f} s, going on without it (-f - waits for it)"
        piped = _decoded(raw or b"", "standard input")
        return _joined((piped, *self.given)), silent if raw is None else None


def find_prompt(words: Sequence[str], files: Sequence[Path]) -> Prompt:
    """Read the files, and settle whether standard input is read: with `-f -`, and when it is not a terminal.

    Raises UsageError when there can be no prompt or a file is not UTF-8, NotFound for a file that cannot be read.
    """
    texts = [read_file(file) for file in files if file != _STDIN]
    given = tuple(text for text in (*texts, " ".join(words)) if text.strip())
    is_read = _STDIN in files or not sys.stdin.isatty()
    if not given and not is_read:
        raise _no_prompt()
    return Prompt(given, stdin_is_read=is_read, stdin_is_waited_for=_STDIN in files or not given)


def _no_prompt() -> UsageError:
    return UsageError("there is no prompt: give it as an argument, with -f FILE or on standard input")


def _joined(texts: Sequence[str]) -> str:
    parts = [text.rstrip("\n") for text in texts if text.strip()]
    if not parts:
        raise _no_prompt()
    return "\n\n".join(parts)


def read_file(path: Path) -> str:
    """A file of the command line as text. Raises NotFound when it cannot be read, UsageError when it is not UTF-8."""
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
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)):
        return sys.stdin.buffer.read()
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    def take() -> None:  # here, where it is known to be readable, it does not block
        try:
            chunk = os.read(descriptor, _CHUNK_BYTES)
        except OSError:  # a terminal or socket that went away has no more to say
            chunk = b""
        if not chunk:
            loop.remove_reader(descriptor)
        arrived.put_nowait(chunk)

    loop.add_reader(descriptor, take)
    chunks: list[bytes] = []
    try:
        chunks.append(await asyncio.wait_for(arrived.get(), patience_s))
        while chunks[-1]:
            chunks.append(await arrived.get())
    except TimeoutError:
        return None
    finally:
        loop.remove_reader(descriptor)
    return b"".join(chunks)
