"""The files below a folder, in order. Knows globs; opens nothing."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.service.redaction.sources import translated

HISTORIES = frozenset((".git", ".hg", ".svn", ".jj"))
"""Folders of version control: to change a file in them breaks the repository."""


@dataclass(frozen=True, slots=True)
class Globs:
    """Which files count: those that a glob of `include` matches (all, if there is none) and none of `exclude`.

    A glob without a slash is for names, of folders too when it excludes; one with a slash is for paths below the root.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def takes(self, path: str) -> bool:
        """Whether the file with this path, relative to the root, counts."""
        return (not self.include or _any_matches(self.include, path)) and not self.leaves_out(path)

    def leaves_out(self, path: str) -> bool:
        """Whether a file or folder is excluded."""
        return _any_matches(self.exclude, path)


def files_below(root: Path, globs: Globs, *, unreadable: Callable[[NexxiError], object]) -> Iterator[Path]:
    """The regular files; symbolic links are not followed. `unreadable` hears of folders that cannot be read."""
    waiting = [(root, "")]
    while waiting:
        folder, below = waiting.pop()
        try:
            with translated(folder), os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except NexxiError as error:
            unreadable(error)
            continue
        folders: list[tuple[Path, str]] = []
        for entry in entries:
            path = below + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in HISTORIES and not globs.leaves_out(path):
                    folders.append((folder / entry.name, f"{path}/"))
            elif entry.is_file(follow_symlinks=False) and globs.takes(path):
                yield folder / entry.name
        waiting += reversed(folders)


def _any_matches(globs: Sequence[str], path: str) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in glob else name, glob.removeprefix("./")) for glob in globs)
