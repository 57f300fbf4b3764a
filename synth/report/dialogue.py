"""One dialogue in the page: its player, the data its timeline is drawn from, its transcript and its acoustics."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from urllib.parse import quote

from corpus.record import Acoustics, Dialogue, Question, Turn

from .collect import LEVEL_RATE, DialogueView
from .format import clock, duration, escape, number, printable


def section(view: DialogueView, *, opened: bool) -> str:
    """The article of one dialogue; `opened` shows its transcript from the start."""
    dialogue = view.dialogue
    id = escape(dialogue.id)
    length = duration(dialogue.audio.duration) if dialogue.audio else "not recorded"
    topics = ", ".join(dialogue.topics)
    return f"""<article class="dialogue" id="dialogue-{id}" aria-labelledby="title-{id}">
<header><h3 id="title-{id}">{id}</h3><p>{escape(topics)}</p>
<p class="aside">{length} · {number(len(dialogue.turns))} turns · {escape(view.reason)}</p></header>
{_player(dialogue)}
<div class="timeline"></div>
<script type="application/json" class="data">{_embedded(view)}</script>
<details{" open" if opened else ""}><summary>Transcript</summary>
<ol class="transcript" tabindex="0" aria-label="Transcript of {id}">
{"".join(_line(dialogue, turn) for turn in _by_onset(dialogue.turns))}</ol></details>
<details><summary>Voices and acoustics</summary><dl class="facts">{_facts(dialogue)}</dl></details>
</article>
"""


def _player(dialogue: Dialogue) -> str:
    if dialogue.audio is None:
        return ""
    return (
        f'<audio controls preload="none" src="{quote(dialogue.audio.path, safe="/")}" '
        f'aria-label="Recording of {escape(dialogue.id)}"></audio>'
    )


def _embedded(view: DialogueView) -> str:
    """The timeline's data as JSON that cannot close its script element. Times in seconds, levels in base64."""
    dialogue = view.dialogue
    seconds = dialogue.audio.duration if dialogue.audio else 0.0
    data = {
        "seconds": round(seconds, 2),
        "rate": LEVEL_RATE,
        "lanes": _lanes(dialogue, max(len(view.levels), 1)),
        "levels": [base64.b64encode(channel.tobytes()).decode() for channel in view.levels],
        "turns": [
            {
                "i": turn.index,
                "lane": dialogue.channel(turn),
                "start": turn.start,
                "end": turn.end,
                "event": turn.event,
                "cut": _words_cut(turn),
                "words": [[printable(word.text), round(word.start, 3), round(word.end, 3)] for word in turn.words],
            }
            for turn in _by_onset(dialogue.turns)
            if turn.start is not None and turn.end is not None
        ],
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _lanes(dialogue: Dialogue, channels: int) -> list[str]:
    """Who speaks on each channel."""
    names = [[speaker.id for speaker in dialogue.speakers if speaker.channel == channel] for channel in range(channels)]
    return [printable(" + ".join(ids)) or f"channel {channel}" for channel, ids in enumerate(names)]


def _by_onset(turns: Sequence[Turn]) -> list[Turn]:
    return sorted(turns, key=lambda turn: (turn.start if turn.start is not None else float("inf"), turn.index))


def _words_cut(turn: Turn) -> int:
    return max(len(turn.written_words) - turn.cut_word, 0) if turn.cut_word else 0


def _line(dialogue: Dialogue, turn: Turn) -> str:
    """One turn of the transcript: when, who, what was said, what was cut, what it asks or answers."""
    asked = dialogue.turns[turn.answers].question if turn.answers is not None else None
    answer = _find(turn.spoken_text.split(), asked) if asked else None
    time = (
        "" if turn.start is None else f'<button type="button" data-at="{turn.start:.2f}">{clock(turn.start)}</button>'
    )
    return (
        f'<li class="lane{min(dialogue.channel(turn), 1)}" data-turn="{turn.index}">'
        f'<span class="index">{turn.index}</span><span class="when">{time}</span>'
        f'<span class="who">{escape(turn.speaker)}</span>'
        f'<span class="said">{_said(turn, answer)} {_tags(turn, asked, answer)}</span></li>\n'
    )


def _tags(turn: Turn, asked: Question | None, answer: tuple[int, int] | None) -> str:
    """What kind of turn it is; `asked` is the question it answers, `answer` where in its words it does."""
    tags: list[tuple[str, str]] = []
    if turn.event != "turn":
        tags.append((turn.event, turn.event))
    if turn.interrupted_by is not None:
        tags.append(("cut", f"cut by turn {turn.interrupted_by}"))
    if turn.question:
        tags.append(("asks", f"asks: {turn.question.kind}, answer “{turn.question.answer}”"))
    if asked:
        tags.append(
            ("found", f"✓ answers turn {turn.answers}")
            if answer
            else ("missing", f"✗ no answer to turn {turn.answers}")
        )
    return " ".join(f'<span class="tag {kind}">{escape(text)}</span>' for kind, text in tags)


def _said(turn: Turn, answer: tuple[int, int] | None) -> str:
    """The turn's text: planned pauses in place, the answer marked, words that were cut struck through."""
    words = [escape(word) for word in turn.written_words]
    for pause in turn.pauses:
        if pause.after_word <= len(words):
            words[pause.after_word - 1] += f' <span class="pause">({number(pause.seconds, 1)} s)</span>'
    if answer:
        words[answer[0]] = "<mark>" + words[answer[0]]
        words[answer[1] - 1] += "</mark>"
    spoken, cut = " ".join(words[: turn.cut_word]), " ".join(words[len(words) - _words_cut(turn) :])
    return f"<bdi>{spoken}{f' <del>{cut}</del>' if cut else ''}</bdi>"


def _find(words: Sequence[str], question: Question) -> tuple[int, int] | None:
    """Which words (first, one past the last) hold the answer, without regard to case and punctuation."""
    spoken = [(piece, index) for index, word in enumerate(words) for piece in _pieces(word)]
    wanted = [piece for word in question.answer.split() for piece in _pieces(word)]
    for at in range(len(spoken) - len(wanted) + 1 if wanted else 0):
        if [piece for piece, _ in spoken[at : at + len(wanted)]] == wanted:
            return spoken[at][1], spoken[at + len(wanted) - 1][1] + 1
    return None


def _pieces(word: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in word.casefold().replace("'", "").replace("’", "")).split()


def _facts(dialogue: Dialogue) -> str:
    facts = [("Seed", str(dialogue.seed))]
    for speaker in dialogue.speakers:
        voice = speaker.voice
        facts.append(
            (
                f"Voice of {speaker.id}",
                f"{voice.id}, {voice.kind}, {voice.engine}, {voice.licence}" if voice else "none",
            )
        )
    if dialogue.stats:
        figures = [f"{name} {getattr(dialogue.stats, name):.1f}" for name in ("ipu", "pause", "gap", "overlap")]
        facts.append(("Timing, s/min", ", ".join(figures)))
    if dialogue.audio:
        levels = zip(dialogue.audio.lufs, dialogue.audio.peak_dbfs, strict=False)
        facts.append(("Loudness", "; ".join(f"{number(a, 1)} LUFS, peak {number(b, 1)} dBFS" for a, b in levels)))
        facts.append(("File", dialogue.audio.path))
        facts.append(("SHA-256", dialogue.audio.sha256))
    if dialogue.acoustics:
        facts += _acoustics(dialogue.acoustics)
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)


def _acoustics(used: Acoustics) -> list[tuple[str, str]]:
    """What was done to the sound, as name and value; what was not done is left out."""
    floors = " and ".join(number(level, 0) for level in used.floor_dbfs)
    facts = [("Noise floors", f"{floors} dBFS"), ("Gain of the user", f"{number(used.user_gain_db, 1)} dB")]
    if used.noise:
        muted = ", ".join(f"{clock(start)} to {clock(end)}" for start, end in used.noise.silences)
        level = f"{used.noise.id} ({used.noise.licence}) at {number(used.noise.snr_db, 1)} dB SNR"
        facts.append(("Noise", level + (f", muted {muted}" if muted else "")))
    if used.echo:
        facts.append(("Echo", f"gain {used.echo.gain:.2f}, delay {1000 * used.echo.delay:.0f} ms"))
    if used.room:
        facts.append(("Room", used.room))
    return facts
