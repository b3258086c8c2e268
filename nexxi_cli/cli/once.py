"""`nexxi chat --once`: one answer, for scripts."""

import asyncio
from typing import TYPE_CHECKING

from nexxi_cli.cli.prompt import Prompt
from nexxi_cli.cli.render import note
from nexxi_cli.cli.reply import Reply
from nexxi_cli.cli.startup import LOCAL_OWNER, cli_app
from nexxi_cli.core.types import ChatRequest
from nexxi_cli.service.redaction.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from nexxi_cli.cli.chat import ChatOptions
    from nexxi_cli.core.settings import Settings

PEEK_S = 0.05
"""How long the model waits for standard input, so that a prompt that is no prompt is refused before anything loads."""


async def answer_once(settings: "Settings", options: "ChatOptions", prompt: Prompt) -> None:
    """Answer the prompt of the command line and of standard input on standard output."""
    reading = asyncio.create_task(prompt.complete())
    await asyncio.wait([reading], timeout=PEEK_S)
    if reading.done():
        reading.result()
    async with cli_app(settings, quiet=options.quiet, verbose=options.verbose) as app:
        backend = app.find_backend()  # the model loads while standard input is read
        text, silent = await reading
        if silent:
            note(silent, quiet=options.quiet)
        request = ChatRequest(
            text=text,
            owner=LOCAL_OWNER,
            session=options.session,
            system=options.system,
            sampling=options.sampling(settings),
            save=options.save,
        )
        service = app.chat_service(backend)
        answering = app.private_chat(service, Pseudonyms()) if options.private else service
        await Reply(options, kept=options.save).show(answering.stream(request))
