"""`agent talk`: a conversation from the microphone, or from a file."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from . import assistant_options as options
from .hearing_option import HearingName
from .serving_model import read_persona

if TYPE_CHECKING:
    from ..assistant.settings import AssistantSettings
    from ..desk.echo import EchoCanceller
    from ..desk.talk import BothSides, DeskTalk
    from ..live.batch import Batch
    from ..live.controls import Controls
    from ..live.partner import Partner
    from ..live.persona import Persona

Devices = tuple[str | None, str | None]  # input and output, as the user named them
Files = tuple[Path | None, Path | None, Path | None, Path | None, Path | None]  # input, output, record, events, keep


@options.assistant_options()
def talk(
    model: Annotated[str, typer.Option(help="shipped model, or a folder")] = "laptop",
    codec: Annotated[str | None, typer.Option(help="another codec than the model's own")] = None,
    hearing: HearingName = None,
    input: Annotated[Path | None, typer.Option(help="talk to the agent from this audio file")] = None,
    output: Annotated[Path | None, typer.Option(help="two-channel .wav or .flac: agent left, user right")] = None,
    real_time: Annotated[bool, typer.Option("--real-time", help="a file at the pace of speech, as if live")] = False,
    transcript: Annotated[Path | None, typer.Option(help="JSON of what was said and understood")] = None,
    record: Annotated[Path | None, typer.Option(help="record the live conversation like --output")] = None,
    keep: Annotated[Path | None, typer.Option(help="keep the conversation for --replay (.safetensors)")] = None,
    replay: Annotated[Path | None, typer.Option(help="have a kept conversation again and compare it")] = None,
    list_devices: Annotated[bool, typer.Option("--list-devices", help="list sound devices and stop")] = False,
    input_device: Annotated[str | None, typer.Option(help="microphone: number or part of its name")] = None,
    output_device: Annotated[str | None, typer.Option(help="loudspeaker: number or part of its name")] = None,
    test_audio: Annotated[bool, typer.Option("--test-audio", help="play tones, measure the microphone, stop")] = False,
    echo: Annotated[bool, typer.Option("--echo/--no-echo", help="take the loudspeaker out of the microphone")] = True,
    lag_bound: Annotated[float, typer.Option(help="ms; frames that would be answered later are dropped")] = 400.0,
    threads: Annotated[int, typer.Option(help="cores to use")] = 2,
    runtime: Annotated[str, typer.Option(help="fast, or torch: the modules as they are")] = "fast",
    text_prompt: Annotated[
        str | None, typer.Option(help="who the agent is to be, for a model that was trained with roles, as PersonaPlex")
    ] = None,
    voice_prompt: Annotated[Path | None, typer.Option(help="recording of the voice it is to speak with")] = None,
    text_temperature: Annotated[float, typer.Option(help="of the words; 0 takes the likeliest")] = 0.7,
    text_top_k: Annotated[int, typer.Option(help="words to choose from; 0 is all")] = 25,
    audio_temperature: Annotated[float, typer.Option(help="of the voice")] = 0.8,
    audio_top_k: Annotated[int, typer.Option(help="codes to choose from; 0 is all")] = 250,
    pad_bias: Annotated[float, typer.Option(help="above 0 the agent waits longer")] = 0.0,
    end_pad_bias: Annotated[float, typer.Option(help="above 0 it begins to speak sooner")] = 0.0,
    hold: Annotated[bool, typer.Option("--hold", help="the agent only listens")] = False,
    seed: Annotated[int, typer.Option(help="of the sampling")] = 0,
    given: options.Given = options.NONE,
    settings: options.Settings = None,
    events: options.Events = None,
) -> None:
    """Talk to the agent, or with --mind to an assistant: microphone and loudspeaker, or --input and --output files."""
    from ..live.controls import Controls

    controls = Controls(
        text_temperature=text_temperature,
        text_top_k=text_top_k,
        audio_temperature=audio_temperature,
        audio_top_k=audio_top_k,
        pad_bias=pad_bias,
        end_pad_bias=end_pad_bias,
        hold=hold,
        seed=seed,
    )
    chosen = (input_device, output_device)
    if list_devices or test_audio:
        return _devices(chosen, test_audio)
    if (input is None) != (output is None):
        raise ValueError("file mode needs both --input user.wav and --output both.wav")
    if input is None and replay is None:
        from ..desk.microphone import sound

        sound()  # fails early and clearly where there is none
    if replay is None and (assistant := _assistant(given, settings)) is not None:
        return _with_mind(assistant, controls, chosen, (input, output, record, events, keep), echo, lag_bound)
    if replay is not None and _is_tape(replay):
        from .assistant_talk import replay_with_assistant

        return _compared(replay, *replay_with_assistant(replay, events))
    prompt = read_persona(text_prompt, voice_prompt)
    batch = _batch(model, codec, hearing, runtime, threads, keep is not None, prompt)
    if replay is not None:
        return _replay(batch, replay)
    from ..desk.talk import BothSides, write_transcript
    from ..live.bare import BareModel

    both = BothSides(record if input is None else output)
    try:
        if input is not None:
            done = _file(BareModel(batch), controls, input, both, lag_bound if real_time else None)
        else:
            done = _live(BareModel(batch), controls, chosen, both, echo, lag_bound)
    finally:
        both.close()
        _keep(batch, keep)
    if transcript is not None:
        write_transcript(transcript, done)
    return None


def _assistant(given: options.Given, path: Path | None) -> AssistantSettings | None:
    """The settings of an assistant; None where no mind is given, after saying what to type for one."""
    from ..assistant.settings import TRY, gather

    settings = gather(path, **given)
    if settings.mind:
        return settings
    Console(stderr=True).print(f"this is the small model by itself; for a real assistant: {TRY}", soft_wrap=True)
    return None


def _with_mind(
    settings: AssistantSettings, controls: Controls, chosen: Devices, files: Files, echo: bool, bound_ms: float
) -> None:
    from ..desk.talk import BothSides
    from .assistant_talk import talk_with_assistant

    input, output, record, events, keep = files
    both = BothSides(record if input is None else output)
    try:
        talk_with_assistant(
            settings, input, both, events, keep, lambda partner: _live(partner, controls, chosen, both, echo, bound_ms)
        )
    finally:
        both.close()


def _is_tape(path: Path) -> bool:
    """Whether a kept conversation is an assistant's, and not the model's own."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "numpy") as kept:
            return "said" in kept.keys()  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError):
        return False  # who reads it says what is wrong


