"""The only file that chooses implementations: Settings become an open App. Longer than most, to stay the only one."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nexxi_cli.core.paths import Paths
from nexxi_cli.core.ports import (
    Archive,
    KeyStore,
    ModelBackend,
    ModelLibrary,
    Observer,
    Progress,
    RateLimiter,
    SessionStore,
    TurnLog,
    ValueCipher,
)
from nexxi_cli.core.registry import ARCHIVES, KEY_STORES, MODEL_BACKENDS, RATE_LIMITERS, SESSION_STORES, load
from nexxi_cli.core.types import NAME_TYPES, ChatRequest, RunningEngine, Session

if TYPE_CHECKING:
    from nexxi_cli.core.errors import NexxiError
    from nexxi_cli.core.moderation import LabelRule
    from nexxi_cli.core.settings import InjectionMode, Mode, Settings  # `redact` starts without pydantic
    from nexxi_cli.infrastructure.archive.caught_up import CaughtUpArchive
    from nexxi_cli.infrastructure.archive.outbox import Outbox
    from nexxi_cli.infrastructure.archive.writer import ArchiveWriter
    from nexxi_cli.infrastructure.model_server.backend import ModelServerBackend
    from nexxi_cli.infrastructure.models.loader import ModelLoader
    from nexxi_cli.infrastructure.redaction.pseudonym_map import PseudonymMap
    from nexxi_cli.infrastructure.stores.redis import RedisSessionStore
    from nexxi_cli.infrastructure.warm.identity import EngineIdentity
    from nexxi_cli.infrastructure.warm.place import Place
    from nexxi_cli.service.chat import ChatService
    from nexxi_cli.service.conversations import ConversationManager
    from nexxi_cli.service.key_manager import KeyManager
    from nexxi_cli.service.key_ring import KeyRing
    from nexxi_cli.service.key_text import Digest
    from nexxi_cli.service.moderation import ModerationScreen
    from nexxi_cli.service.private_chat import Answering, PrivateChat
    from nexxi_cli.service.redaction.keys import RedactionKey
    from nexxi_cli.service.redaction.pseudonyms import Pseudonyms
    from nexxi_cli.service.redaction.searching import Search
    from nexxi_cli.service.safety import SafetyFilter
    from nexxi_cli.service.strangers import AddressLimiter

SPOOL_FILE = "spool.db"

ENGINE = (sys.executable, "-m", "nexxi_cli.cli.engine")
"""The command of the process that keeps a model loaded."""

ARCHIVE_CLOSE_S = 1.0
"""How long a command waits at its end for an archive that does not answer; the outbox keeps what it has not got."""


@dataclass
class App:
    """The object graph. Its parts are built on first use, so a command pays only for what it touches.

    archive: gives the archive, which the App closes. What waits in the outbox is not in it yet.
    """

    settings: "Settings"
    paths: Paths
    observer: Observer
    progress: Progress
    store: SessionStore
    outbox: "Outbox"
    archive: Callable[[], Archive]
    conversations: "ConversationManager"
    _backends: list[ModelBackend] = field(default_factory=list)
    _unsaved: list[SessionStore] = field(default_factory=list)
    _rate_limiter: RateLimiter | None = None
    _key_ring: "KeyRing | None" = None
    _key_store: KeyStore | None = None
    _moderation: "ModerationScreen | None" = None
    _closing: AsyncExitStack = field(default_factory=AsyncExitStack)

    def start_backend(self, model: str | None = None) -> ModelBackend:
        """A backend for `model` (the settings' one), which begins to load at once. The App closes it."""
        backend = self._model_server(model) if self.settings.model_server else self._local_model(model)
        self._backends.append(backend)
        return backend

    def find_backend(self, model: str | None = None) -> ModelBackend:
        """For a chat: the model of a warm engine of this user while there is one, else as `start_backend`."""
        settings, name = self.settings, model or self.settings.model
        if settings.model_server:
            return self.start_backend(model)
        from nexxi_cli.infrastructure.warm.choice import KeepAlive, Wanted, warm_or_own

        keep_alive = None
        if settings.keep_alive:
            keep_alive = KeepAlive(settings.keep_alive, ENGINE, self.paths.state / "engine.log")
        backend = warm_or_own(
            Wanted(name, settings.quantize, settings.threads, settings.prefix_cache_mb),
            engine_place(self.paths),
            own=lambda: self._local_model(model),
            loader=lambda: model_loader(self.paths, self.progress),
            keep_alive=keep_alive,
            observer=self.observer,
        )
        self._backends.append(backend)
        return backend

    def shared_engine(
        self, backend: ModelBackend, admitted: Callable[[], AbstractContextManager[None]]
    ) -> AbstractAsyncContextManager[None]:
        """While it is open, chats of this user find `backend`; `admitted` is entered by each of their requests.

        Raises NotFound and ModelUnavailable for a model that is there no more.
        """
        from nexxi_cli.infrastructure.warm.host import shared_engine
        from nexxi_cli.infrastructure.warm.identity import absolute_name

        return shared_engine(
            engine_place(self.paths),
            engine_identity(self.settings),
            backend,
            name=absolute_name(self.settings.model),
            admitted=admitted,
            observer=self.observer,
        )

    async def keep_engine(self, on_start: Callable[[Callable[[], None]], None]) -> None:
        """Keep the settings' model loaded for the chats of this user, until none has come for `keep_alive`.

        `on_start` is given what ends it before. Raises what keeps the model from loading.
        """
        from nexxi_cli.infrastructure.warm.host import keep_engine
        from nexxi_cli.infrastructure.warm.lease import Lease

        lease = Lease(self.settings.keep_alive.total_seconds())
        on_start(lease.end)
        await keep_engine(
            engine_place(self.paths),
            engine_identity(self.settings),
            lease,
            name=self.settings.model,
            start=lambda: self._local_model(None),
        )

    def _local_model(self, model: str | None) -> ModelBackend:
        backend: ModelBackend = load(MODEL_BACKENDS, "local")(
            name=model or self.settings.model,
            loader=model_loader(self.paths, self.progress),
            threads=self.settings.threads,
            quantise=self.settings.quantize,
            packs=self.paths.cache / "engine",
            prefix_bytes=self.settings.prefix_cache_mb * 2**20,
            observer=self.observer,
            compiled=self.settings.compile,
        )
        return backend

    def _model_server(self, model: str | None) -> ModelBackend:
        settings = self.settings
        backend: ModelBackend = load(MODEL_BACKENDS, settings.model_backend)(
            urls=settings.model_server,
            key=settings.model_server_key.get_secret_value() if settings.model_server_key else None,
            model=model or settings.named_model,
            context_tokens=settings.model_server_context,
            silence_s=settings.model_server_silence_s,
            observer=self.observer,
        )
        return backend

    def rate_limiter(self) -> RateLimiter:
        """What counts the quotas; the App closes it."""
        if self._rate_limiter is None:
            self._rate_limiter = rate_limiter(self.settings)
            self._closing.push_async_callback(self._rate_limiter.aclose)
        return self._rate_limiter

    async def up_to_date_archive(self) -> Archive:
        """The archive once it has all that waited for it on this machine. Raises ArchiveUnavailable."""
        found = self.archive()
        await self.outbox.drain(found)
        return found

    def key_ring(self) -> "KeyRing":
        """Whose the keys are that requests come with; the App closes it. Raises as `key_digest`'s digest does."""
        from nexxi_cli.service.key_ring import KeyRing

        if self._key_ring is None:
            settings = self.settings
            store = self._opened_key_store()
            self._key_ring = KeyRing(
                store,
                key_digest(settings, self.paths),
                requests_per_minute=settings.requests_per_minute,
                tokens_per_minute=settings.tokens_per_minute,
                api_key=settings.api_key.get_secret_value() if settings.api_key else None,
                observer=self.observer,
            )
            self._closing.push_async_callback(self._key_ring.aclose)
        return self._key_ring

    def key_manager(self) -> "KeyManager":
        """What makes keys and ends them."""
        from nexxi_cli.service.key_manager import KeyManager

        return KeyManager(self._opened_key_store(), key_digest(self.settings, self.paths))

    async def unsaved_conversations(self, session: Session | None = None) -> "ConversationManager":
        """Conversations that are kept in memory until the App closes, beginning with a copy of `session`."""
        from nexxi_cli.service.conversations import ConversationManager

        store: SessionStore = load(SESSION_STORES, "sqlite")(Path(":memory:"))
        self._unsaved.append(store)
        if session is not None:
            await store.create(session)
        return ConversationManager(store, default_system=self.settings.system)

    def chat_service(
        self, backend: ModelBackend, *, conversations: "ConversationManager | None" = None
    ) -> "ChatService":
        """The pipeline in front of `backend`; it keeps the turns in `conversations` (those of the App)."""
        from nexxi_cli.service.chat import ChatService

        return ChatService(
            safety=self.safety_filter(),
            conversations=conversations or self.conversations,
            backend=backend,
            observer=self.observer,
        )

    def private_chat(
        self, service: "Answering", pseudonyms: "Pseudonyms", *, conversations: "ConversationManager | None" = None
    ) -> "PrivateChat":
        """What stands before `service`, so that it sees placeholders only. `conversations`: as of `chat_service`."""
        from nexxi_cli.service.private_chat import PrivateChat

        kept_in = conversations or self.conversations

        async def session_of(request: ChatRequest) -> Session | None:
            return await kept_in.resume(request.owner, request.session)

        search = redaction_search(names=self.settings.safety_names in ("redact", "block"))
        return PrivateChat(service, search, pseudonyms, session_of)

    def safety_filter(self) -> "SafetyFilter":
        """The filter as the settings want it."""
        _keep_compiled(self.paths)
        settings = self.settings
        return safety_filter(
            html=settings.safety_html,
            pii=settings.safety_pii,
            names=settings.safety_names,
            injection=settings.safety_injection,
            allow=settings.safety_allow,
            max_chars=settings.safety_max_chars,
            moderation=self.moderation(),
        )

    def moderation(self) -> "ModerationScreen | None":
        """The moderation layer, if the settings name a model. The first call begins to load it; the App closes it."""
        settings = self.settings
        name = settings.moderation_model
        if self._moderation is None and name is not None:
            from nexxi_cli.infrastructure.models.classifier import TransformersClassifier
            from nexxi_cli.service.moderation import ModerationScreen

            loader = model_loader(self.paths, self.progress, instead="a local folder")
            classifier = TransformersClassifier(name, loader)
            self._closing.push_async_callback(classifier.aclose)
            self._moderation = ModerationScreen(
                classifier, moderation_rules(settings), threshold=settings.moderation_threshold
            )
        return self._moderation

    async def stop_backend(self, backend: ModelBackend) -> None:
        """Close one backend before the App ends."""
        self._backends.remove(backend)
        await backend.aclose()

    def _opened_key_store(self) -> KeyStore:
        if self._key_store is None:
            self._key_store = key_store(self.settings, self.paths)
            self._closing.push_async_callback(self._key_store.aclose)
        return self._key_store

    async def aclose(self) -> None:
        """Stop the models; whatever holds their turns is closed after them."""
        for backend in self._backends:
            await backend.aclose()
        for store in self._unsaved:
            await store.aclose()


@asynccontextmanager
async def open_app(
    settings: "Settings",
    paths: Paths,
    *,
    observer: Observer | None = None,
    progress: Progress | None = None,
    spool: bool = False,
    log_behind: bool = False,
) -> AsyncIterator[App]:
    """Build the App for `settings` and close it at the end. `spool`: see session_store.

    `log_behind`: turns are noted for the archive behind the replies, as a server wants it.
    """
    from nexxi_cli.observability.silence import NO_PROGRESS, SILENT
    from nexxi_cli.service.conversations import ConversationManager

    observer = observer or SILENT
    store = session_store(settings, paths, spool_for=observer if spool else None)
    waiting = outbox(paths)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.aclose)
        stack.push_async_callback(waiting.aclose)

        @cache
        def opened_archive() -> Archive:
            opened = archive(settings, paths)
            stack.push_async_callback(opened.aclose)
            return opened

        log: TurnLog = waiting
        if settings.database_url:
            log = await stack.enter_async_context(archive_writer(waiting, opened_archive(), observer))
        if log_behind:
            from nexxi_cli.infrastructure.archive.behind import LogBehind

            log = await stack.enter_async_context(LogBehind(log, observer))
        archived = None
        if settings.redis_url:  # a file forgets nothing
            archived = caught_up(settings, paths, waiting, opened_archive)
            stack.push_async_callback(archived.aclose)
        app = App(
            settings=settings,
            paths=paths,
            observer=observer,
            progress=progress or NO_PROGRESS,
            store=store,
            outbox=waiting,
            archive=opened_archive,
            conversations=ConversationManager(
                store,
                default_system=settings.system,
                strategy=settings.history,
                log=log,
                archive=archived,
                observer=observer,
            ),
            _closing=stack,
        )
        stack.push_async_callback(app.aclose)
        yield app


