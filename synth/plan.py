"""Plan one dialogue: what is said, when people mean to say it, with which voices, in which acoustics.

A plan is a `Dialogue` without times. It is a pure function of recipe, corpus seed and number, so any worker plans the
same one. Onsets are relative to what they react to; `synth.speaking.timeline` puts them on a clock once the clips are
spoken.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from corpus.record import DIGITS, Acoustics, Dialogue, EchoUse, NoiseUse, Pause, RecordedSpan, Speaker, Turn

from .engines.protocol import ReferenceVoice
from .engines.pseudo.blend import draw_blend
from .presets import PRESETS, Spread, TimingPreset
from .recipe import AcousticsRates, CorpusRecipe
from .script.builtin.writer import SHORTEST, BuiltinWriter
from .script.finished import FinishedWriter
from .script.language import load_language
from .script.line import Brief, Line, Writer
from .script.models.writer import ModelWriter
from .seeds import choices, derive
from .speaking import steady
from .speaking.acoustics import NoiseBank
from .voices.bank import pick_pair
from .voices.recorded import People, Person, cast

GENERATION = 4  # raised whenever the same recipe and seed come to be planned or spoken otherwise
SPARE = 0.25  # of the hours asked for: what a corpus may have more
_PRONOUNS = {"f": "she", "m": "he"}
CLAUSE_ENDS = ".,?!;:"
SENTENCE_ENDS = ".?!"
MIN_WORDS_FOR_BACKCHANNEL = 4  # said since the turn's start or the last backchannel
MIN_WORDS_WITHIN = 5  # where no clause ends


def dialogue_id(number: int) -> str:
    """The id of dialogue `number` of a corpus."""
    return f"d{number:0{DIGITS}d}"


@dataclass(frozen=True)
class Planner:
    """Plans the dialogues of one corpus: recipe, seed, and the banks its names refer to."""

    recipe: CorpusRecipe
    seed: int
    voices: Mapping[str, ReferenceVoice]
    noises: NoiseBank
    writer: Writer = field(default_factory=BuiltinWriter)
    people: People | None = None  # recorded, who are the users
    hours: float = 0.0  # that the corpus shall hold: a short one has a short last dialogue; 0: no matter

    def seed_of(self, number: int) -> int:
        """The seed of dialogue `number`: everything random in it derives from it."""
        return derive(self.seed, self._digest, dialogue_id(number))

    @cached_property
    def _digest(self) -> str:
        return self.recipe.digest()

    def write(self, number: int, attempt: int = 0) -> list[Line]:
        """The lines of dialogue `number`; the built-in writer always writes the same, a model may not."""
        if isinstance(self.writer, FinishedWriter):
            return list(self.writer.dialogue(number, self.recipe.language))
        seed = self.seed_of(number)
        rng = choices(seed, "script", attempt) if attempt else choices(seed, "script")
        return self.writer.write(self._brief(number), rng)

    def check(self) -> None:
        """Raise ValueError if anything the recipe names cannot be had, a model's server included; writes nothing."""
        if isinstance(self.writer, ModelWriter):
            self.writer.check(self.recipe.language)
            self.plan(0, ())
        else:
            self.plan(0)

    def plan(self, number: int, lines: Sequence[Line] | None = None) -> Dialogue:
        """Dialogue `number` of the corpus, without times; `lines` are its script if that is written already."""
        recipe, seed = self.recipe, self.seed_of(number)
        preset = PRESETS[recipe.timing]()
        lines = self.write(number) if lines is None else lines
        person: Person | None = None
        spans: Mapping[int, RecordedSpan] = {}
        if self.people is not None:
            person, lines, spans = cast(lines, self.people, choices(seed, "person"))
        backchannels = load_language(recipe.language).phrases.backchannels
        timing = _Timing(preset, recipe.behaviours.backchannels, backchannels, choices(seed, "timing"), spans)
        return Dialogue(
            id=dialogue_id(number),
            seed=seed,
            language=recipe.language,
            recipe=recipe.name,
            topics=tuple(dict.fromkeys(line.topic for line in lines if line.topic)),
            timing=recipe.timing,
            speakers=self._speakers(seed, lines, person),
            turns=timing.turns(lines),
            acoustics=self._acoustics(seed),
        )

    def dialogues(self, first: int = 0) -> Iterator[Dialogue]:
        """Every dialogue from number `first` on, for ever, one at a time."""
        return (self.plan(number) for number in itertools.count(first))

    def _brief(self, number: int) -> Brief:
        recipe, seed = self.recipe, self.seed_of(number)
        words = self._words(number)
        topics = recipe.writer.families if isinstance(self.writer, ModelWriter) else recipe.asked_topics()
        agent, user = (_PRONOUNS.get(voice.gender or "", "") for voice in self._pair(seed)[:2])
        return Brief(recipe.language, topics, recipe.behaviours.written(), round(words), agent, user)

    def _drawn_words(self, number: int) -> float:
        length, rng = self.recipe.length, choices(self.seed_of(number), "brief")
        return math.exp(rng.uniform(math.log(length.shortest), math.log(length.longest)))

    def _words(self, number: int) -> float:
        """How long dialogue `number` is to be: as drawn, but the one that a short corpus ends with fits into it.

        A recipe that states its lengths has them whatever it costs.
        """
        drawn, wanted = (
            self._drawn_words(number),
            self.hours * 60 * load_language(self.recipe.language).words_per_minute,
        )
        if not 0 < wanted * SPARE < self.recipe.length.longest or "length" in self.recipe.model_fields_set:
            return drawn
        before = 0.0
        for earlier in range(number):
            before += self._drawn_words(earlier)
            if before >= wanted:
                break
        if before + drawn <= wanted * (1 + SPARE):
            return drawn
        return max(wanted - before, wanted * SPARE / 2, SHORTEST)

    @cached_property
    def _users(self) -> tuple[str, ...]:
        """The voices of the users' engine; none where they have none of their own."""
        engine = self.recipe.voices.user_engine
        return tuple(id for id, voice in self.voices.items() if voice.voice.engine == engine)

    def _pair(self, seed: int) -> tuple[ReferenceVoice, ReferenceVoice, random.Random]:
        """The voices of agent and user, and the stream that further draws about them come from."""
        recipe, rng = self.recipe, choices(seed, "voices")
        agent, user = pick_pair(self.voices, rng, recipe.voices.agent, recipe.voices.user or self._users)
        if recipe.voices.blend:
            user = draw_blend(self.voices, user, recipe.voices.user, choices(seed, "blend"))
        return agent, user, rng

    def _acoustics(self, seed: int) -> Acoustics:
        planned = plan_acoustics(self.recipe.acoustics, self.noises, choices(seed, "acoustics"))
        if not self.recipe.voices.steady:
            return planned
        return planned.model_copy(update={"floor_dbfs": (steady.FLOOR_DBFS, planned.floor_dbfs[1])})

    def _speakers(self, seed: int, lines: Sequence[Line], person: Person | None) -> tuple[Speaker, ...]:
        recipe = self.recipe
        agent, user, rng = self._pair(seed)
        speakers = [
            _speaker("agent", 0, agent, recipe.acoustics.agent_lufs, rng),
            _speaker("user", 1, user, recipe.acoustics.user_lufs, rng),
        ]
        if recipe.voices.steady:
            lufs = round(sum(recipe.acoustics.agent_lufs) / 2, 2)
            speakers[0] = speakers[0].model_copy(update={"rate": steady.FLAT.rate, "lufs": lufs})
        if person is not None:
            speakers[1] = speakers[1].model_copy(update={"voice": person.voice, "rate": 1.0})
        if any(line.speaker == "other" for line in lines):
            rest = [voice for id, voice in sorted(self.voices.items()) if id not in (agent.voice.id, user.voice.id)]
            bystander = rng.choice(rest) if rest else user
            level = speakers[1].lufs - 6.0  # stands further from the user's microphone
            speakers.append(_speaker("other", 1, bystander, (level, level), rng))
        return tuple(speakers)


