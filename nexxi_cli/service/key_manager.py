"""KeyManager: makes keys of the API and ends them. Knows names and lifetimes, not where keys lie."""

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from nexxi_cli.core.access import ApiKey, Scope
from nexxi_cli.core.errors import NotFound, UsageError
from nexxi_cli.core.ports import KeyStore
from nexxi_cli.service.key_text import Digest, KeyText, new_key_text
from nexxi_cli.service.references import NAME

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}")  # no slash: it parts owner and name of a quota
_NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key and, this once, its text."""

    key: ApiKey
    text: str = field(repr=False)


class KeyManager:
    """A name stands for all live keys that have it: there are several of them while a rotation overlaps."""

    def __init__(
        self,
        store: KeyStore,
        digest: Digest,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_text: Callable[[], KeyText] = new_key_text,
    ) -> None:
        self._store = store
        self._digest = digest
        self._now = now
        self._new_text = new_text

    async def all(self) -> Sequence[ApiKey]:
        """Every key that was ever made, the oldest first. Raises ArchiveUnavailable, as all methods do."""
        return await self._store.all()

    async def live(self, reference: str) -> Sequence[ApiKey]:
        """The live keys of this name or, when there is none, the one of this id. Raises NotFound."""
        found = _called(await self._live(), reference)
        if not found:
            raise NotFound(f"there is no live key {reference!r}; `nexxi keys list --all` shows those that have ended")
        return found

    async def create(
        self,
        name: str,
        *,
        owner: str | None = None,
        scopes: Set[Scope] = frozenset({"chat"}),
        lifetime: timedelta | None = None,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> NewKey:
        """A key of its own owner, or of `owner`, whose sessions it then sees; without a lifetime it never expires.

        Raises UsageError for a name or owner that can be none, a name that a live key has, and no time to live.
        """
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot be a key's name: 1 to 64 letters, digits, dots, dashes and underscores,"
                " a letter or a digit first"
            )
        if owner is not None and not _OWNER.fullmatch(owner):
            raise UsageError(f"{owner!r} cannot be an owner: letters, digits and .-_:@, a letter or a digit first")
        if _called(await self._live(), name):
            raise UsageError(f"there is a live key {name!r} already: rotate or revoke it, or take another name")
        made, now = self._new_text(), self._now()
        key = ApiKey(
            key_id=made.key_id,
            name=name,
            owner=owner or f"key:{made.key_id}",
            digest=self._digest(made.text),
            scopes=frozenset(scopes),
            created_at=now,
            expires_at=_expiry(now, lifetime),
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
        )
        await self._store.add(key)
        return NewKey(key, made.text)

    async def revoke(self, reference: str) -> Sequence[ApiKey]:
        """End the live keys of a name, or the one of an id, now; return them. Raises NotFound."""
        now = self._now()
        keys = [replace(key, revoked_at=now) for key in await self.live(reference)]
        for key in keys:
            await self._store.change(key)
        return keys

    async def rotate(
        self, reference: str, *, overlap: timedelta = _NO_TIME, lifetime: timedelta | None = None
    ) -> NewKey:
        """A key with a new secret and all else as before; those before it end after `overlap`.

        Without a `lifetime` it lives as long as the one before was to. The new key is kept first: should the database
        fail in between, no key has ended, and rotating the name again ends them all. Raises NotFound, UsageError.
        """
        before = await self.live(reference)
        newest, made, now = before[-1], self._new_text(), self._now()
        if lifetime is None and newest.expires_at is not None:
            lifetime = newest.expires_at - newest.created_at
        key = replace(
            newest,
            key_id=made.key_id,
            digest=self._digest(made.text),
            created_at=now,
            expires_at=_expiry(now, lifetime),
        )
        await self._store.add(key)
        for old in before:
            await self._end(old, now, overlap)
        return NewKey(key, made.text)

    async def _end(self, key: ApiKey, now: datetime, overlap: timedelta) -> None:
        if not overlap:
            await self._store.change(replace(key, revoked_at=now))
        elif key.expires_at is None or now + overlap < key.expires_at:
            await self._store.change(replace(key, expires_at=now + overlap))

    async def _live(self) -> Sequence[ApiKey]:
        now = self._now()
        return [key for key in await self._store.all() if key.is_live(now)]


def _called(keys: Sequence[ApiKey], reference: str) -> Sequence[ApiKey]:
    named = [key for key in keys if key.name == reference]
    return named or [key for key in keys if key.key_id == reference]


def _expiry(now: datetime, lifetime: timedelta | None) -> datetime | None:
    if lifetime is None:
        return None
    if lifetime <= _NO_TIME:
        raise UsageError("a key has to live for some time: write it as 90d, 12h or 4w")
    return now + lifetime
