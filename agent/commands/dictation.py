"""`agent dictation`: training the recognizer that hears a small agent's users, and judging it on strangers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .listener import HELD_OUT, TRANSCRIPTS, HeldOut, Speech, Transcripts

dictation_app = typer.Typer(
    help="Train and judge the recognizer, which writes down what the user of a small agent says.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@dictation_app.command()
def train(
    out: Annotated[
        Path, typer.Option(help="folder of the run (resumes one that is there) and of what comes out: ear/")
    ],
    speech: Speech,
    whisper: Annotated[
        Path | None, typer.Option(help="faster-whisper folder whose lower layers it begins with")
    ] = None,
    init: Annotated[str | None, typer.Option(help="recognizer to begin with instead, shipped name or folder")] = None,
    corpus: Annotated[list[Path] | None, typer.Option(help="whose users are heard, too; may be repeated")] = None,
    plans: Annotated[
        list[Path] | None, typer.Option(help="of `synth plan --timed`: more words to listen for; may be repeated")
    ] = None,
    recipe: Annotated[Path, typer.Option(help="TOML")] = Path("datasets/ear.toml"),
    transcripts: Transcripts = TRANSCRIPTS,
    held_out: HeldOut = HELD_OUT,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads")] = 1,
) -> None:
    """Train on recorded people and on the users of corpora, clean and in whatever surrounds a voice."""
    import torch

    from corpus.reader import Corpus
    from corpus.record import AGENT_CHANNEL, USER_CHANNEL

    from ..dictation.crops import CropMaker
    from ..dictation.language import word_ngrams
    from ..dictation.material import of_corpus, of_people
    from ..dictation.recipe import read_recipe
    from ..dictation.training import DictationTrainer
    from ..dictation.whisper_layers import begin_with_whisper
    from ..hearing.network import HearingNetwork
    from ..hearing.recognizer import begin_with_recognizer, write_recognizer
    from ..listener.collection import Collection
    from ..listener.recipe import ListenerRecipe

    if (whisper is None) == (init is None):
        raise ValueError("say what to begin with: --whisper FOLDER or --init RECOGNIZER")
    torch.set_num_threads(threads)
    settings = read_recipe(recipe)
    scenes = Collection.open(speech, transcripts, held_out).scene_maker(ListenerRecipe())
    material = list(of_people([clip for clip in scenes.clips if settings.takes(clip.recording.source)]))
    for folder in corpus or []:
        both = folder.name in settings.both_sides
        material += of_corpus(Corpus(folder), (USER_CHANNEL, AGENT_CHANNEL) if both else (USER_CHANNEL,))
    print(f"{len(material)} utterances, {sum(each.seconds for each in material) / 3600:.1f} h")
    ngrams = word_ngrams(plans or [], material)

    def begin(network: HearingNetwork) -> None:
        if init is not None:
            begin_with_recognizer(network, init)
        elif whisper is not None:
            begin_with_whisper(network, whisper)

    trainer = DictationTrainer(CropMaker(settings, material, scenes), settings, begin)
    trainer.train(out)
    write_recognizer(out / "ear", trainer.average, ngrams, settings.search)
    print(f"{out / 'ear'} is whole; `agent dictation evaluate` judges it")


@dictation_app.command()
def mistakes(
    corpus: Annotated[list[Path], typer.Option(help="whose users are dictated; may be repeated")],
    model: Annotated[
        str, typer.Option(help="shipped name or folder; the file mistakes.json is written into it")
    ] = "ear",
    speech: Annotated[Path | None, typer.Option(help="folder of rooms and noises")] = None,
    transcripts: Transcripts = TRANSCRIPTS,
    held_out: HeldOut = HELD_OUT,
    conditions: Annotated[str, typer.Option(help="of clean, 20dB, 10dB, telephone, room; needs --speech")] = "clean",
    count: Annotated[int, typer.Option(min=1, help="utterances of each corpus at most, in each condition")] = 600,
) -> None:
    """Gather what a recognizer makes of words; a model that reads it learns from them. Take voices it never heard."""
    from ..dictation.judging import Dictated, judge_dictation
    from ..hearing.mistakes import FILE, Mistakes
    from ..hearing.recognizer import find_recognizer
    from ..listener.collection import Collection

    collection = None if speech is None else Collection.open(speech, transcripts, held_out)
    every: list[Dictated] = []
    report = judge_dictation(model, corpus, collection, None, conditions.split(","), count, every.append)
    folder = find_recognizer(model)
    found = Mistakes.gathered((each.said, each.heard) for each in every)
    found.save(folder)
    print(report.text())
    print(f"{folder / FILE}: {sum(map(len, found.of_words.values()))} mistakes in {len(found.of_words)} words")


@dictation_app.command()
def evaluate(
    model: Annotated[str, typer.Option(help="shipped name or folder")] = "ear",
    corpus: Annotated[list[Path] | None, typer.Option(help="whose users are dictated; may be repeated")] = None,
    speech: Annotated[Path | None, typer.Option(help="folder of recorded people, those held out are dictated")] = None,
    transcripts: Transcripts = TRANSCRIPTS,
    held_out: HeldOut = HELD_OUT,
    part: Annotated[str, typer.Option(help="judge or develop")] = "judge",
    conditions: Annotated[str, typer.Option(help="of clean, 20dB, 10dB, telephone, room; needs --speech")] = "clean",
    count: Annotated[int, typer.Option(min=1, help="utterances of each source at most")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Word errors, and how late words come, frame by frame as it hears live."""
    from ..dictation.judging import judge_dictation

    collection = None
    if speech is not None:
        from ..listener.collection import Collection

        collection = Collection.open(speech, transcripts, held_out)
    report = judge_dictation(model, corpus or [], collection, part, conditions.split(","), count)
    print(json.dumps(report.as_json(), indent=2) if as_json else report.text())