def _speaker(
    role: str, channel: int, reference: ReferenceVoice, lufs: tuple[float, float], rng: random.Random
) -> Speaker:
    rate = math.exp(rng.gauss(0.0, 0.07))
    return Speaker.model_validate(
        {
            "id": role,
            "role": role,
            "channel": channel,
            "voice": reference.voice,
            "rate": round(min(max(rate, 0.85), 1.2), 3),
            "lufs": round(rng.uniform(*lufs), 2),
        }
    )


def plan_acoustics(rates: AcousticsRates, bank: NoiseBank, rng: random.Random) -> Acoustics:
    """Draw what the user's channel goes through (Moshi's augmentation, Defossez et al. 2024, section 4.4)."""
    gain = noise = echo = room = None
    if rng.random() < rates.gain:
        gain = rng.uniform(*rates.gain_db)
    if rng.random() < rates.noise:
        sound = rng.choice(bank.noises)
        noise = NoiseUse(id=sound.id, licence=sound.licence, snr_db=round(-rng.uniform(*rates.noise_db), 2))
    if rng.random() < rates.echo:
        echo = EchoUse(gain=round(rng.uniform(*rates.echo_gain), 4), delay=round(rng.uniform(*rates.echo_delay), 4))
    if rng.random() < rates.room:
        room = rng.choice(bank.rooms).id
    floors = (round(rng.uniform(*rates.floor_dbfs), 2), round(rng.uniform(*rates.floor_dbfs), 2))
    return Acoustics(floor_dbfs=floors, user_gain_db=round(gain or 0.0, 2), noise=noise, echo=echo, room=room)


def estimated_seconds(plan: Dialogue) -> float:
    """About how long a plan lasts once it is spoken."""
    words = sum(len(turn.spoken_text.split()) for turn in plan.turns)
    return words * 60 / load_language(plan.language).words_per_minute


