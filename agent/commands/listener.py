"""`agent listener`: training sound of recorded people, training, and judging on people it never met."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

listener_app = typer.Typer(
    help="Prepare, train and judge the listener, which tells the end of a turn from a pause.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Speech = Annotated[Path, typer.Option(help="folder of recorded people: train.jsonl, noise.jsonl and so on")]
Transcripts = Annotated[Path, typer.Option(help="their words and times")]
HeldOut = Annotated[Path, typer.Option(help="speakers on whom nothing is trained")]
TRANSCRIPTS, HELD_OUT = Path("datasets/speech-transcripts.jsonl.gz"), Path("datasets/held-out-speakers.txt")


@listener_app.command()
def prepare(
    speech: Speech,
    out: Annotated[Path, typer.Option(help="folder for the shards; what is there stays")],
    recipe: Annotated[Path, typer.Option(help="TOML")] = Path("datasets/listener.toml"),
    transcripts: Transcripts = TRANSCRIPTS,
    held_out: HeldOut = HELD_OUT,
    shards: Annotated[int, typer.Option(min=1, help="of 100 scenes; 40 are 22 hours")] = 40,
    whisper: Annotated[Path | None, typer.Option(help="faster-whisper folder: the teacher, and the ear's head")] = None,
    ear_shards: Annotated[int, typer.Option(min=0, help="of 200 decisions for the ear's head; needs --whisper")] = 18,
) -> None:
    """Make scenes of recorded people, as features and labels; can be interrupted and called again."""
    from ..listener.collection import Collection
    from ..listener.ear_training import make_ear_shard
    from ..listener.recipe import read_recipe
    from ..listener.shards import make_shard
    from ..listener.teacher import teacher_frames
    from ..listener.whisper_frames import WhisperFrames

    settings = read_recipe(recipe)
    maker = Collection.open(speech, transcripts, held_out).scene_maker(settings)
    out.mkdir(parents=True, exist_ok=True)
    encoder = None if whisper is None else WhisperFrames(whisper)
    taught = {} if encoder is None else teacher_frames(maker.clips, encoder, out / "teacher", say=print)
    for number in range(shards):
        make_shard(out / f"{number:04d}.npz", maker, number, taught)
        print(f"shard {number + 1} of {shards}")
    if encoder is not None:
        (out / "ear").mkdir(exist_ok=True)
        for number in range(ear_shards):
            make_ear_shard(out / "ear" / f"{number:04d}.npz", maker, encoder, number)
            print(f"decisions for the ear: {number + 1} of {ear_shards}")


@listener_app.command()
def train(
    data: Annotated[Path, typer.Option(help="folder of `prepare`")],
    out: Annotated[Path, typer.Option(help="folder of the run and of what comes out: listener/, ear-turn/")],
    recipe: Annotated[Path, typer.Option(help="TOML")] = Path("datasets/listener.toml"),
    threads: Annotated[int, typer.Option(min=1, help="CPU threads")] = 1,
) -> None:
    """Train the listener (resumes a run that is there), and the ear's head where `prepare` had Whisper."""
    import torch

    from ..listener.config import ListenerConfig
    from ..listener.ear_training import read_ear_examples, train_ear_head
    from ..listener.files import write_ear_head, write_listener
    from ..listener.recipe import read_recipe
    from ..listener.shards import read_examples
    from ..listener.training import ListenerTrainer

    torch.set_num_threads(threads)
    settings = read_recipe(recipe)
    trainer = ListenerTrainer(read_examples(data, print), settings.training, ListenerConfig(), settings.seed)
    trainer.train(out)
    write_listener(out / "listener", trainer.average)
    if (data / "ear").is_dir():
        write_ear_head(out / "ear-turn", train_ear_head(read_ear_examples(data / "ear"), settings.seed))
    print(f"{out / 'listener'} is whole; `agent listener evaluate` fits its thresholds")


@listener_app.command()
def evaluate(
    speech: Speech,
    model: Annotated[str, typer.Option(help="shipped name or folder")] = "listener",
    transcripts: Transcripts = TRANSCRIPTS,
    held_out: HeldOut = HELD_OUT,
    part: Annotated[str, typer.Option(help="judge or develop")] = "judge",
    ear: Annotated[str, typer.Option(help="head on the ear, shipped name or folder; needs --whisper")] = "ear-turn",
    whisper: Annotated[Path | None, typer.Option(help="faster-whisper folder, to judge the ear's head too")] = None,
    smart_turn: Annotated[Path | None, typer.Option(help="Smart Turn's ONNX file, as a peer")] = None,
    silence: Annotated[float, typer.Option(min=0.1, help="seconds after the voice stops")] = 0.3,
    conditions: Annotated[str, typer.Option(help="of clean, 20dB, 10dB, telephone, room")] = "clean",
    empty: Annotated[float, typer.Option(min=0.0, help="minutes each of silence, noise, cafe, talk; 0: none")] = 0.0,
    fit: Annotated[float, typer.Option(min=0.0, max=1.0, help="budget of pauses taken: write thresholds of it")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Judge turn ends on held-out people: pauses taken for ends where 5 and 13 % of the ends are missed."""
    from ..listener.collection import Collection
    from ..listener.report import Judges, report

    if part not in ("judge", "develop"):
        raise ValueError(f"--part is judge or develop, not {part}")
    collection = Collection.open(speech, transcripts, held_out)
    judges = Judges.open(model, ear=ear, whisper=whisper, smart_turn=smart_turn)
    if fit:
        judges.fit(collection, fit)
    judged = report(judges, collection, part, silence, conditions.split(","), minutes=empty)
    print(json.dumps(judged.as_json(), indent=2) if as_json else judged.text())
