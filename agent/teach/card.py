"""The card of a taught agent: what it was taught and what it was judged on."""

from __future__ import annotations

from corpus.card import CARD, UNKNOWN, card_licence, model_card

from ..files.shipped import find_bundle
from .examination import ExamReport
from .order import TeachOrder


def teaching_card(order: TeachOrder, report: ExamReport) -> str:
    """README.md of the agent's folder; its licence is that of the base."""
    taught, recipe, voices = order.syllabus, order.recipe, order.recipe.voices
    wordings = sum(len(each.ask) + len(each.judge) for each in taught.question)
    base = find_bundle(order.base) / CARD
    licence = card_licence(base.read_text(encoding="utf-8")) if base.is_file() else ""
    lines = [
        f"Made by `agent teach` of `{order.source.name}`: {order.base}, fine-tuned as a whole.",
        "",
        "## Taught",
        f"- {len(taught.question)} questions in {wordings} wordings, {len(taught.dialogue)} small dialogues, "
        f"{len(taught.off_topic)} questions that it shall not know; some wordings were kept for judging",
        f"- {recipe.minutes:g} minutes of synthetic dialogue, seed {recipe.seed}, in which the agent's voice is "
        f"{voices.agent} and the user's {'between two of ' if voices.blend else ''}{', '.join(voices.taught)}",
        f"- engine {voices.speaker}; the voices are synthetic, no person was recorded for it",
        f"- {recipe.training.steps} steps of {recipe.training.batch} crops of {recipe.training.frames * 0.08:g} s, "
        f"learning rate {recipe.training.learning_rate:g}",
        f"- {recipe.rehearsal:g} minutes of the talk that the base was made from, beside it",
        "",
        *(f'- "{each.ask[0]}" - "{each.answer}"' for each in taught.question),
        "",
        "## Judged",
        "One question at a time in a quiet room; right is an answer whose text holds the key. By chance: the share of "
        f"other questions' keys in the same answer. Voices held out: {', '.join(voices.held_out)}.",
        "",
        "| asked | right | by chance |",
        "|---|---|---|",
        *(f"| {title} | {right} of {count} | {100 * chance:.0f} % |" for title, right, count, chance in report.rows()),
        "",
        "All voices are of one engine's making: nothing is said here of how it understands people.",
    ]
    return model_card(taught.name, licence or UNKNOWN, "duologue", "\n".join(lines), order.base)