def session_store(settings: "Settings", paths: Paths, *, spool_for: Observer | None = None) -> SessionStore:
    """The Redis of `redis_url`, if there is one, else a file of the user's. Opens nothing yet.

    With `spool_for`, who hears of it, turns wait on this machine while Redis is down: for a client whose user has read
    the reply, not for a server, which can refuse before there is one.
    """
    if settings.redis_url is None:
        store: SessionStore = load(SESSION_STORES, "sqlite")(paths.data / "sessions.db")
        return store
    url = settings.redis_url.get_secret_value()
    redis: RedisSessionStore = load(SESSION_STORES, urlsplit(url).scheme)(url, ttl_s=settings.session_ttl_s)
    if spool_for is None:
        return redis
    from nexxi_cli.infrastructure.stores.spool import Spool
    from nexxi_cli.infrastructure.stores.spooling import SpoolingSessionStore

    return SpoolingSessionStore(redis, Spool(paths.state / SPOOL_FILE, place=redis.place), spool_for)


async def waiting_turns(paths: Paths) -> Mapping[str, int]:
    """How many turns wait on this machine, by the Redis that they are for. Raises StoreUnavailable."""
    from nexxi_cli.infrastructure.stores.spool import waiting_turns as count

    return await count(paths.state / SPOOL_FILE)