def _batch(
    model: str,
    codec: str | None,
    hearing: str | None,
    runtime: str,
    threads: int,
    keep: bool,
    prompt: Persona | None = None,
) -> Batch:
    import torch

    from ..files.bundle import load_bundle
    from ..live.batch import Batch
    from ..live.persona import prompted
    from ..live.replay import RecordingBatch

    torch.set_num_threads(threads)
    bundle = load_bundle(model, codec=codec, hearing=hearing)
    told = None if prompt is None else prompted(bundle, prompt)
    return (RecordingBatch if keep else Batch)(bundle, 1, runtime, threads=threads, prompt=told)  # type: ignore[arg-type]


def _keep(batch: Batch, path: Path | None) -> None:
    from ..live.replay import RecordingBatch

    if path is not None and isinstance(batch, RecordingBatch) and 0 in batch.recordings:
        batch.recordings[0].save(path)


def _replay(batch: Batch, path: Path) -> None:
    from ..live.replay import load_recording, replay

    kept = load_recording(path)
    _compared(path, replay(kept, batch), len(kept.frames))


def _compared(path: Path, differs: int | None, frames: int) -> None:
    """Say that a kept conversation came out the same. Raises ValueError with the first frame that did not."""
    if differs is not None:
        raise ValueError(f"{path}: frame {differs} of {frames} came out differently")
    typer.echo(f"{path}: all {frames} frames came out the same")


def _file(partner: Partner, controls: Controls, path: Path, both: BothSides, bound_ms: float | None) -> DeskTalk:
    from corpus.audio import read_mono

    from ..desk.talk import talk_to_file, talk_to_file_live

    user = read_mono(path)
    if bound_ms is None:
        done = talk_to_file(partner, controls, user, both)
    else:
        done = talk_to_file_live(partner, controls, user, both, bound_ms)
    said = done.transcript()
    for side in ("agent", "user"):
        typer.echo(f"{side}:{said[side]}")
    return done


def _live(
    partner: Partner, controls: Controls, chosen: Devices, both: BothSides, echo: bool, bound_ms: float
) -> DeskTalk:
    from corpus.audio import SAMPLE_RATE

    from ..desk.device import Device
    from ..desk.line import AudioLine
    from ..desk.microphone import sound
    from ..desk.screen import Screen
    from ..desk.talk import DeskTalk, endless, talk_to_device
    from ..live.runner import Runner
    from ..live.ticket import TicketState

    line = AudioLine(SAMPLE_RATE, _canceller() if echo else None)
    scheduler = endless(partner, bound_ms)
    with Runner(scheduler):
        ticket = scheduler.admission.admit(controls)
        done = DeskTalk(line, ticket, both)
        device = Device(sound(), chosen, line, time.monotonic, done.tell)
        # Ctrl-C is the way to end a conversation
        with contextlib.closing(device), Screen() as screen, contextlib.suppress(KeyboardInterrupt):
            talk_to_device(done, device, screen.show, lambda: ticket.state is TicketState.ENDED)
    return done


def _canceller() -> EchoCanceller | None:
    from ..desk.echo import EchoCanceller

    try:
        return EchoCanceller()
    except ValueError as error:
        Console(stderr=True).print(f"{error}; until then wear headphones, or the agent hears itself")
        return None


def _devices(chosen: Devices, test: bool) -> None:
    from ..desk.microphone import check_devices, device_table, pick_device, sound

    module = sound()
    devices = list(module.query_devices())
    if not test:
        Console().print(device_table(devices, tuple(module.default.device)))
        return
    typer.echo("you should hear two tones; say something")
    typer.echo(
        check_devices(module, (pick_device(devices, chosen[0], "input"), pick_device(devices, chosen[1], "output")))
    )
