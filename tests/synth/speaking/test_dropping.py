"""A turn that cannot be spoken leaves its dialogue, and everybody who reacted to it reacts to what is left."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from corpus.record import Dialogue, DroppedTurn, Question, RejectedTake, Speaker, Turn
from corpus.staging import check_words
from synth.engines.failure import EngineFailureError
from synth.engines.protocol import ReferenceVoice, Speech, Style
from synth.plan import Planner
from synth.recipe import parse_recipe
from synth.speaking.acoustics import load_noise_bank
from synth.speaking.dropping import LEAST_GAP, without
from synth.speaking.quality.yields import collect_yield
from synth.speaking.studio import RejectedError, Studio
from synth.voices.bank import load_bank
from tests.support.tone_engine import ToneEngine

RECIPE = parse_recipe({"length": {"shortest": 120, "longest": 160}})  # two turns lost are no fifth of it
SPEAKERS = (Speaker(id="agent", role="agent", channel=0), Speaker(id="user", role="user", channel=1))
LOST = DroppedTurn(speaker="user", text="x", rejects=(RejectedTake(reasons=("words",), heard="y"),))


def plan(*turns: dict[str, object]) -> Dialogue:
    made = [Turn.model_validate({"index": index, "text": "a b c", **turn}) for index, turn in enumerate(turns)]
    return Dialogue(id="d0", seed=0, speakers=SPEAKERS, turns=tuple(made))


TALK = plan(
    {"speaker": "agent", "offset": 0.5},
    {"speaker": "user", "anchor": 0, "offset": 0.2, "question": Question(kind="sum", answer="four")},
    {"speaker": "agent", "anchor": 1, "offset": -0.3, "reply_to": 1, "answers": 1, "cut_word": 2, "interrupted_by": 4},
    {"speaker": "user", "event": "backchannel", "anchor": 2, "anchor_word": 1},
    {"speaker": "user", "event": "interrupt", "anchor": 2, "anchor_word": 2, "offset": -0.4},
    {"speaker": "agent", "anchor": 4, "offset": -0.1},
)


def test_a_lost_answer_takes_its_nods_and_the_question_with_it() -> None:
    thinned = without(TALK, {2: LOST})
    left = thinned.plan.turns
    assert thinned.moved == {0: 0, 1: 1, 4: 2, 5: 3}
    assert left[1].question is None
    assert (left[2].event, left[2].anchor, left[2].anchor_word, left[2].offset) == ("turn", 1, None, LEAST_GAP)
    assert (left[3].anchor, left[3].offset) == (2, -0.1)
    assert thinned.plan.dropped == (LOST,)


def test_a_lost_interruption_lets_the_other_finish() -> None:
    thinned = without(TALK, {4: LOST})
    cut = thinned.plan.turns[2]
    assert (cut.cut_word, cut.interrupted_by) == (None, None)
    assert thinned.stale == {2}
    assert (thinned.plan.turns[4].anchor, thinned.plan.turns[4].offset) == (2, LEAST_GAP)  # the same speaker goes on


def test_a_lost_beginning_leaves_one_that_waits_for_nobody() -> None:
    thinned = without(TALK, {0: LOST, 1: LOST})
    assert (thinned.plan.turns[0].anchor, thinned.plan.turns[0].offset) == (None, LEAST_GAP)
    assert thinned.plan.turns[0].answers is None


@dataclass
class Refusing(ToneEngine):
    """A tone engine that cannot say some texts."""

    refused: set[str] = field(default_factory=set)

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        if text in self.refused:
            raise EngineFailureError("no_speech", "nothing came out")
        return super().speak(text, voice, style, seed)


def test_a_dialogue_goes_without_the_turn_and_says_which() -> None:
    planner = Planner(RECIPE, 0, load_bank(), load_noise_bank())
    engine = Refusing()
    studio = Studio(engine, planner.voices, planner.noises, 0)
    for number in range(4):
        planned = planner.plan(number)
        spoken = [turn for turn in planned.turns if turn.event != "backchannel"]
        engine.refused = {spoken[number].text, spoken[-1 - number].text}
        made = studio.render(planned)
        texts = [turn.text for turn in made.dialogue.turns]
        assert not engine.refused & set(texts)
        assert {lost.text for lost in made.dialogue.dropped} == engine.refused
        assert made.dialogue.dropped[0].rejects == (RejectedTake(reasons=("no_speech",)),) * 3
        check_words(made.dialogue, made.audio.shape[1] / 24_000)
        again = Dialogue.model_validate_json(made.dialogue.model_dump_json())
        assert again == made.dialogue
        assert np.array_equal(studio.render(planned).audio, made.audio)
    found = collect_yield([made.dialogue])
    assert (found.dropped, found.lost) == (len(made.dialogue.dropped), {"no_speech": len(made.dialogue.dropped)})
    assert str(found.rejects[0]).endswith("[no_speech] left out")


def test_a_dialogue_that_loses_too_much_is_rejected_with_all_reasons() -> None:
    planner = Planner(RECIPE, 0, load_bank(), load_noise_bank())
    planned = planner.plan(0)
    engine = Refusing(refused={turn.text for turn in planned.turns[::2]})
    with pytest.raises(RejectedError, match=r"d0000000: \d+ of \d+ turns cannot be spoken: .*no_speech"):
        Studio(engine, planner.voices, planner.noises, 0).render(planned)