def rate_limiter(settings: "Settings") -> RateLimiter:
    """For all workers that share the Redis of `redis_url` or, without one, for this process."""
    url = settings.redis_url
    limiter: RateLimiter = (
        load(RATE_LIMITERS, "redis")(url.get_secret_value()) if url else load(RATE_LIMITERS, "memory")()
    )
    return limiter


def address_limiter() -> "AddressLimiter":
    """For clients without a valid key, in this process; remembers those 10,000 addresses that failed last."""
    from nexxi_cli.service.strangers import AddressLimiter

    return AddressLimiter(load(RATE_LIMITERS, "memory")(max_names=10_000))


def safety_filter(
    *,
    html: "Mode" = "off",
    pii: "Mode" = "redact",
    names: "Mode" = "off",
    injection: "InjectionMode" = "block",
    allow: Sequence[str] = (),
    max_chars: int | None = None,
    moderation: "ModerationScreen | None" = None,
) -> "SafetyFilter":
    """A ready filter with every recognizer; synchronous, thread-safe and cheap to build.

    allow: rules, or regular expressions of texts, that the injection layer lets through; its classifier and the tagger
    of names load on use.
    """
    from nexxi_cli.infrastructure.injection.detector import ClassifyingDetector
    from nexxi_cli.infrastructure.names import NAMES
    from nexxi_cli.infrastructure.recognizers import SCANNER
    from nexxi_cli.service.injection import InjectionScreen
    from nexxi_cli.service.safety import SafetyFilter

    screen = None
    if injection != "off":
        screen = InjectionScreen(
            ClassifyingDetector(), blocks=injection == "block", allow=allow, types=SCANNER.types | NAME_TYPES
        )
    return SafetyFilter(
        recognizers=(SCANNER,),
        html=html,
        pii=pii,
        max_chars=max_chars,
        injection=screen,
        moderation=moderation,
        name_recognizers=(NAMES,),
        names=names,
    )


