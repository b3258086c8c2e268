"""A server with the API of Text Generation Inference that answers what a test wrote.

`python -m tests.infrastructure.model_server.tgi_upstream PORT` is one as a process, as `upstream` is.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.infrastructure.model_server.upstream import Asked, Upstream, data, run, words_of

OPENING = "<s>"


@dataclass
class TgiUpstream(Upstream):
    """What Upstream is, with a template that writes `<s>` and the messages with their roles.

    It has one model, the first; doubles: it puts <s> before every text by itself; max_input: as /info tells it.
    """

    PATH: ClassVar[str] = "/generate_stream"

    doubles: bool = True
    max_input: int | None = None

    @property
    def url(self) -> str:
        return f"tgi+{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def has_model(self, asked: Asked) -> bool:
        return True

    def document(self, asked: Asked) -> object:
        if asked.path == "/info":
            name, size = next(iter(self.models.items()))
            sizes = {"max_total_tokens": size, "max_input_tokens": self.max_input}
            return {"model_id": name} | {key: value for key, value in sizes.items() if value}
        opening = {"id": 1, "text": OPENING, "start": 0, "stop": len(OPENING)}
        if asked.path == "/chat_tokenize" and self.tokenizes:
            words = [opening, *({"id": 2, "text": "x", "start": 3, "stop": 4} for _ in range(words_of(asked) - 1))]
            return {"templated_text": templated(asked), "tokenize_response": words}
        if asked.path == "/tokenize":
            return [*([opening | {"text": "", "stop": 0}] if self.doubles else []), opening]
        return None

    def limit(self, asked: Asked) -> int:
        limit = asked.body["parameters"]["max_new_tokens"]
        assert isinstance(limit, int)
        return limit

    def event(self, text: str) -> bytes:
        return tgi_event(text)

    def last_events(self, asked: Asked, tokens: int) -> list[bytes]:
        finish = "eos_token" if tokens == len(self.reply) else "length"
        return [tgi_event("</s>", special=True, finish=finish, tokens=tokens)]


def templated(asked: Asked) -> str:
    """The prompt that messages are."""
    return OPENING + "".join(f"[{message['role']}]{message['content']}" for message in asked.body["messages"])


def tgi_event(text: str, *, special: bool = False, finish: str | None = None, **details: Any) -> bytes:
    """One token; the last with a finish. `details`: input_length, and tokens for generated_tokens."""
    told = None
    if finish is not None:
        names = {"tokens": "generated_tokens"}
        told = {"finish_reason": finish, "seed": None} | {names.get(key, key): value for key, value in details.items()}
    token = {"id": 5, "text": text, "logprob": -0.1, "special": special}
    generated = None if finish is None else "as a whole"
    return data({"index": 1, "token": token, "generated_text": generated, "details": told}).replace(b"data: ", b"data:")


@asynccontextmanager
async def tgi_upstream(**how: Any) -> AsyncIterator[TgiUpstream]:
    """One that runs until the end."""
    server = TgiUpstream(**how)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


if __name__ == "__main__":
    asyncio.run(run(TgiUpstream))
