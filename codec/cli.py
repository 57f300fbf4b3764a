"""The `codec` command: train, judge, encode, decode, export and time codecs."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
import typer
from rich.console import Console

from corpus.audio import SAMPLE_RATE, read_mono, write_flac
from corpus.command import run

from .config import PRESETS
from .judging import evaluate as judging
from .judging.peers import OurCodec, peer
from .judging.probe import phone_probe
from .model import Codec
from .training.clips import find_clips
from .training.data import Audio, Crops, split_speakers
from .training.parallel import process_group
from .training.progress import Progress, validation_clips
from .training.recipe import Recipe, read_recipe
from .training.recognizer import Recognizer
from .training.teacher import make_teacher
from .training.trainer import Trainer

if TYPE_CHECKING:
    from .runtime import OnnxCodec

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
WARM_UP = 10  # frames that are not timed
DataOption = Annotated[
    list[Path], typer.Option("--data", help="folder of audio, corpus or .jsonl manifest; repeatable")
]
CodecOption = Annotated[str, typer.Option("--codec", help="shipped name, file, folder or cached hub id")]


@app.callback()
def codec() -> None:
    """Waveform to tokens and back: a streaming neural codec."""


@app.command()
def train(
    data: DataOption,
    out: Annotated[Path, typer.Option(help="the run's folder: checkpoint, samples, curves")] = Path("runs/codec"),
    preset: Annotated[str, typer.Option(help="laptop, mimi or tiny")] = "laptop",
    recipe: Annotated[Path | None, typer.Option(help="TOML with settings of codec.training.recipe.Recipe")] = None,
    init: Annotated[str | None, typer.Option(help="fine-tune this codec: shipped name, file, folder, hub id")] = None,
    steps: Annotated[int | None, typer.Option(help="steps in all; the stages keep their shares")] = None,
    batch: Annotated[int | None, typer.Option(help="crops per process and step")] = None,
    noise: Annotated[list[Path] | None, typer.Option(help="recordings of background noise to mix in")] = None,
    cache: Annotated[Path | None, typer.Option(help="keep audio (24 kHz, 16 bit) and teacher features here")] = None,
    teacher: Annotated[str, typer.Option(help="none, whisper, wavlm or phonemes")] = "none",
    teacher_model: Annotated[Path | None, typer.Option(help="the teacher's model folder")] = None,
    recognizer: Annotated[
        Path | None, typer.Option(help="a Whisper folder in Hugging Face's form: also train on what it hears")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0: torch's choice")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="go on from the run's checkpoint")] = False,
) -> None:
    """Train a codec from scratch or from a checkpoint; run it under torchrun for several devices."""
    plan = read_recipe(recipe, steps=steps, batch=batch)
    if init is not None:
        plan = dataclasses.replace(plan, continuous_steps=0)  # its codebooks are kept from the first step
    if threads:
        torch.set_num_threads(threads)
    with process_group(pick_device(device)) as place:
        speech, held_out = split_speakers(Audio(find_clips(data, plan.source_weights), cache), plan.held_out)
        loud = Audio(find_clips(noise), cache) if noise else None
        start = starting_codec(preset, plan, init)
        crops = Crops(speech, plan.frames * start.config.frame_samples, plan.seed, noise=loud)
        guide = make_teacher(teacher, teacher_model, speech, cache or out)
        listener = Recognizer(recognizer, place) if recognizer is not None else None
        trainer = Trainer(start, plan, crops, out, place, guide, init is not None, listener)
        if resume:
            trainer.resume()
        out.mkdir(parents=True, exist_ok=True)
        (out / "recipe.json").write_text(json.dumps({"preset": preset, **dataclasses.asdict(plan)}, indent=1) + "\n")
        trainer.run(Progress(out, validation_clips(held_out), typer.echo))
        typer.echo(str(trainer.export()))


@app.command()
def evaluate(
    data: DataOption,
    codec: CodecOption = "laptop",
    vs: Annotated[str, typer.Option(help="peers, such as opus:6,codec2:3.2")] = "",
    codebooks: Annotated[str, typer.Option(help="also judge the codec with only its first codebooks: 1,2,4")] = "",
    clips: Annotated[int, typer.Option(help="at most this many clips, speakers in turn")] = 40,
    seconds: Annotated[float, typer.Option(help="longest clip")] = 15.0,
    speakers: Annotated[str, typer.Option(help="judge these speakers only, comma-separated")] = "",
    whisper: Annotated[Path | None, typer.Option(help="faster-whisper model folder, for WER")] = None,
    language: Annotated[str, typer.Option(help="spoken language, for WER")] = "en",
    probe: Annotated[
        bool, typer.Option("--probe", help="phone probe of the first codebook; needs transcripts")
    ] = False,
    onnx: Annotated[Path | None, typer.Option(help="also judge its int8 ONNX export, kept in this folder")] = None,
    listen: Annotated[Path | None, typer.Option(help="folder for listening files")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Judge a codec on recordings, next to the original and other codecs."""
    torch.set_num_threads(1)
    audio = Audio(find_clips(data))
    if speakers:
        _, audio = split_speakers(audio, [name.strip() for name in speakers.split(",")])
    chosen = judging.choose_clips(audio, clips, seconds)
    loaded = Codec.load(codec)
    levels = [int(level) for level in codebooks.split(",") if level]
    systems = [OurCodec(loaded, Path(codec).stem, level) for level in [None, *levels]]
    if onnx is not None:
        systems.append(OurCodec(_exported(loaded, onnx), f"{Path(codec).stem}-int8"))
    peers = [peer(spec.strip()) for spec in vs.split(",") if spec.strip()]
    console = Console(stderr=True)
    report = judging.evaluate(chosen, [*systems, *peers], whisper, language, listen, console.print)
    found = report.as_json()
    if probe:
        found["phone_probe"] = dataclasses.asdict(phone_probe(loaded, chosen))
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    Console().print(report.table())
    for skip in report.skipped:
        typer.echo(f"skipped {skip.name}: {skip.reason}")
    if probe:
        typer.echo("phone probe: " + "  ".join(f"{name} {value:.3g}" for name, value in found["phone_probe"].items()))