def moderation_rules(settings: "Settings") -> "Sequence[LabelRule]":
    """What the settings say of the moderation model's labels."""
    from nexxi_cli.core.moderation import parse_rule

    return [parse_rule(entry) for entry in settings.moderation_labels]


def moderation_plan(settings: "Settings", paths: Paths) -> "tuple[Path, Sequence[LabelRule]] | None":
    """Where the moderation model lies and which of its labels count; None as long as it has to be fetched.

    Loads no weights. Raises SettingsError, NotFound, UnsupportedModel and ModelUnavailable.
    """
    from nexxi_cli.service.moderation import plan_of

    assert settings.moderation_model is not None
    folder = model_loader(paths).here(settings.moderation_model)
    if folder is None:
        return None
    return folder.path, plan_of(folder.labels, moderation_rules(settings), model=folder.name)


def _keep_compiled(paths: Paths) -> None:
    from nexxi_cli.infrastructure.recognizers import SCANNER

    SCANNER.keep_in(paths.cache / "recognizers")


def redaction_filter(*, names: bool = False, max_chars: int | None = None) -> "SafetyFilter":
    """A filter for texts outside of a chat, which leaves markup alone.

    It can look for every type, and looks for all but names until others are chosen; with `names`, for those too.
    """
    safety = safety_filter(names="redact", injection="off", max_chars=max_chars)
    return safety if names else safety.only(safety.known_types - NAME_TYPES)