class _Timing:
    """Turns lines into turns with planned onsets, pauses and backchannels, in one pass over a dialogue."""

    def __init__(
        self,
        preset: TimingPreset,
        backchannel_rate: float,
        backchannels: Sequence[str],
        rng: random.Random,
        recorded: Mapping[int, RecordedSpan],
    ) -> None:
        self.preset = preset
        self.recorded = recorded  # lines said by a person, by number
        self.rng = rng
        self.backchannel_scale = backchannel_rate
        self.backchannels = backchannels  # that fit anything: nobody says "oh nice" to a complaint
        dyad = rng.gauss(0.0, preset.dyad)
        self.latent = {role: dyad + rng.gauss(0.0, preset.individual) for role in ("agent", "user", "other")}
        # What people differ by is part of the preset's spread: over all of them it comes out as the preset says.
        self.spread = math.sqrt(1.0 - preset.dyad**2 - preset.individual**2)

    def turns(self, lines: Sequence[Line]) -> tuple[Turn, ...]:
        turns: list[Turn] = []
        position: dict[int, int] = {}  # line number -> turn index: backchannels shift the turns after them
        previous: Line | None = None
        for number, line in enumerate(lines):
            anchor = position[number - 1] if number else None
            if line.event == "interrupt" and anchor is not None:
                turns[anchor] = turns[anchor].model_copy(update={"interrupted_by": len(turns)})
            turn = Turn(
                index=len(turns),
                speaker=line.speaker,
                event=line.event,
                text=line.text,
                act=line.act,
                topic=line.topic,
                reply_to=None if line.reply_to is None else position[line.reply_to],
                question=line.question,
                answers=None if line.answers is None else position[line.answers],
                cut_word=line.cut_word,
                anchor=anchor,
                anchor_word=previous.cut_word if previous and line.event == "interrupt" else None,
                offset=self._offset(line, previous),
                pauses=self._pauses(line),
                recording=self.recorded.get(number),
            )
            position[number] = turn.index
            turns.append(turn)
            turns.extend(self._backchannels(line, turn))
            previous = line
        return tuple(turns)

    def _offset(self, line: Line, previous: Line | None) -> float:
        preset, rng = self.preset, self.rng
        if previous is None:
            return round(rng.uniform(0.3, 0.9), 3)  # before the first word of a recording
        if line.gap is not None:
            return round(line.gap, 3)
        if line.event == "interrupt":
            return -round(preset.yield_latency.draw(rng), 3)
        if previous.event == "hold":
            return round(preset.think.draw(rng), 3)
        if (line.speaker == "agent") == (previous.speaker == "agent"):  # same channel: nothing to overlap
            return round(max(preset.pause.draw(rng), 0.2), 3)
        transfer = preset.to_agent if line.speaker == "agent" else preset.to_user
        return round(transfer.draw(rng, -self.latent[line.speaker], self.spread), 3)

    def _pauses(self, line: Line) -> tuple[Pause, ...]:
        """Every boundary inside a line gets its silence: a pause, a short join, or a long thinking pause."""
        preset, rng = self.preset, self.rng
        pauses = []
        words = line.text.split()
        for after, word in enumerate(words[:-1], start=1):
            kind: Spread | None = None
            if after == line.think:
                kind = preset.think
            elif word[-1] in CLAUSE_ENDS:
                chance = preset.pause_at_sentence if word[-1] in SENTENCE_ENDS else preset.pause_at_comma
                kind = preset.pause if rng.random() < chance else preset.join
            if kind:
                seconds = kind.draw(rng)
                pauses.append(Pause(after_word=after, seconds=round(seconds, 3)))
        return tuple(pauses)

    def _backchannels(self, line: Line, turn: Turn) -> list[Turn]:
        """The listener's backchannels during a turn before any cut: at clause ends, less often within a clause."""
        preset, rng = self.preset, self.rng
        made: list[Turn] = []
        if line.event in ("aside", "hold", "interrupt") or line.speaker == "other":
            return made
        listener = "user" if line.speaker == "agent" else "agent"
        if listener == "user" and self.recorded:
            return made  # no engine lends a person a nod
        words = line.text.split()
        last, limit = 0, (line.cut_word or len(words)) - 2
        for after, word in enumerate(words[: max(limit, 0)], start=1):
            ends = word[-1] in CLAUSE_ENDS
            if after - last < (MIN_WORDS_FOR_BACKCHANNEL if ends else MIN_WORDS_WITHIN):
                continue
            rate = preset.backchannel_rate if ends else preset.backchannel_within
            if rng.random() >= rate * self.backchannel_scale * math.exp(self.latent[listener] / 2):
                continue
            last = after
            text = rng.choice(self.backchannels)
            made.append(
                Turn(
                    index=turn.index + len(made) + 1,
                    speaker=listener,
                    event="backchannel",
                    text=text,
                    act="continuer",
                    anchor=turn.index,
                    anchor_word=after,
                    offset=round(rng.gauss(*preset.backchannel_delay), 3),
                )
            )
        return made
