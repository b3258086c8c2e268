"""`nexxi serve`: the HTTP API in front of one model."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexxi_cli.cli.options import DebugFlag, ModelOption, flag

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from nexxi_cli.core.ports import ModelBackend
    from nexxi_cli.core.settings import Settings
    from nexxi_cli.http.workers import Bond
    from nexxi_cli.wiring import App

    StartBackend = Callable[[App], ModelBackend]

HTTP_SESSION_TTL_S = 1800
"""How long Redis keeps a silent session that came over HTTP, unless the settings say otherwise."""

MODEL_SERVER_CONCURRENT = 64
"""Replies at a time of each worker in front of a model server, which batches them and keeps a queue of its own."""

CONFIGURATIONS = "prometheus|grafana|nginx|systemd|compose|k8s"


def serve(
    *,
    model: ModelOption = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port (8000); 0 takes a free one.")] = None,
    uds: Annotated[Path | None, typer.Option("--uds", metavar="PATH", help="Listen on a Unix socket instead.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", metavar="N", help="Processes (1); more need a model server, Redis.")
    ] = None,
    max_concurrent: Annotated[
        int | None,
        typer.Option(
            "--max-concurrent", metavar="N", help="Replies at a time (8; with a model server 64 each worker)."
        ),
    ] = None,
    max_queue: Annotated[
        int | None, typer.Option("--max-queue", metavar="N", help="Requests that may wait for a place (100).")
    ] = None,
    request_timeout: Annotated[
        float | None, typer.Option("--request-timeout", metavar="SECONDS", help="Deadline of a request (300).")
    ] = None,
    grace: Annotated[
        float | None, typer.Option("--grace", metavar="SECONDS", help="How long replies go on after SIGTERM (30).")
    ] = None,
    log_format: Annotated[str | None, typer.Option("--log-format", metavar="text|json", help="Log lines.")] = None,
    forwarded_allow_ips: Annotated[
        str | None,
        typer.Option("--forwarded-allow-ips", metavar="IPS", help="Proxies whose X-Forwarded-* are believed."),
    ] = None,
    require_https: Annotated[bool, flag("--require-https", help="Refuse what did not come over TLS.")] = False,
    insecure_no_auth: Annotated[
        bool, flag("--insecure-no-auth", help="Serve without keys, on a loopback address only.")
    ] = False,
    check: Annotated[bool, flag("--check", help="Check everything that serving needs, and exit.")] = False,
    print_config: Annotated[
        str | None,
        typer.Option("--print-config", metavar=CONFIGURATIONS, help="Print a configuration file, and exit."),
    ] = None,
    debug: DebugFlag = False,
) -> None:
    """Serve the HTTP API: /v1/chat, /v1/chat/completions, /v1/sessions and more; /docs describes it."""
    from nexxi_cli.http.workers import check_workers

    settings = http_settings(
        {
            "model": model,
            "host": host,
            "port": port,
            "uds": uds,
            "workers": workers,
            "max_concurrent": max_concurrent,
            "max_queue": max_queue,
            "request_timeout_s": request_timeout,
            "grace_s": grace,
            "log_format": log_format,
            "forwarded_allow_ips": forwarded_allow_ips,
            "require_https": require_https or None,
            "insecure_no_auth": insecure_no_auth or None,
        }
    )
    if print_config is not None:
        from nexxi_cli.http.configs import configuration

        typer.echo(configuration(print_config, settings), nl=False)
        return
    check_workers(settings)
    if check:
        from nexxi_cli.cli.serve_check import check_serving

        check_serving(settings)
        return
    code = run_server(settings)
    if code:
        raise typer.Exit(code)


def run_server(settings: "Settings", start_backend: "StartBackend | None" = None) -> int:
    """Serve until a signal; return the exit code. `start_backend`: what answers; by default the settings' model."""
    from nexxi_cli.http.listener import listen

    listener = listen(settings)
    try:
        with listener:
            if settings.workers > 1:
                from nexxi_cli.cli.serve_workers import run_workers

                _announce(settings, listener)
                return run_workers(settings, listener, lambda bond: _serve(settings, listener, start_backend, bond))
            return _serve(settings, listener, start_backend)
    finally:
        if settings.uds is not None:
            settings.uds.unlink(missing_ok=True)