def redaction_search(*, names: bool = False, paths: Paths | None = None) -> "Search":
    """Every recognizer, for texts that are redacted outside of a chat; with `names`, the tagger's too.

    What has to be compiled is kept in the cache of `paths`, for the next process.
    """
    from nexxi_cli.infrastructure.recognizers import SCANNER
    from nexxi_cli.service.redaction.searching import Search

    if paths is not None:
        _keep_compiled(paths)
    if not names:
        return Search((SCANNER,), SCANNER.types)
    from nexxi_cli.infrastructure.names import NAMES

    return Search((SCANNER, NAMES), SCANNER.types | NAME_TYPES)


def redaction_key(key_file: Path | None, settings: "Callable[[], Settings]") -> "RedactionKey | None":
    """The key in the file, else that of the settings. Raises NotFound, UsageError, SettingsError."""
    from nexxi_cli.service.redaction.keys import RedactionKey

    if key_file is not None:
        from nexxi_cli.infrastructure.redaction.key_file import read_key

        return RedactionKey(read_key(key_file))
    secret = settings().redact_key
    return None if secret is None else RedactionKey(secret.get_secret_value().encode())


def pseudonym_map(path: Path, key: "RedactionKey | None", *, make_key: bool) -> "PseudonymMap":
    """The map in this file, under `key` or the one in the file beside it, which `make_key` makes if there is none.

    Raises NotFound, UsageError and NexxiError for a key that cannot be read or made.
    """
    from nexxi_cli.infrastructure.redaction.key_file import kept_key, key_of_map
    from nexxi_cli.infrastructure.redaction.pseudonym_map import PseudonymMap
    from nexxi_cli.service.redaction.keys import RedactionKey

    if key is None:
        beside = path.with_name(f"{path.name}.key")
        key = RedactionKey(kept_key(beside) if make_key else key_of_map(path, beside))
    return PseudonymMap(path, key.derived("map"))


def value_cipher(key: "RedactionKey") -> ValueCipher:
    """What the operator `encrypt` seals values with."""
    from nexxi_cli.infrastructure.redaction.cipher import KEY_BYTES, TokenCipher

    return TokenCipher(key.derived("encrypt", KEY_BYTES))


def model_loader(paths: Paths, progress: Progress | None = None, *, instead: str | None = None) -> "ModelLoader":
    """The models in the cache and the ways to fetch more. `instead`: see ModelLoader."""
    from nexxi_cli.infrastructure.models.loader import CHAT_MODELS, ModelLoader
    from nexxi_cli.observability.silence import NO_PROGRESS

    return ModelLoader(paths.cache, progress or NO_PROGRESS, instead=instead or CHAT_MODELS)


def compile_behind(folder: Path, settings: "Settings", paths: Paths) -> None:
    """Have the steps of a model that lies in a folder compiled, unless the settings forbid it; nobody waits for it."""
    from nexxi_cli.infrastructure.engine.kernels import start_compiler

    if settings.compile:
        start_compiler(folder, settings.quantize, paths.cache / "engine")


def runs_by(folder: Path, settings: "Settings", paths: Paths) -> str:
    """Which engine runs the model of a folder, and why not the other. Raises ModelUnavailable for a broken folder."""
    from nexxi_cli.core.errors import UnsupportedModel
    from nexxi_cli.infrastructure.engine.kernels import told_of_kernels
    from nexxi_cli.infrastructure.engine.shape import shape_of
    from nexxi_cli.infrastructure.models.folder import ModelFolder

    try:
        shape_of(ModelFolder(folder.name, folder).config)
    except UnsupportedModel as reason:
        return f"transformers ({reason})"
    steps = told_of_kernels(paths.cache / "engine") if settings.compile else "steps not compiled, as the settings say"
    return f"Nexxi's engine on a CPU (quantize: {settings.quantize}; {steps}), by transformers on CUDA"


