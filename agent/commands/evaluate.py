"""`agent evaluate`: talk to a model with held-out probes and set its figures beside others'."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from . import assistant_options as options
from .hearing_option import HearingName


@options.assistant_options(
    "mind", "ear", "mouth", "turn", "voice", "speed", "instructions", "patience", "uninterruptible"
)
def evaluate(
    model: Annotated[str, typer.Option(help="shipped name or folder")] = "laptop",
    data: Annotated[
        Path | None, typer.Option(help="held-out corpus; synth generate --recipe datasets/probes.toml makes one")
    ] = None,
    probes: Annotated[int, typer.Option(min=1, help="user's turns to answer; the other probes follow from it")] = 24,
    whisper: Annotated[Path | None, typer.Option(help="faster-whisper model folder, to judge the sound too")] = None,
    language: Annotated[str, typer.Option(help="spoken language, for whisper")] = "en",
    fdb: Annotated[Path | None, typer.Option(help="write Full-Duplex-Bench's folders here")] = None,
    listen: Annotated[Path | None, typer.Option(help="write every talk here, agent left, user right")] = None,
    temperature: Annotated[float, typer.Option(min=0.0, help="of text and audio, times the usual one")] = 1.0,
    seed: Annotated[int, typer.Option(help="of the probes chosen and of the sampling noise")] = 0,
    rows: Annotated[int, typer.Option(min=1, help="talks at once; each takes memory")] = 16,
    codec: Annotated[str | None, typer.Option(help="another codec than the model's own")] = None,
    hearing: HearingName = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: torch's choice")] = 0,
    turnbench: Annotated[
        Path | None,
        typer.Option(help="judge the listener instead, as TurnBench does: a corpus, or two-channel files"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="with --turnbench: write predictions.json here")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    speech: Annotated[Path | None, typer.Option(help="recorded people, to judge an assistant with")] = None,
    strangers: Annotated[
        bool, typer.Option(help="only ask the corpus' questions, and what lies beyond; --conditions says from where")
    ] = False,
    conditions: Annotated[
        str, typer.Option(help="of clean,20dB,10dB,telephone,room,quiet,faster,pause,long")
    ] = "clean",
    beside: Annotated[list[str] | None, typer.Option(help="another --turn to set beside; repeatable")] = None,
    minutes: Annotated[float, typer.Option(min=0.0, help="of silence, noise and others' talk to sit through")] = 0.0,
    nod: Annotated[list[Path] | None, typer.Option(help="a recorded mhm of a listener; repeatable")] = None,
    given: options.Given = options.NONE,
    settings: options.Settings = None,
) -> None:
    """Judge a model or, with --mind, an assistant: does it wait, answer, listen, stop and go on when it should?"""
    given = {**given, "language": language}
    if turnbench is not None:
        _turnbench(turnbench, out, as_json)
        return
    if given["mind"] is not None or settings is not None:
        from ..assistant.settings import gather
        from .assistant_evaluate import evaluate_assistant

        evaluate_assistant(
            gather(settings, **given),
            speech,
            beside or [],
            probes=probes,
            conditions=conditions,
            minutes=minutes,
            nods=nod or [],
            seed=seed,
            as_json=as_json,
        )
        return
    if data is None:
        raise ValueError(
            "give --data, a held-out corpus, such as: "
            "synth generate --recipe datasets/probes.toml --hours 0.5 --seed 900 --out out/probes"
        )
    import torch
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from codec.device import pick_device
    from corpus.reader import Corpus

    from ..files.bundle import load_bundle
    from ..judging.evaluate import evaluate as judge
    from ..model.sampling import Sampling

    held_out = Corpus(data)
    if threads:
        torch.set_num_threads(threads)
    chosen = pick_device(device)
    bundle = load_bundle(model, device=chosen, codec=codec, hearing=hearing)
    usual = Sampling()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("talking", total=None)
        if strangers:
            from ..judging.evaluate import write_talks
            from ..judging.strangers import judge_strangers
            from .assistant_evaluate import open_collection

            people = None if speech is None else open_collection(speech)
            asked, talks = judge_strangers(
                bundle,
                held_out,
                conditions.split(","),
                people,
                probes,
                seed,
                minutes,
                lambda done, total: bar.update(task, completed=done, total=total),
            )
            if listen is not None:
                for name, judged in talks.items():
                    write_talks(listen / name, judged)
            print(json.dumps(asked.as_json(), indent=2)) if as_json else Console().print(asked.table())
            return
        report = judge(
            bundle,
            held_out,
            name=bundle.name,
            count=probes,
            seed=seed,
            sampling=Sampling(
                text_temperature=temperature * usual.text_temperature,
                audio_temperature=temperature * usual.audio_temperature,
            ),
            whisper=whisper,
            language=language,
            rows=rows,
            layout=fdb,
            listen=listen,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
        return
    console = Console()
    console.print(report.table())
    console.print(report.details())
    for each in report.skipped:
        console.print(f"skipped {each.name}: {each.reason}")


def _turnbench(folder: Path, out: Path | None, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..judging.turnbench_run import run
    from ..listener import Listener

    console = Console(stderr=True)
    outcome = run(Listener.load(), folder, out, lambda id: console.print(f"hearing {id}", highlight=False))
    if as_json:
        print(json.dumps(outcome.as_json(), indent=2))
        return
    table = Table("task", "events", "recall", "places to wait", "false positives", "latency p10 / p50 / p90, s")
    for task, score in outcome.scores.items():
        latency = " / ".join(f"{value:.2f}" for value in score.latency)
        row = (str(score.events), f"{score.recall:.3f}", str(score.places), f"{score.false_positives:.3f}", latency)
        table.add_row(task, *row)
    if outcome.scores:
        Console().print(table)
    else:
        print(f"{len(outcome.predictions)} conversations heard; no labels to judge by")
    if out is not None:
        print(out / "predictions.json")