def _serve(
    settings: "Settings", listener: "socket.socket", start_backend: "StartBackend | None", bond: "Bond | None" = None
) -> int:
    """Serve in this process, which is a worker if there is a `bond`."""
    import asyncio

    import uvloop

    from nexxi_cli.observability.logs import flush_logs, log_to
    from nexxi_cli.observability.standard_logging import route_standard_logging

    log_to(level="INFO", style=settings.log_format)
    route_standard_logging()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(settings, listener, start_backend, bond))
    finally:
        flush_logs()


def http_settings(flags: "Mapping[str, object]") -> "Settings":
    """The settings, with HTTP's own defaults: sessions expire, and an injection is refused, as it is not one's own."""
    from nexxi_cli.cli.startup import read_settings

    settings = read_settings(flags)
    defaults: dict[str, object] = {"session_ttl_s": HTTP_SESSION_TTL_S, "safety_injection": "block"}
    if settings.model_server:
        defaults["max_concurrent"] = MODEL_SERVER_CONCURRENT
    return settings.model_copy(
        update={name: value for name, value in defaults.items() if name not in settings.model_fields_set}
    )


async def _run(
    settings: "Settings", listener: "socket.socket", start_backend: "StartBackend | None", bond: "Bond | None"
) -> int:
    import asyncio

    from prometheus_client import CollectorRegistry

    from nexxi_cli.cli.progress import TerminalProgress
    from nexxi_cli.cli.startup import cli_paths
    from nexxi_cli.core.events import WorkerReplaced
    from nexxi_cli.http.exposure import check_access
    from nexxi_cli.http.server import serve_api
    from nexxi_cli.observability.group import ObserverGroup
    from nexxi_cli.observability.logs import LogObserver
    from nexxi_cli.observability.metrics import MetricsObserver, exposition
    from nexxi_cli.wiring import open_app, safety_filter

    registry = CollectorRegistry()
    observer = ObserverGroup(LogObserver(details=False), MetricsObserver(registry))
    if bond is not None and bond.replaces is not None:
        observer.notify(WorkerReplaced(bond.replaces))
    progress = TerminalProgress(quiet=settings.log_format == "json")
    async with open_app(settings, cli_paths(), observer=observer, progress=progress, log_behind=True) as nexxi:
        await check_access(settings, nexxi.key_ring())
        backend = start_backend(nexxi) if start_backend else nexxi.start_backend()
        nexxi.moderation()  # begins to load, beside the model
        await asyncio.to_thread(
            safety_filter(html="redact").check, "What is compiled on first use is ready when it is needed."
        )
        return await serve_api(
            nexxi,
            backend,
            listener,
            exposition=lambda: exposition(registry),
            on_listening=lambda: None if bond else _announce(settings, listener),
            on_ready=lambda: _settle(bond),
            lifeline=bond.lifeline if bond else None,
            listens_at_once=bond is None or bond.is_alone,
        )


def _settle(bond: "Bond | None") -> None:
    """What is loaded stays: the collector need not look through it again, which would stop everything for 0.1 s."""
    gc.collect()
    gc.freeze()
    if bond is not None:
        bond.tell_ready()


def _announce(settings: "Settings", listener: "socket.socket") -> None:
    if settings.uds is not None:
        where = f"unix:{settings.uds}"
    else:
        host, port = listener.getsockname()[:2]
        where = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    model = settings.model
    if settings.model_server:
        model = f"{settings.named_model or 'the model'} of {', '.join(settings.model_server)}"
    how = "" if settings.workers == 1 else f" with {settings.workers} workers"
    typer.echo(f"nexxi serves {model}{how} on {where}; /ready tells when it is loaded", err=True)