@app.command()
def encode(
    wav: Annotated[Path, typer.Argument(help="any audio file")],
    out: Annotated[Path, typer.Argument(help=".npz to write")],
    codec: CodecOption = "laptop",
) -> None:
    """Audio to codes, `[K, F]` under the name `codes`."""
    audio = read_mono(wav)
    codes = Codec.load(codec).encode(torch.from_numpy(audio)[None, None])[0].numpy().astype(np.int16)
    np.savez_compressed(out, codes=codes, samples=np.int64(len(audio)), codec=np.array(codec))
    typer.echo(f"{out}: {codes.shape[0]} codebooks x {codes.shape[1]} frames")


@app.command()
def decode(
    codes: Annotated[Path, typer.Argument(help=".npz that encode wrote")],
    wav: Annotated[Path, typer.Argument(help="audio file to write (FLAC inside)")],
    codec: Annotated[str | None, typer.Option("--codec", help="another codec than the one that encoded")] = None,
) -> None:
    """Codes to audio."""
    try:
        with np.load(codes, allow_pickle=False) as file:
            stored, samples, name = file["codes"].astype(np.int64), int(file["samples"]), str(file["codec"])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"cannot read {codes} as codes: {error}") from None
    audio = Codec.load(codec or name).decode(torch.from_numpy(stored)[None])[0].numpy()[:, :samples]
    write_flac(wav, np.clip(audio, -1.0, 1.0))
    typer.echo(f"{wav}: {audio.shape[1] / SAMPLE_RATE:.2f} s")


@app.command()
def export(
    onnx: Annotated[Path, typer.Option(help="folder for encoder.onnx, decoder.onnx and codec.json")],
    codec: CodecOption = "laptop",
) -> None:
    """Write the codec as ONNX graphs with the streaming state as inputs and outputs."""
    from .export import export as export_onnx

    export_onnx(Codec.load(codec), onnx)
    typer.echo(str(onnx))


@app.command()
def bench(
    codec: CodecOption = "laptop",
    onnx: Annotated[Path | None, typer.Option(help="time the int8 ONNX export, kept in this folder")] = None,
    frames: Annotated[int, typer.Option(help="frames to time")] = 250,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Time encoding plus decoding of a frame, streaming, on one thread."""
    torch.set_num_threads(1)
    loaded = Codec.load(codec)
    runtime = loaded if onnx is None else _exported(loaded, onnx)
    noise = np.random.default_rng(0).standard_normal((frames + WARM_UP) * 1920).astype(np.float32) * 0.1
    times = OurCodec(runtime, codec).process(noise).frame_ms[WARM_UP:]
    found = {"median_ms": float(np.median(times)), "p95_ms": float(np.percentile(times, 95)), "frames": len(times)}
    typer.echo(json.dumps(found) if as_json else "  ".join(f"{name} {value:.2f}" for name, value in found.items()))


def _exported(codec: Codec, folder: Path) -> OnnxCodec:
    from .runtime import fastest

    return fastest(codec, folder)


def starting_codec(preset: str, recipe: Recipe, init: str | None) -> Codec:
    """What training starts from: `init` if given, else the preset with weights drawn from the recipe's seed."""
    if init is not None:
        return Codec.load(init).train()
    if preset not in PRESETS:
        raise ValueError(f"there is no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    torch.manual_seed(recipe.seed)
    return Codec(PRESETS[preset]())


def pick_device(name: str) -> torch.device:
    """`auto` is the GPU if there is one. Raises ValueError for a GPU that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError("there is no CUDA device here; use --device cpu")
    try:
        return torch.device(name)
    except RuntimeError:
        raise ValueError(f"there is no device {name!r}; use auto, cpu or cuda") from None


def main() -> None:
    """The entry point."""
    run(app, "codec")


if __name__ == "__main__":
    main()
