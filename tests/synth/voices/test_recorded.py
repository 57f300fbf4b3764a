"""Recorded users: people's clips cut at pauses, placed by the timing, told apart by name, traced to the sample."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from corpus.audio import SAMPLE_RATE, write_flac
from corpus.record import Word
from corpus.staging import check_words
from synth.plan import Planner
from synth.recipe import parse_recipe
from synth.seeds import choices
from synth.speaking.acoustics import load_noise_bank
from synth.speaking.studio import Studio
from synth.voices.bank import load_bank
from synth.voices.recorded import cast, load_people, prepare
from synth.voices.recorded.clips import PersonClip, read_clips
from synth.voices.recorded.people import PhrasedClip
from synth.voices.recorded.settings import RecordedSettings
from synth.voices.recorded.words import kept
from tests.support.tone_engine import ToneEngine

RIGHTS = {"licence": "CC0-1.0", "consent": "made by a test"}
SENTENCES = ["one two three", "four five, six seven eight nine", "ten eleven. Twelve thirteen fourteen", "fifteen"]


def speak(path: Path, text: str, pitch: float) -> None:
    """A burst for each word, 0.1 s apart, 0.5 s after a mark: the shape of a recording, and a tone per speaker."""
    parts, time = [np.zeros(2_400, np.float32)], np.arange(7_200) / SAMPLE_RATE
    burst = (0.2 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)
    for word in text.split():
        parts += [burst, np.zeros(12_000 if word[-1] in ",." else 2_400, np.float32)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_flac(path, np.concatenate(parts)[None])


def word_times(text: str) -> tuple[Word, ...]:
    """Where `speak` puts the words."""
    words, at = [], 0.1
    for token in text.split():
        words.append(Word(text=token, start=round(at, 4), end=round(at + 0.3, 4), source="forced"))
        at += 0.8 if token[-1] in ",." else 0.4
    return tuple(words)


@pytest.fixture(autouse=True)
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The aligner of speech knows nothing of bursts; here it is told where they are."""
    monkeypatch.setattr("synth.voices.recorded.words.align", lambda samples, rate, text, *rest: word_times(text))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three people, four recordings each, in a folder of folders."""
    for number, name in enumerate(("ann", "bob", "cem")):
        for index, text in enumerate(SENTENCES):
            path = tmp_path / "people" / name / f"{index}.flac"
            speak(path, text, 200.0 + 150 * number)
            path.with_suffix(".txt").write_text(text)
    return tmp_path / "people"


def settings(folder: Path, **more: str) -> RecordedSettings:
    return RecordedSettings.model_validate({"recordings": str(folder), **RIGHTS, **more})


def test_phrases_are_cut_where_the_speaker_pauses_and_nowhere_else() -> None:
    said = "well, I think so. Do you?"
    words = [(0.0, 0.2), (0.25, 0.3), (0.6, 0.9), (0.95, 1.2), (1.39, 1.5), (1.6, 1.8)]
    timed = [Word(text=t, start=s, end=e, source="forced") for t, (s, e) in zip(said.split(), words, strict=True)]
    phrases = PhrasedClip.of(PersonClip("a.wav", "ann", "en", "CC0", "yes", "test"), timed)
    assert phrases.bounds == (0, 2, 6)  # 0.3 s after "I"; 0.19 s after "so." is no pause
    assert phrases.text(0, 2) == "well I, think so Do you?"
    assert phrases.text(0, 1) == "well I."
    span = phrases.span(1, 2)
    assert (span.start, span.end) == (0.6, 1.8)


def test_a_recording_is_timed_once_and_a_line_cut_short_is_made_again(folder: Path) -> None:
    chosen = settings(folder)
    assert prepare(chosen, "en") == 12
    whole = chosen.kept.read_bytes()
    assert prepare(chosen, "en") == 0
    chosen.kept.write_bytes(whole[: len(whole) // 2 + 7])
    assert 0 < prepare(chosen, "en") < 12
    assert kept(chosen.kept).keys() == {clip.path for clip in read_clips(chosen, "en")[1]}


def test_what_nobody_wrote_down_is_heard_once(folder: Path) -> None:
    (folder / "ann" / "0.txt").unlink()
    with pytest.raises(ValueError, match=r"ann/0.flac has no transcript; .*users.whisper"):
        prepare(settings(folder), "en")
    heard: list[int] = []

    def recognise(samples: np.ndarray) -> str:
        heard.append(len(samples))
        return " one  two three "

    assert prepare(settings(folder), "en", recognise) == 12
    assert prepare(settings(folder), "en", recognise) == 0
    assert len(heard) == 1
    found = kept(settings(folder).kept)["ann/0.flac"]
    assert found.heard
    assert [word.text for word in found.words] == ["one", "two", "three"]


def test_an_aligner_times_anew_what_another_timed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def align(samples: np.ndarray, rate: int, text: str, native: None, language: str, aligner: object) -> object:
        asked.append((language, aligner))
        words = word_times(text)
        return words if aligner else tuple(word.model_copy(update={"source": "proportional"}) for word in words)

    monkeypatch.setattr("synth.voices.recorded.words.align", align)
    monkeypatch.setattr("synth.voices.recorded.words.load_aligner", lambda name, language: f"{name} in {language}")
    for name in ("de", "fr"):
        (folder / name).mkdir()
        (folder / name / "model.bin").write_text(name)
    chosen = settings(folder)
    for aligner, source in (
        ("", "proportional"),
        (f"whisper:{folder}/de", "forced"),
        (f"whisper:{folder}/fr", "forced"),
    ):
        assert prepare(chosen, "de", aligner=aligner) == 12
        assert prepare(chosen, "de", aligner=aligner) == 0
        assert {word.source for clip in kept(chosen.kept).values() for word in clip.words} == {source}
        assert asked[-1] == ("de", f"{aligner} in de" if aligner else None)
    assert len(asked) == 36
    assert load_people(chosen, "de").persons


def test_a_manifest_is_read_whatever_else_it_says(folder: Path, tmp_path: Path) -> None:
    rows = [
        {"path": "people/ann/0.flac", "speaker": "ann", "text": SENTENCES[0], "seconds": 1.2, "licence": "CC-BY-4.0"},
        {"path": "people/bob/1.flac", "speaker": "bob", "language": "en"},
        {"path": "people/cem/1.flac", "speaker": "cem", "language": "de", "text": "eins"},
    ]
    manifest, said = tmp_path / "train.jsonl", tmp_path / "said.jsonl"
    manifest.write_text("\ufeff" + "\n".join(map(json.dumps, rows)))
    said.write_text(json.dumps({"path": "people/bob/1.flac", "text": SENTENCES[1]}))
    chosen = RecordedSettings(recordings=str(manifest), transcripts=str(said), **RIGHTS)
    assert prepare(chosen, "en") == 2
    assert chosen.kept == tmp_path / "train.words.jsonl"
    people = load_people(chosen, "en")
    assert [(person.voice.id, person.voice.licence) for person in people.persons] == [
        ("ann", "CC-BY-4.0"),
        ("bob", "CC0-1.0"),
    ]


def test_speakers_are_split_by_name(folder: Path, tmp_path: Path) -> None:
    held = tmp_path / "held.txt"
    held.write_text("bob\n\nsomebody-else\n")
    prepare(settings(folder), "en")
    names = {
        side: {person.voice.id for person in load_people(settings(folder, held_out=str(held), side=side), "en").persons}
        for side in ("train", "evaluation")
    }
    assert names == {"train": {"ann", "cem"}, "evaluation": {"bob"}}
    held.write_text("nobody\n")
    with pytest.raises(ValueError, match="none of its names"):
        load_people(settings(folder, held_out=str(held), side="train"), "en")


@pytest.mark.parametrize(
    ("users", "message"),
    [
        ({"licence": "CC0-1.0"}, "users.licence means nothing without users.recordings"),
        ({"recordings": "x", "side": "train"}, "users.side needs users.held_out"),
        ({"recordings": "nowhere", **RIGHTS}, "there is no folder or manifest nowhere"),
        ({"recordings": "HERE", "consent": "yes"}, "states no licence"),
        ({"recordings": "HERE", "licence": "CC0-1.0"}, "states no consent"),
    ],
)
def test_a_mistake_is_one_line(folder: Path, users: dict[str, str], message: str) -> None:
    given = {name: str(folder) if value == "HERE" else value for name, value in users.items()}
    with pytest.raises(ValueError, match=message):
        prepare(parse_recipe({"users": given}).users, "en")


def recorded_planner(folder: Path, **tables: object) -> Planner:
    recipe = parse_recipe(
        {
            "users": settings(folder).model_dump(exclude_defaults=True),
            "length": {"shortest": 60, "longest": 90},
            "behaviours": {"interruptions": 0.5, "thinking": 0.4},
            **tables,
        }
    )
    return Planner(recipe, 0, load_bank(), load_noise_bank(), people=load_people(recipe.users, "en"))


def test_every_user_turn_is_a_person_and_says_what_was_recorded(folder: Path) -> None:
    prepare(settings(folder), "en")
    planner = recorded_planner(folder)
    voices: Counter[str] = Counter()
    for number in range(20):
        plan = planner.plan(number)
        user = plan.speaker("user")
        assert user.voice is not None
        assert user.voice.kind == "recorded"
        voices[user.voice.id] += 1
        for turn in plan.turns:
            assert (turn.recording is not None) == (turn.speaker == "user")
            assert (turn.question, turn.answers) == (None, None)
            if turn.recording:
                assert turn.recording.path.startswith(f"{user.voice.id}/")
                assert all(pause.after_word in _ends(turn.text) for pause in turn.pauses)
    assert set(voices) == {"ann", "bob", "cem"}


def _ends(text: str) -> set[int]:
    return {number for number, word in enumerate(text.split(), 1) if word[-1] in ",.?!"}


def test_nothing_is_said_twice_before_all_was_said(folder: Path) -> None:
    prepare(settings(folder), "en")
    planner = recorded_planner(folder)
    person, _, spans = cast(planner.write(1), planner.people, choices(1))  # type: ignore[arg-type]
    every = {(found.clip.path, word.start) for found in person.recordings for word in found.words}
    said: set[tuple[str, float]] = set()
    rounds = 0
    for span in spans.values():
        now = {(path, start) for path, start in every if path == span.path and span.start <= start < span.end}
        assert now
        if said & now:
            assert said == every
            said, rounds = set(), rounds + 1
        said |= now
    assert rounds > 0


def test_the_sound_is_the_recordings_and_words_stand_on_it(folder: Path) -> None:
    prepare(settings(folder), "en")
    quiet = {"acoustics": {"gain": 0, "noise": 0, "echo": 0, "room": 0, "floor_dbfs": [-90, -89]}}
    planner = recorded_planner(folder, **quiet)
    studio = Studio(ToneEngine(), planner.voices, planner.noises, 0, people=planner.people)
    made = studio.render(planner.plan(0))
    again = studio.render(planner.plan(0))
    assert np.array_equal(made.audio, again.audio)
    check_words(made.dialogue, made.audio.shape[1] / SAMPLE_RATE)
    user = made.dialogue.speaker("user").voice
    assert user is not None
    tone = {"ann": 200.0, "bob": 350.0, "cem": 500.0}[user.id]
    for word in made.dialogue.words(1):
        heard = made.stems[1, round((word.start + 0.02) * SAMPLE_RATE) : round((word.end - 0.03) * SAMPLE_RATE)]
        if len(heard) > 2_400:
            spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
            assert abs(np.argmax(spectrum) * SAMPLE_RATE / len(heard) - tone) < 20
            assert word.source == "forced"


def test_a_recipe_is_known_by_its_people_and_not_by_where_they_lie(folder: Path, tmp_path: Path) -> None:
    prepare(settings(folder), "en")
    first = parse_recipe({"users": settings(folder).model_dump(exclude_defaults=True)})
    digest = first.digest()
    moved = tmp_path / "elsewhere" / "people"
    moved.parent.mkdir()
    folder.rename(moved)
    second = parse_recipe({"users": settings(moved).model_dump(exclude_defaults=True)})
    assert (second.digest(), "elsewhere" in second.model_dump_json()) == (digest, False)
    (moved / "cem" / "3.flac").unlink()
    load_people.__globals__["_load"].cache_clear()
    assert second.digest() != digest
