"""`agent tokenize`: a corpus into token shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def tokenize(
    corpus: Annotated[Path, typer.Argument(help="corpus of ours, moshi-finetune's or J-Moshi's layout, or a .jsonl")],
    out: Annotated[Path, typer.Option(help="folder of the tokens: new, or an earlier run's to resume or extend")],
    base: Annotated[
        str | None, typer.Option(help="model that will learn from them: its codec, codebooks and vocabulary are taken")
    ] = None,
    codec: Annotated[str | None, typer.Option(help="shipped name (laptop if left out), file, folder or hub id")] = None,
    codebooks: Annotated[int | None, typer.Option(help="per side, all of the codec's if left out")] = None,
    augment: Annotated[int, typer.Option(help="variants of the user's side besides the recorded one")] = 0,
    noise: Annotated[Path | None, typer.Option(help="folder of noise recordings for them; made up if left out")] = None,
    telephone: Annotated[float, typer.Option(help="share of the variants that go through a telephone")] = 0.0,
    voices: Annotated[
        float, typer.Option(help="share of the variants in which the user is a larger or smaller speaker")
    ] = 0.0,
    vocabulary: Annotated[
        Path | None,
        typer.Option(help="tokenizer.json, SentencePiece .model, folder or shipped name; learnt here if left out"),
    ] = None,
    vocabulary_size: Annotated[int, typer.Option(help="ids of a learnt vocabulary at most")] = 2000,
    seed: Annotated[int, typer.Option(help="of the variants")] = 0,
    workers: Annotated[int, typer.Option(help="processes; 0 means one for each core")] = 1,
    resample: Annotated[bool, typer.Option(help="take recordings at other rates than 24 kHz")] = False,
    wordless: Annotated[bool, typer.Option(help="recordings in which the agent is to learn to say nothing")] = False,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
) -> None:
    """Turn a corpus into tokens to train on. The same command again resumes; a corpus that grew is added to."""
    import os

    from rich.console import Console

    from ..tokens.progress import TokenProgress, summary
    from ..tokens.shards import VALIDATION, is_tokens, read_manifest
    from ..tokens.tokenize import TokenOrder
    from ..tokens.tokenize import tokenize as run

    given = {"codec": codec, "codebooks": codebooks, "vocabulary": vocabulary}
    order = TokenOrder.of_model(
        base,
        corpus,
        out,
        **{name: value for name, value in given.items() if value is not None},
        augment=augment,
        noise=noise,
        telephone=telephone,
        voices=voices,
        vocabulary_size=vocabulary_size,
        seed=seed,
        workers=workers or os.cpu_count() or 1,
        resample=resample,
        wordless=wordless,
        device=device,
    )
    console = Console()
    with TokenProgress(console) as progress:
        manifest = run(order, progress.advance, console.print)
    console.print(summary(out, manifest))
    if is_tokens(out / VALIDATION):
        console.print(summary(out / VALIDATION, read_manifest(out / VALIDATION)))
