"""From the flags of `nexxi redact` to what is looked for, what stands for it and which fields count."""

from pathlib import Path
from typing import TYPE_CHECKING

from nexxi_cli.cli.redact_options import RedactOptions
from nexxi_cli.core.errors import NotFound, UsageError

if TYPE_CHECKING:
    from nexxi_cli.core.ports import PseudonymLedger
    from nexxi_cli.core.settings import Settings
    from nexxi_cli.service.redaction.keys import RedactionKey
    from nexxi_cli.service.redaction.operators import Operator
    from nexxi_cli.service.redaction.searching import Search
    from nexxi_cli.service.redaction.texts import Fields


def the_search(options: RedactOptions) -> "Search":
    """What is looked for. Raises UsageError for a type that there is not and a bad allow-list, NotFound."""
    import os
    from dataclasses import replace

    from nexxi_cli.core.paths import xdg_paths
    from nexxi_cli.core.types import NAME_TYPES
    from nexxi_cli.service.redaction.sifting import AllowList, parse_allow_list, sifted
    from nexxi_cli.wiring import redaction_search

    usual = redaction_search().types
    known = usual | NAME_TYPES
    wanted = _types(options.types, known) if options.types is not None else usual
    if options.names:
        wanted |= NAME_TYPES
    if options.skip is not None:
        wanted -= _types(options.skip, known)
    search = redaction_search(names=not NAME_TYPES.isdisjoint(wanted), paths=xdg_paths(os.environ))
    allowed = AllowList()
    if options.allow_list is not None:
        allowed = parse_allow_list(_lines(options.allow_list), name=str(options.allow_list))
    recognizers = sifted(search.recognizers, min_confidence=options.min_confidence, allowed=allowed)
    return replace(search, recognizers=recognizers, types=wanted)


def the_fields(options: RedactOptions) -> "Fields | None":
    """The fields of one text that count; None for the whole of it."""
    if options.jsonl:
        from nexxi_cli.service.redaction.json_fields import JsonFields

        return JsonFields(options.jsonl)
    if options.csv:
        from nexxi_cli.service.redaction.csv_fields import CsvFields

        return CsvFields(options.csv, options.delimiter)
    return None


class OperatorTable:
    """The operators of a command line. `map` is what has to be on the disk before a text takes its place."""

    def __init__(self, options: RedactOptions, types: frozenset[str]) -> None:
        """Raises UsageError for a name that there is not, and what reading a key raises."""
        from nexxi_cli.service.redaction.operators import NAMES, Operators

        self.map: PseudonymLedger | None = None
        self._options = options
        self._made: dict[str, Operator] = {}
        default = "replace" if options.map_file is None else "pseudonym"
        by_type: dict[str, str] = {}
        for part in (part.strip() for entry in options.operators for part in entry.split(",")):
            type_, equals, name = part.rpartition("=")
            if name not in NAMES:
                raise UsageError(f"--operator {part}: there are {', '.join(NAMES)}")
            if equals:
                by_type.update(dict.fromkeys(_types(type_, types), name))
            else:
                default = name
        self.names = {default, *by_type.values()}
        if options.map_file is not None and "pseudonym" not in self.names:
            raise UsageError("--map keeps pseudonyms: it needs --operator pseudonym for a type")
        self.operators: Operators = Operators(
            self._operator(default), {type_: self._operator(name) for type_, name in by_type.items()}
        )

    @property
    def has_memory(self) -> bool:
        """Whether what stands for a value depends on those before it."""
        return "pseudonym" in self.names

    def _operator(self, name: str) -> "Operator":
        if name not in self._made:
            self._made[name] = self._new(name)
        return self._made[name]

    def _new(self, name: str) -> "Operator":
        if name == "pseudonym":
            return self._pseudonyms()
        if name == "hash":
            from nexxi_cli.service.redaction.keys import Hash

            return Hash(self._key_or_random())
        if name == "fake":
            from nexxi_cli.service.redaction.fakes import Fake

            return Fake(self._key_or_random())
        if name == "encrypt":
            from nexxi_cli.service.redaction.sealing import Encrypt
            from nexxi_cli.wiring import value_cipher

            return Encrypt(value_cipher(needed_key(self._options, "--operator encrypt")))
        from nexxi_cli.service.redaction.operators import Mask, Replace

        return Mask() if name == "mask" else Replace()

    def _pseudonyms(self) -> "Operator":
        from nexxi_cli.service.redaction.pseudonyms import Pseudonyms
        from nexxi_cli.wiring import pseudonym_map

        if self._options.map_file is not None:
            self.map = pseudonym_map(self._options.map_file, given_key(self._options), make_key=True)
        return Pseudonyms(self.map)

    def _key_or_random(self) -> "RedactionKey":
        import secrets

        from nexxi_cli.service.redaction.keys import RedactionKey

        return given_key(self._options) or RedactionKey(secrets.token_bytes(32))


def given_key(options: RedactOptions) -> "RedactionKey | None":
    """The key of --key-file, NEXXI_REDACT_KEY or the config file."""
    from nexxi_cli.wiring import redaction_key

    def settings() -> "Settings":
        from nexxi_cli.cli.startup import read_settings

        return read_settings({})

    return redaction_key(options.key_file, settings)


def needed_key(options: RedactOptions, name: str) -> "RedactionKey":
    """The same. Raises UsageError, which says how to make one, where there is none."""
    key = given_key(options)
    if key is None:
        raise UsageError(
            f"{name} needs a key: set NEXXI_REDACT_KEY or give --key-file FILE, "
            "made with `(umask 077; openssl rand -base64 32 > FILE)`"
        )
    return key


def _types(names: str, known: frozenset[str]) -> frozenset[str]:
    chosen = frozenset(name.strip().upper() for name in names.split(",") if name.strip())
    for name in sorted(chosen - known):
        raise UsageError(f"{name} is not a type; there are {', '.join(sorted(known))}")
    return chosen


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except OSError as error:
        raise NotFound(f"the allow-list {path} cannot be read: {error.strerror}") from error
