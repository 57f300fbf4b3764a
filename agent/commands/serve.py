"""`agent serve`: talk to the model from a browser, Moshi's clients, OpenAI's Realtime clients or raw PCM."""

from __future__ import annotations

import asyncio
import datetime
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import assistant_options as options
from .hearing_option import HearingName
from .serving_model import load, read_persona

if TYPE_CHECKING:
    from ..assistant.partner import Assistant
    from ..assistant.settings import AssistantSettings
    from ..live.partner import Partner
    from ..serve.server import Server

OWN_CERTIFICATE = Path("self")  # of --tls


@options.assistant_options()
def serve(
    model: Annotated[str, typer.Option(help="shipped name or folder")] = "laptop",
    host: Annotated[
        str, typer.Option(help="address to listen on; beyond this computer a token is needed")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one")] = 8998,
    sessions: Annotated[
        str, typer.Option(help="conversations at once, further clients queue; auto: as many as keep up here, measured")
    ] = "4",
    queue: Annotated[int, typer.Option(min=0, help="clients that may wait")] = 16,
    auth_token: Annotated[
        str | None, typer.Option(envvar="DUOLOGUE_AUTH_TOKEN", help="secret that clients must send")
    ] = None,
    tls: Annotated[
        Path | None, typer.Option(help="https and wss: folder of key.pem and cert.pem, or self: made for localhost")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="web page that may connect too, https://...; repeatable")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="record conversations here; clients are told")] = None,
    idle_limit: Annotated[float, typer.Option(help="seconds without speech after which a session ends")] = 300.0,
    total_limit: Annotated[float, typer.Option(help="seconds after which a session ends")] = 3600.0,
    resume_limit: Annotated[float, typer.Option(help="seconds a session waits for a client whose line broke")] = 60.0,
    per_address: Annotated[int, typer.Option(min=1, help="connections of one address")] = 8,
    lag_ms: Annotated[float, typer.Option(help="bound of the lag: what is later is left out")] = 400.0,
    codec: Annotated[str | None, typer.Option(help="another codec than the model's own")] = None,
    hearing: HearingName = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, or cuda:1 for the second card")] = "auto",
    text_prompt: Annotated[
        str | None, typer.Option(help="who the agent is to be, for a model that was trained with roles, as PersonaPlex")
    ] = None,
    voice_prompt: Annotated[Path | None, typer.Option(help="recording of the voice it is to speak with")] = None,
    runtime: Annotated[
        str, typer.Option(help="fast, fused (the codec as it is), torch or slots (all at once, a card's way)")
    ] = "fast",
    int8: Annotated[bool, typer.Option(help="8-bit weights on the CPU")] = True,
    weights: Annotated[
        str, typer.Option(help="of a card, or of runtime slots or torch: own, int8 or fp8, which take half the memory")
    ] = "own",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: torch's choice")] = 0,
    log_json: Annotated[bool, typer.Option("--log-json", help="one JSON object a line")] = False,
    print_haproxy: Annotated[
        str | None, typer.Option(help="print a haproxy configuration for processes on these ports, 9001,9002, and end")
    ] = None,
    ray: Annotated[
        str | None, typer.Option(help="serve by actors on this Ray cluster: its address, auto, or local")
    ] = None,
    replicas: Annotated[int, typer.Option(min=1, help="with --ray: servers to start")] = 2,
    replica_gpus: Annotated[float, typer.Option(min=0, help="with --ray: share of a card that each takes")] = 0.0,
    haproxy_file: Annotated[Path, typer.Option(help="with --ray: haproxy configuration, kept up to date")] = Path(
        "haproxy.cfg"
    ),
    given: options.Given = options.NONE,
    settings: options.Settings = None,
) -> None:
    """Serve conversations on one port: the page /, Moshi's /api/chat, /v1/realtime and /ws/pcm."""
    if print_haproxy is not None:
        from ..serve.haproxy import configuration, ports

        typer.echo(configuration(host, port, ports(print_haproxy, port)), nl=False)
        return
    try:
        from ..assistant.settings import gather
        from ..live.bare import BareModel
        from ..live.runner import Runner
        from ..live.scheduler import Scheduler
        from ..serve.access import Access, ConnectionLimits, check_listening, tls_context
        from ..serve.conversation import ServerState
        from ..serve.event_log import start_logging, tell, warn
        from ..serve.recording import Recorder
        from ..serve.server import Server, serve_until_stopped
        from ..serve.wires.wire import ServerFacts
    except ModuleNotFoundError as error:
        raise ValueError(f"agent serve needs {error.name}: pip install 'duologue[serve]'") from None

    if ray not in (None, "local") and auth_token is None:
        raise ValueError("with --ray the servers listen on the cluster's network: give --auth-token TOKEN")
    warning = check_listening(host, auth_token, tls)
    check_start(host, port, lag_ms)
    wanted = how_many(sessions)
    keeping = None if record is None or ray is not None else Recorder(record)
    start_logging(log_json)
    context = None if tls is None else tls_context(certificates(tls))
    if warning is not None:
        warn(warning)

    def build() -> tuple[Server, Callable[[], None]]:
        """The server, here or on a node, and what to do when it has ended."""
        if ray is not None:
            start_logging(log_json)
        recorder = Recorder(record) if record is not None and keeping is None else keeping
        assistant = load_assistant(gather(settings, **given), wanted)
        if assistant is None:
            prompt = read_persona(text_prompt, voice_prompt)
            name, batch = load(model, codec, device, runtime, int8, wanted, threads, prompt, weights, hearing)
            partner: Partner = BareModel(batch)
        elif text_prompt or voice_prompt:
            raise ValueError("--text-prompt and --voice-prompt are for the model by itself: --mind has --instructions")
        else:
            name, partner = assistant.about.mind, assistant
        limits = ConnectionLimits(per_address=per_address)
        scheduler = Scheduler(
            partner,
            time.monotonic,
            queue_limit=queue,
            idle_limit=idle_limit,
            total_limit=total_limit,
            resume_limit=resume_limit,
            bound_ms=lag_ms,
        )
        house = ServerState(scheduler, ServerFacts(name, partner.slots, partner.about), limits, recorder)
        server = Server(house, Access(auth_token, limits, tuple(origin or ())), Runner(scheduler))
        return server, (lambda: None) if assistant is None else assistant.shut

    if ray is not None:
        if tls is not None:
            raise ValueError("with --ray clients come through haproxy: TLS is its matter, leave --tls out")
        on_cluster(build, replicas, ray, replica_gpus, haproxy_file, host, port)
        tell("stopped")
        return

    def ready(port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        tell("listening", url=f"{'https' if context else 'http'}://{shown}:{port}/", recording=record is not None)

    server, shut = build()
    try:
        asyncio.run(serve_until_stopped(server, host, port, context, ready))
    finally:
        shut()
    tell("stopped")


def on_cluster(
    build: Callable[[], tuple[Server, Callable[[], None]]],
    count: int,
    address: str,
    gpus: float,
    file: Path,
    host: str,
    port: int,
) -> None:
    """Servers as actors on a Ray cluster until a signal comes, behind haproxy at `host` and `port`."""
    from codec.training.interruption import interruptions

    from ..serve.event_log import tell
    from ..serve.replicas import Replicas, serve_replicas

    with interruptions() as stopping:
        running = Replicas(build, count, address, gpus)
        try:
            serve_replicas(running, file, host, port, tell, stopping)
        finally:
            running.stop()


def check_start(host: str, port: int, lag_ms: float) -> None:
    """Raise ValueError, before anything is loaded, for a port that is taken or a bound that no session can keep."""
    from corpus.audio import FRAME_MS

    if lag_ms < 2 * FRAME_MS:
        raise ValueError(f"--lag-ms must be at least {2 * FRAME_MS:g}, two frames, got {lag_ms:g}")
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise ValueError(f"cannot listen on {host}, port {port}: {error.strerror}; give another --port") from None


def how_many(sessions: str) -> int | None:
    """The number of `--sessions`, None for auto. Anything else raises ValueError."""
    if sessions == "auto":
        return None
    if not sessions.isdecimal() or not int(sessions):
        raise ValueError(f"--sessions must be a number from 1 on, or auto, got {sessions!r}")
    return int(sessions)


def certificates(tls: Path) -> Path:
    """The folder of `--tls`; for `self` that of a certificate for this computer's own names, which is seen to."""
    from ..serve.event_log import tell
    from ..serve.own_certificate import how_to_trust, own_certificate, own_folder

    if tls != OWN_CERTIFICATE:
        return tls
    new = own_certificate(own_folder(), datetime.datetime.now(datetime.timezone.utc))
    tell("certificate made" if new else "certificate", hint=how_to_trust(own_folder()))
    return own_folder()


def load_assistant(settings: AssistantSettings, sessions: int | None) -> Assistant | None:
    """An assistant for so many conversations; None where no mind is given."""
    from ..serve.event_log import tell

    if not settings.mind:
        return None
    if sessions is None:
        raise ValueError("with --mind give a number of --sessions: what keeps up depends on the mind")
    from ..assistant.opening import open_assistant
    from ..assistant.work import ThreadExecutor

    tell("loading", mind=settings.mind, ear=settings.ear, mouth=settings.mouth, turns=settings.turn)
    assistant = open_assistant(settings, ThreadExecutor(), sessions)
    tell("assistant ready", leaves_this_machine=assistant.about.away or "nothing")
    return assistant
