"""Who is let in, on what news, and what it costs to turn the others away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

import pytest

from nexxi_cli.core.access import ApiKey, Caller
from nexxi_cli.core.errors import ArchiveUnavailable, NotAuthorised
from nexxi_cli.core.events import KeysDown, KeysUp
from nexxi_cli.service.key_ring import HOLD_S, REREAD_S, KeyRing
from nexxi_cli.service.key_text import KeyText, keyed_digest, new_key_text
from tests.contracts.keys import a_key
from tests.service.conversing import NOON
from tests.service.ringing import CountingDigest, KeyShelf, Listener, ManualTime, settled

ADA, BOB, EVE = new_key_text(), new_key_text(), new_key_text()
SINGLE = "schlüssel-für-alles"
SHAPED_LIKE_OURS = new_key_text().text

NewRing = Callable[..., KeyRing]


def key_of(text: KeyText, **fields: object) -> ApiKey:
    return a_key(text.key_id, digest=CountingDigest()(text.text), **fields)


@pytest.fixture
def shelf() -> KeyShelf:
    return KeyShelf(key_of(ADA, name="ada"), key_of(BOB, name="bob", expires_at=NOON + timedelta(seconds=10)))


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
def digest() -> CountingDigest:
    return CountingDigest()


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def new_ring(
    shelf: KeyShelf, time: ManualTime, digest: CountingDigest, listener: Listener
) -> AsyncIterator[NewRing]:
    made: list[KeyRing] = []

    def new(api_key: str | None = None) -> KeyRing:
        ring = KeyRing(
            shelf,
            digest,
            requests_per_minute=60,
            tokens_per_minute=None,
            api_key=api_key,
            observer=listener,
            now=time.now,
            clock=time.clock,
            sleep=time.sleep,
        )
        made.append(ring)
        digest.asked.clear()
        return ring

    yield new
    for ring in made:
        await ring.aclose()


@pytest.fixture
def ring(new_ring: NewRing) -> KeyRing:
    return new_ring()


async def refusal(ring: KeyRing, presented: str) -> str:
    with pytest.raises(NotAuthorised) as refused:
        await ring.caller(presented)
    return str(refused.value)


async def test_a_key_of_the_store_opens_for_its_owner_with_its_limits(shelf: KeyShelf, ring: KeyRing) -> None:
    shelf.keys[EVE.key_id] = key_of(
        EVE, name="eve", owner="local", scopes=frozenset({"metrics"}), requests_per_minute=5, tokens_per_minute=7
    )
    assert await ring.caller(EVE.text) == Caller("local", "eve", "local/eve", frozenset({"metrics"}), 5, 7)


async def test_a_key_without_limits_has_those_of_the_settings(ring: KeyRing) -> None:
    caller = await ring.caller(ADA.text)
    assert (caller.requests_per_minute, caller.tokens_per_minute) == (60, None)


async def test_keys_of_one_owner_and_name_share_a_quota_and_others_do_not(shelf: KeyShelf, ring: KeyRing) -> None:
    shelf.keys[ADA.key_id] = key_of(ADA, name="ci", owner="local")
    shelf.keys[BOB.key_id] = key_of(BOB, name="ci", owner="local")
    shelf.keys[EVE.key_id] = key_of(EVE, name="laptop", owner="local")
    quotas = [(await ring.caller(text.text)).quota for text in (ADA, BOB, EVE)]
    assert quotas[0] == quotas[1] != quotas[2]


WRONG = {
    "nothing": "",
    "a word": "letmein",
    "an id alone": f"nxi_{ADA.key_id}_",
    "another secret": ADA.text[:-4] + "AAAA" if not ADA.text.endswith("AAAA") else ADA.text[:-4] + "BBBB",
    "unknown": new_key_text().text,
    "a newline more": ADA.text + "\n",
    "NUL": ADA.text + "\x00",
    "not ASCII": ADA.text[:-1] + "é",
    "half a surrogate pair": "\ud800" * 56,
    "256 characters": "x" * 256,
    "257 characters": "x" * 257,
    "a megabyte": "nxi_" + "x" * 1_000_000,
}


@pytest.mark.parametrize("presented", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("api_key", [None, SINGLE])
async def test_every_wrong_key_is_refused_in_the_same_words(
    new_ring: NewRing, presented: str, api_key: str | None
) -> None:
    said = await refusal(new_ring(api_key), presented)
    assert said == await refusal(new_ring(), new_key_text().text)
    assert "\n" not in said
    assert not presented or presented not in said


async def test_revoked_and_expired_keys_are_refused_in_the_same_words(shelf: KeyShelf, ring: KeyRing) -> None:
    unknown = await refusal(ring, EVE.text)
    shelf.keys[ADA.key_id] = replace(shelf.keys[ADA.key_id], revoked_at=NOON)
    shelf.keys[BOB.key_id] = replace(shelf.keys[BOB.key_id], expires_at=NOON)
    await ring.aclose()
    assert [await refusal(ring, text.text) for text in (ADA, BOB)] == [unknown, unknown]


@pytest.mark.parametrize("presented", [ADA.text, SINGLE, *WRONG.values()], ids=["right", "single", *WRONG])
async def test_each_key_costs_one_digest_and_one_that_is_too_long_none(
    new_ring: NewRing, digest: CountingDigest, presented: str
) -> None:
    ring = new_ring(SINGLE)
    await asyncio.gather(ring.caller(presented), return_exceptions=True)
    assert digest.asked == ([presented] if len(presented) <= 256 else [])


async def test_a_revoked_key_is_refused_within_5_seconds(shelf: KeyShelf, time: ManualTime, ring: KeyRing) -> None:
    await ring.caller(ADA.text)
    await time.go_by(1)
    shelf.keys[ADA.key_id] = replace(shelf.keys[ADA.key_id], revoked_at=time.now())
    await ring.caller(ADA.text)
    await time.go_by(REREAD_S)
    await refusal(ring, ADA.text)


async def test_a_revoked_key_is_refused_within_5_seconds_by_a_slow_store_too(
    shelf: KeyShelf, time: ManualTime, ring: KeyRing
) -> None:
    shelf.slow = lambda: time.sleep(2.4)
    first = asyncio.create_task(ring.caller(ADA.text))
    await settled()
    shelf.keys[ADA.key_id] = replace(shelf.keys[ADA.key_id], revoked_at=time.now())
    for _ in range(49):
        await time.go_by(0.1)
        asking = asyncio.create_task(ring.caller(ADA.text))
        await settled()
    assert (await first).key_name == "ada"
    with pytest.raises(NotAuthorised):
        await asking


async def test_a_new_key_works_within_2_seconds(shelf: KeyShelf, time: ManualTime, ring: KeyRing) -> None:
    await refusal(ring, EVE.text)
    await refusal(ring, EVE.text)
    shelf.keys[EVE.key_id] = key_of(EVE)
    await time.go_by(2)
    await ring.caller(EVE.text)


@pytest.mark.parametrize("silence_s", [2.0, 3.0, 4_000.0])
async def test_after_a_silence_the_first_request_already_hears_the_news(
    shelf: KeyShelf, time: ManualTime, ring: KeyRing, silence_s: float
) -> None:
    await ring.caller(ADA.text)
    shelf.keys[ADA.key_id] = replace(shelf.keys[ADA.key_id], revoked_at=time.now())
    shelf.keys[EVE.key_id] = key_of(EVE)
    await time.go_by(silence_s)
    await ring.caller(EVE.text)
    await refusal(ring, ADA.text)


async def test_a_key_is_refused_from_the_moment_at_which_it_expires(time: ManualTime, ring: KeyRing) -> None:
    await ring.caller(BOB.text)
    await time.go_by(9.99)
    await ring.caller(BOB.text)
    await time.go_by(0.01)
    await refusal(ring, BOB.text)


async def test_no_request_but_the_first_waits_for_the_store(shelf: KeyShelf, time: ManualTime, ring: KeyRing) -> None:
    await ring.caller(ADA.text)
    await ring.caller(ADA.text)
    shelf.stuck = True
    await time.go_by(REREAD_S)
    assert shelf.reads == 2
    async with asyncio.timeout(1):
        await ring.caller(ADA.text)


async def test_many_first_requests_share_one_read(shelf: KeyShelf, ring: KeyRing) -> None:
    await asyncio.gather(*(ring.caller(ADA.text) for _ in range(100)))
    assert shelf.reads == 1


async def test_a_request_that_is_given_up_does_not_disturb_the_others(shelf: KeyShelf, ring: KeyRing) -> None:
    impatient, patient = (asyncio.create_task(ring.caller(ADA.text)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).key_name == "ada"
    assert shelf.reads == 1


async def test_a_flood_of_wrong_keys_costs_a_read_in_2_seconds_and_one_of_no_keys_at_all_none(
    shelf: KeyShelf, time: ManualTime, ring: KeyRing
) -> None:
    for _ in range(1000):
        await refusal(ring, "letmein")
    assert shelf.reads == 0
    for _ in range(100):
        for _ in range(20):
            await refusal(ring, new_key_text().text)
        await time.go_by(0.1)
    assert shelf.reads <= 1 + 10 / REREAD_S


async def test_nothing_is_read_while_nobody_asks(shelf: KeyShelf, time: ManualTime, ring: KeyRing) -> None:
    await ring.caller(ADA.text)
    await time.go_by(3600)
    assert shelf.reads == 1


async def test_in_an_outage_the_known_keys_hold_for_5_minutes(
    shelf: KeyShelf, time: ManualTime, ring: KeyRing, listener: Listener
) -> None:
    await ring.caller(ADA.text)
    shelf.down = True
    for _ in range(int(HOLD_S / 5)):
        await time.go_by(5)
        await ring.caller(ADA.text)
        await refusal(ring, "letmein")
    await time.go_by(5)
    with pytest.raises(ArchiveUnavailable, match="no API key can be checked: the keys are down"):
        await ring.caller(ADA.text)
    assert [type(event) for event in listener.heard] == [KeysDown]


async def test_an_outage_is_told_once_at_its_beginning_and_once_at_its_end(
    shelf: KeyShelf, time: ManualTime, ring: KeyRing, listener: Listener
) -> None:
    for shelf.down in (False, True, True, True, False, False):
        await ring.caller(ADA.text)
        await time.go_by(REREAD_S)
    await ring.caller(ADA.text)
    assert listener.heard == [KeysDown("the keys are down"), KeysUp(3 * REREAD_S)]


async def test_keys_that_were_never_read_are_an_outage_not_a_refusal(
    shelf: KeyShelf, time: ManualTime, ring: KeyRing
) -> None:
    shelf.down = True
    for _ in range(3):
        with pytest.raises(ArchiveUnavailable):
            await ring.caller(ADA.text)
    assert shelf.reads == 1
    shelf.down = False
    await time.go_by(REREAD_S)
    assert (await ring.caller(ADA.text)).key_name == "ada"


@pytest.mark.parametrize("api_key", [SINGLE, "hunter22", "x" * 256])
async def test_the_key_of_the_settings_opens_everything_without_a_store(
    new_ring: NewRing, shelf: KeyShelf, api_key: str
) -> None:
    caller = await new_ring(api_key).caller(api_key)
    assert caller == Caller("local", "default", "default", frozenset({"chat", "metrics", "admin"}), 60, None)
    assert shelf.reads == 0


async def test_the_key_of_the_settings_may_look_like_one_of_ours(new_ring: NewRing, shelf: KeyShelf) -> None:
    shelf.down = True
    assert (await new_ring(SHAPED_LIKE_OURS).caller(SHAPED_LIKE_OURS)).key_name == "default"


async def test_keys_of_the_store_open_beside_that_of_the_settings(new_ring: NewRing) -> None:
    assert (await new_ring(SINGLE).caller(ADA.text)).key_name == "ada"


async def test_live_keys_are_counted_with_that_of_the_settings(
    new_ring: NewRing, shelf: KeyShelf, time: ManualTime
) -> None:
    shelf.keys[EVE.key_id] = key_of(EVE, revoked_at=NOON)
    plain, single = new_ring(), new_ring(SINGLE)
    assert [await plain.count(), await single.count()] == [2, 3]
    await time.go_by(10)
    assert [await plain.count(), await single.count()] == [1, 2]


async def test_without_the_store_only_the_key_of_the_settings_counts(new_ring: NewRing, shelf: KeyShelf) -> None:
    shelf.down = True
    assert await new_ring(SINGLE).count() == 1
    with pytest.raises(ArchiveUnavailable):
        await new_ring().count()


async def test_a_closed_ring_reads_no_more(shelf: KeyShelf, time: ManualTime, ring: KeyRing) -> None:
    async with aclosing(ring):
        await ring.caller(ADA.text)
        await ring.caller(ADA.text)
    await time.go_by(REREAD_S)
    await settled()
    assert shelf.reads == 1


async def test_a_ring_is_closed_while_the_store_does_not_answer(shelf: KeyShelf, ring: KeyRing) -> None:
    shelf.stuck = True
    waiting = asyncio.create_task(ring.caller(ADA.text))
    await settled()
    async with asyncio.timeout(1):
        await ring.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_the_digest_is_hmac_sha256() -> None:
    # RFC 4231, test case 2
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert keyed_digest("Jefe", "what do ya want for nothing?").hex() == expected
