"""`nexxi serve --check`: everything that serving needs, looked at without serving."""

from typing import TYPE_CHECKING

import typer

from nexxi_cli.cli.running import run_to_end
from nexxi_cli.core.errors import Unavailable

if TYPE_CHECKING:
    from nexxi_cli.core.settings import Settings
    from nexxi_cli.service.diagnosis import Check
    from nexxi_cli.wiring import App


def check_serving(settings: "Settings") -> None:
    """Print what was found. Raises typer.Exit with 6 when something that is needed is not there."""
    from nexxi_cli.cli.looks import print_checks
    from nexxi_cli.cli.startup import cli_app

    async def run() -> "list[Check]":
        async with cli_app(settings, quiet=True) as nexxi:
            return await _checks(nexxi)

    checks = run_to_end(run())
    print_checks(checks)
    if any(check.state == "down" for check in checks):
        raise typer.Exit(Unavailable.exit_code)


async def _checks(nexxi: "App") -> "list[Check]":
    """Settings are good by now: `serve` has read them."""
    from nexxi_cli.cli.looks import look_at_archive, look_at_sessions
    from nexxi_cli.service.diagnosis import Check, check

    settings = nexxi.settings

    async def address() -> str:
        from nexxi_cli.http.listener import listen

        if settings.uds is not None and settings.uds.exists():
            return f"{settings.uds} is there already"
        with listen(settings):
            pass
        if settings.uds is not None:
            settings.uds.unlink()
            return str(settings.uds)
        return f"{settings.host} port {settings.port}"

    async def keys() -> str | Check:
        from nexxi_cli.http.exposure import check_access

        if settings.insecure_no_auth:
            await check_access(settings, nexxi.key_ring())
            return Check("keys", "warning", "none is asked for: whoever is on this machine may call")
        return f"{await check_access(settings, nexxi.key_ring())} valid"

    async def routes() -> str:
        from nexxi_cli.http.exposure import public_paths

        return f"without a key: {', '.join(public_paths(settings))}; with one: all others"

    async def model() -> str:
        backend = nexxi.start_backend()
        info = await backend.info()  # of a model server: whether it answers, for which `ready` would wait
        await backend.ready()
        state = "answers" if settings.model_server else "loads"
        return f"{info.name} {state}; its context is {info.context_length} tokens"

    async def moderation() -> str:
        await nexxi.safety_filter().ready()
        return f"{settings.moderation_model} loads"

    looks = {
        "address": address,
        "sessions": lambda: look_at_sessions(nexxi),
        "archive": lambda: look_at_archive(nexxi),
        "keys": keys,
        "routes": routes,
        "model": model,
        **({"moderation": moderation} if settings.moderation_model else {}),
    }
    return [await check(name, look) for name, look in looks.items()]
