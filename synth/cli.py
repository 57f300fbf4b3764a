"""The command `synth`: write, speak, check, repair and show corpora of dialogues."""

from __future__ import annotations

import typer

from corpus.command import run

from .commands import engines, formats, voices
from .commands.corpus import lint, merge, repair, verify
from .commands.figures import quality, report, stats
from .commands.generate import generate
from .commands.imports import import_
from .commands.listen import listen
from .commands.plan import plan
from .commands.speakable import speakable
from .commands.watermark import watermark

app = typer.Typer(
    name="synth",
    help="Synthetic two-channel dialogues: written, timed, spoken, rendered and stored as a corpus.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(engines.engines_app, name="engines")
app.add_typer(voices.app)
app.command("export")(formats.export)
app.command("import")(import_)
app.command("push")(formats.push)
app.command("pack")(formats.pack)
for _command in (generate, plan, speakable, verify, repair, merge, listen, stats, report, quality, lint, watermark):
    app.command()(_command)


def main() -> None:
    """The entry point."""
    run(app, "synth")


if __name__ == "__main__":
    main()
