"""`nexxi redact --restore` and `--decrypt`: originals back into a text."""

from nexxi_cli.cli.redact_files import Reader, StandardOutput, Target, Write, end_cleanly, targets
from nexxi_cli.cli.redact_options import RedactOptions
from nexxi_cli.cli.redact_setup import given_key, needed_key
from nexxi_cli.cli.render import note
from nexxi_cli.core.errors import NexxiError
from nexxi_cli.service.redaction.encodings import TextCodec
from nexxi_cli.service.redaction.lookup import Lookup
from nexxi_cli.service.redaction.restoring import Restorer
from nexxi_cli.service.redaction.sealing import Decryptor
from nexxi_cli.service.redaction.texts import TextStream


def put_back(options: RedactOptions) -> None:
    """Restore or decrypt all targets.

    Raises NotAuthorised for a wrong key: what was to be restored has come out by then, with its placeholders, but no
    file was changed.
    """
    run = _Decrypting(options) if options.restore is None else _Restoring(options)
    output = StandardOutput(gzipped=options.gzip and not options.in_place)
    reader = Reader(options)
    for target in targets(options, _refuse):
        if options.in_place:
            _replace(run, reader, target)
        else:
            _pass(run, reader, target, output.write)
    output.end()
    run.end()


def _refuse(error: NexxiError) -> None:
    raise error


class _Restoring:
    def __init__(self, options: RedactOptions) -> None:
        from nexxi_cli.wiring import pseudonym_map

        path = options.restore
        assert path is not None
        self._lookup = Lookup(lambda: pseudonym_map(path, given_key(options), make_key=False))

    def stream(self) -> TextStream:
        return Restorer(self._lookup.value_of)

    def end(self) -> None:
        """Raises what reading the map raised."""
        if self._lookup.error is not None:
            raise self._lookup.error


class _Decrypting:
    def __init__(self, options: RedactOptions) -> None:
        from nexxi_cli.wiring import value_cipher

        self._cipher = value_cipher(needed_key(options, "--decrypt"))
        self._options = options
        self._streams: list[Decryptor] = []

    def stream(self) -> TextStream:
        self._streams.append(Decryptor(self._cipher))
        return self._streams[-1]

    def end(self) -> None:
        unopened = sum(stream.unopened for stream in self._streams)
        if unopened:
            note(f"{unopened} do not open with this key and stay", quiet=self._options.quiet)


_Way = _Restoring | _Decrypting


def _replace(run: _Way, reader: Reader, target: Target) -> None:
    from nexxi_cli.service.redaction.in_place import InPlace

    end_cleanly()
    with InPlace(target.path, gzipped=target.gzipped) as replacement:
        changed = _pass(run, reader, target, replacement.write)
        run.end()
        if changed:
            replacement.commit()


def _pass(run: _Way, reader: Reader, target: Target, write: Write) -> bool:
    """One target from where it lies to `write`; whether it came out as another text."""
    codec, stream = TextCodec(), run.stream()
    before, after = _Sum(), _Sum()
    for block in reader.blocks(target):
        before.add(block)
        out = codec.encode(stream.push(codec.decode(block)))
        after.add(out)
        write(out)
    out = codec.encode(stream.push(codec.finish()) + stream.finish()) + codec.tail
    after.add(out)
    write(out)
    return before.value != after.value


class _Sum:
    """A digest of all that went by."""

    def __init__(self) -> None:
        import hashlib

        self._hash = hashlib.blake2b()

    def add(self, data: bytes) -> None:
        self._hash.update(data)

    @property
    def value(self) -> bytes:
        return self._hash.digest()