def engine_place(paths: Paths) -> "Place":
    """Where the warm engines of this user listen."""
    from nexxi_cli.infrastructure.warm.place import Place

    return Place(paths.runtime)


def engine_identity(settings: "Settings") -> "EngineIdentity":
    """What an engine under these settings is. Raises NotFound and ModelUnavailable."""
    from nexxi_cli.infrastructure.warm.identity import identity_of

    return identity_of(settings.model, quantise=settings.quantize, threads=settings.threads)


async def running_engines(paths: Paths) -> "Sequence[RunningEngine]":
    """The warm engines of this user. Raises ModelUnavailable for a folder that is not his own."""
    from nexxi_cli.infrastructure.warm.engines import running_engines as found

    return await found(engine_place(paths))


async def stop_engines(paths: Paths, model: str | None) -> "Sequence[RunningEngine]":
    """End those of a model, or all that chats have left behind; what they were. Raises NotFound and UsageError."""
    from nexxi_cli.infrastructure.warm.engines import stop_engines as stop

    return await stop(engine_place(paths), model)


def model_library(paths: Paths, progress: Progress) -> ModelLibrary:
    """The same, as the commands see it."""
    return model_loader(paths, progress)


async def models_of_servers(settings: "Settings") -> "Mapping[str, Mapping[str, int | None] | NexxiError]":
    """What each of the settings' model servers has, with the context lengths that they tell, or why it does not say."""
    backend: type[ModelServerBackend] = load(MODEL_BACKENDS, settings.model_backend)
    key = settings.model_server_key
    return await backend.models_at(settings.model_server, key=key.get_secret_value() if key else None)


def archive(settings: "Settings", paths: Paths) -> Archive:
    """The archive that the settings name, or a file of the user's. It connects on first use."""
    database, url = _database(settings, paths)
    opened: Archive = load(ARCHIVES, database)(url)
    return opened


def key_store(settings: "Settings", paths: Paths) -> KeyStore:
    """The keys, in the archive's database. It connects on first use."""
    database, url = _database(settings, paths)
    opened: KeyStore = load(KEY_STORES, database)(url)
    return opened


def key_digest(settings: "Settings", paths: Paths) -> "Digest":
    """What keys are hashed with: HMAC under the settings' secret, or under one of the user's, made on first use.

    The digest raises ArchiveUnavailable or SettingsError when that one cannot be read.
    """
    from nexxi_cli.infrastructure.key_secret import kept_secret
    from nexxi_cli.service.key_text import keyed_digest

    @cache
    def secret() -> str:
        return settings.key_secret.get_secret_value() if settings.key_secret else kept_secret(paths.data / "key-secret")

    return lambda text: keyed_digest(secret(), text)


def _database(settings: "Settings", paths: Paths) -> tuple[str, str]:
    """The kind and the URL of the database that the settings name, or of a file of the user's."""
    if settings.database_url is None:
        return "sqlite", f"sqlite:///{paths.data / 'archive.db'}"
    url = settings.database_url.get_secret_value()
    return ("sqlite" if url.startswith("sqlite:") else "postgresql"), url


def caught_up(
    settings: "Settings", paths: Paths, waiting: "Outbox", open_archive: Callable[[], Archive]
) -> "CaughtUpArchive":
    """The archive's sessions as of now."""
    from nexxi_cli.infrastructure.archive.caught_up import CaughtUpArchive
    from nexxi_cli.infrastructure.archive.sqlite_list import SqliteList

    database, url = _database(settings, paths)
    quick_list = SqliteList(Path(url.removeprefix("sqlite:///"))) if database == "sqlite" else None
    return CaughtUpArchive(waiting, open_archive, quick_list)


def outbox(paths: Paths) -> "Outbox":
    """What waits on this machine for the archive."""
    from nexxi_cli.infrastructure.archive.outbox import Outbox

    return Outbox(paths.data / "outbox.db")


def archive_writer(waiting: "Outbox", remote: Archive, observer: Observer) -> "ArchiveWriter":
    """The task that brings the outbox to an archive on another machine."""
    from nexxi_cli.infrastructure.archive.writer import ArchiveWriter

    return ArchiveWriter(waiting, remote, observer, close_s=ARCHIVE_CLOSE_S)
