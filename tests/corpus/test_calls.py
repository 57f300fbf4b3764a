"""Calls of people: found, their transcripts read, their level and what nobody may hear put right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from corpus.audio import SAMPLE_RATE, Samples, loudness, to_samples
from corpus.formats.call_transcripts import Cue, Written, written
from corpus.formats.calls import calls, recordings
from corpus.formats.catalogue import IMPORTS, importer
from corpus.formats.importing import import_corpus
from corpus.formats.level import at_loudness
from corpus.formats.recordings import OVERSHOOT, Recording, Rights, Treatment, Unheard, Unreadable, Words
from corpus.formats.redaction import BEEP_LEVEL, MARGIN, MARK
from corpus.interleave import TimedWord
from corpus.record import Word
from corpus.store import Corpus, verify
from tests.support.calls import sound, write_call, write_json
from tests.support.tiny_corpus import contents, dialogue

RIGHTS = Rights("CC0-1.0", "given", "here", "en", "native")
AGENT, USER = "SPEAKER_MAIN", "SPEAKER_USER"


def hear(samples: Samples, text: str | None) -> list[Words]:
    """Hears one word, or the one that is written."""
    return [(Word(text=text or "hello", start=0.5, end=1.0, source="native"),)]


def test_calls_are_found_by_their_names(tmp_path: Path) -> None:
    write_call(tmp_path, "monday")
    write_call(tmp_path / "june", "a.b", sides=("_caller", "_operator"))
    write_call(tmp_path, "half", sides=("-agent",))
    soundfile.write(tmp_path / "mono.wav", sound()[0], SAMPLE_RATE)
    (tmp_path / "noise.wav").write_bytes(b"no sound")
    write_call(tmp_path, "twice")
    write_call(tmp_path, "twice", sides=(".left", ".right"))
    write_call(tmp_path, "odd", sides=(".agent", ".user"))
    soundfile.write(tmp_path / "odd.user.wav", sound().T, SAMPLE_RATE)
    found = {one.name: one for one in recordings(tmp_path, RIGHTS)}
    assert list(found) == ["half", "june/a.b", "monday", "mono", "noise", "odd", "twice"]
    why = {name: one.why for name, one in found.items() if isinstance(one, Unreadable)}
    assert "no diarisation" in why["mono"]
    assert "no half.user.wav beside it" in why["half"]
    assert "keep one of the two" in why["twice"]
    assert "odd.user.wav is the file of one side and has 2 channels" in why["odd"]
    assert "cannot read" in why["noise"]
    assert len(why) == 5
    for name in ("june/a.b", "monday"):
        call = found[name]
        assert isinstance(call, Recording)
        assert call.unheard == (Unheard(0), Unheard(1))
        swapped = name != "monday"  # its caller was written from the left channel
        np.testing.assert_allclose(call.read(), sound()[::-1] if swapped else sound(), atol=1 / 32768)
    (right,) = [one for one in recordings(tmp_path, RIGHTS, swapped=True) if one.name == "monday"]
    assert isinstance(right, Recording)
    np.testing.assert_allclose(right.read(), sound()[::-1], atol=1 / 32768)
    assert not calls(tmp_path / "nothing")


TIMED = (TimedWord("hi", 0.5, 0.8, AGENT), TimedWord("there", 0.8, 1.0, USER))
FORMS: list[tuple[str, object, int | None, Written]] = [
    ("json", {"alignments": [["hi", [0.5, 0.8], AGENT], ["there", [0.8, 1.0], USER]]}, None, Written(TIMED)),
    (
        "json",
        [
            {"word": "hi", "start": 0.5, "end": 0.8, "speaker": "A"},
            {"word": "there", "start": 0.8, "end": 1, "speaker": "customer"},
        ],
        None,
        Written(TIMED),
    ),
    (
        "json",
        {
            "segments": [
                {"text": "hi", "start": 0.5, "end": 0.8, "words": [{"word": " hi", "start": 0.5, "end": 0.8}]},
                {"text": " who is it", "start": 1, "end": 2},
            ]
        },
        0,
        Written(TIMED[:1], (Cue(0, "who is it", 1.0, 2.0),)),
    ),
    (
        "vtt",
        "WEBVTT\n\nNOTE none\n\n1\n00:01.500 --> 00:02.000 align:start\n<v Agent>Hi <c>there</c>\nyou</v>\n\n"
        "01:00:00.000 --> 01:00:01.250\n<v caller>Yes.\n",
        None,
        Written(cues=(Cue(0, "Hi there you", 1.5, 2.0), Cue(1, "Yes.", 3600.0, 3601.25))),
    ),
    ("vtt", "WEBVTT\n\n00:01.500 --> 00:02.000\nHi\n", 1, Written(cues=(Cue(1, "Hi", 1.5, 2.0),))),
    ("txt", "Agent: Hi: you\n\nuser: Yes.\nagent:  Fine.\n", None, Written(texts={0: "Hi: you Fine.", 1: "Yes."})),
    ("txt", "Hi\nyou: there\n", 1, Written(texts={1: "Hi you: there"})),
]


@pytest.mark.parametrize(("form", "content", "channel", "what"), FORMS)
def test_transcripts_in_every_form(
    tmp_path: Path, form: str, content: object, channel: int | None, what: Written
) -> None:
    path = tmp_path / f"call.{form}"
    if form == "json":
        write_json(path, content)
    else:
        path.write_text(str(content).replace("\n", "\r\n"), encoding="utf-8-sig")
    assert written(path, channel) == what


@pytest.mark.parametrize(
    ("form", "content", "why"),
    [
        ("txt", "hello", "line 1 does not say who speaks"),
        ("txt", "bob: hello", "a speaker is called 'bob': call the two sides agent and user"),
        ("vtt", "WEBVTT\n\n00:01.500 --> 00:02.000\nHi\n", "does not say who speaks"),
        ("vtt", "WEBVTT\n\n00:03.000 --> 00:02.000\n<v agent>Hi\n", "goes from 3.0 to 2.0 s"),
        ("json", "{", "call.json"),
        ("json", '{"words": []}', "'alignments' is missing"),
        ("json", '[["hi", [0, 1]]]', "call.json"),
        ("json", "[3]", "call.json"),
    ],
)
def test_a_transcript_that_is_none_is_told(tmp_path: Path, form: str, content: str, why: str) -> None:
    path = tmp_path / f"call.{form}"
    path.write_text(content)
    with pytest.raises(ValueError, match=why):
        written(path, None)


def test_what_is_written_is_not_listened_to(tmp_path: Path) -> None:
    write_call(tmp_path, "whole")
    write_json(tmp_path / "whole.json", {"alignments": [["hi", [0.5, 0.8], AGENT]]})
    write_call(tmp_path, "half", sides=(".agent", ".user"))
    (tmp_path / "half.agent.vtt").write_text("WEBVTT\n\n00:01.500 --> 00:02.000\nHi\n")
    (tmp_path / "half.user.txt").write_text("Yes I am.")
    write_call(tmp_path, "bare")
    found = {one.name: one for one in recordings(tmp_path, RIGHTS) if isinstance(one, Recording)}
    assert found["whole"].unheard == ()
    assert [word.text for word in found["whole"].utterances[0].words] == ["hi"]
    assert found["half"].unheard == (Unheard(1, "Yes I am."),)
    assert [(row.channel, row.text, row.start) for row in found["half"].utterances] == [(0, "Hi", 1.5)]
    without = import_corpus(tmp_path, "wav", recordings, tmp_path / "without", RIGHTS)
    assert [one.name for one in without.skipped] == ["bare", "half"]
    assert "it has no transcript: give --whisper MODEL" in without.skipped[0].why
    assert "its transcript has no times: give --whisper" in without.skipped[1].why


def test_overshoot_is_scaled_and_timing_measured(tmp_path: Path) -> None:
    loud = sound() * (1.297 / np.abs(sound()).max())
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "loud.wav", loud.T, SAMPLE_RATE, subtype="FLOAT")
    found = import_corpus(tmp_path / "in", "wav", recordings, tmp_path / "out", RIGHTS, Treatment(hear=hear))
    assert [(remark.name, remark.what) for remark in found.remarks] == [("loud", OVERSHOOT)]
    corpus = Corpus(tmp_path / "out")
    (record,) = corpus
    np.testing.assert_allclose(corpus.audio(record), loud / 1.297, atol=2 / 32768)
    assert record.stats is not None
    spoken = sum(word.end - word.start for turn in dialogue(0)[0].turns for word in turn.words)
    assert record.stats.ipu == pytest.approx(60 * spoken / 8.0, rel=0.25)
    assert len(record.stats.offsets) == 3  # floor transfers of four turns
    assert not verify(tmp_path / "out")


def test_channels_are_brought_to_one_loudness_under_full_scale() -> None:
    audio = np.stack([0.02 * sound()[0] + 0.1, np.zeros(sound().shape[1], np.float32)])
    level = at_loudness(audio, -23.0)
    assert loudness(level[0]) == pytest.approx(-23.0, abs=0.1)
    assert abs(float(level[0].mean())) < 1e-4
    assert not level[1].any()
    click = np.zeros((1, SAMPLE_RATE), np.float32)
    click[0, 100] = 0.5
    assert np.abs(at_loudness(click, -1.0)).max() == pytest.approx(0.99)


def test_what_is_covered_is_neither_heard_nor_read(tmp_path: Path) -> None:
    write_call(tmp_path / "in", "call")
    rows = [
        [word.text, [word.start, word.end], (AGENT, USER)[channel]]
        for channel in (0, 1)
        for word in dialogue(0)[0].words(channel)
    ]
    write_json(tmp_path / "in" / "call.json", {"alignments": rows})

    def rule(speakers: list[list[str]]) -> list[list[bool]]:
        assert speakers[0][:5] == ["hello", "there", "how", "are", "you"]
        return [[word in ("there", "how", "thanks") for word in words] for words in speakers]

    treatment = Treatment(redact=rule)  # type: ignore[arg-type]
    found = import_corpus(tmp_path / "in", "wav", recordings, tmp_path / "out", RIGHTS, treatment)
    assert [remark.count for remark in found.remarks] == [2]
    corpus = Corpus(tmp_path / "out")
    (record,) = corpus
    assert [turn.text for turn in record.turns][:2] == [f"hello {MARK} are you", f"fine {MARK} and you"]
    assert "thanks" not in b"".join(contents(tmp_path / "out").values()).decode("latin-1")
    there, how = dialogue(0)[0].words(0)[1:3]
    first, last = to_samples(there.start - MARGIN["native"]), to_samples(how.end + MARGIN["native"])
    audio = corpus.audio(record)
    assert np.abs(audio[0, first:last]).max() == pytest.approx(BEEP_LEVEL, abs=1e-3)
    spectrum = np.abs(np.fft.rfft(audio[0, first:last] * np.hanning(last - first)))
    pitch = np.fft.rfftfreq(last - first, 1 / SAMPLE_RATE)
    assert spectrum[np.abs(pitch - 1000) > 50].max() < 1e-3 * spectrum.max()
    np.testing.assert_allclose(audio[0, :first], sound()[0, :first], atol=1 / 32768)
    np.testing.assert_allclose(audio[0, last:], sound()[0, last:], atol=1 / 32768)
    middle = record.turns[0].words[1]
    assert (middle.start, middle.end) == (there.start, how.end)


@pytest.mark.parametrize("name", [*IMPORTS])
def test_a_failed_import_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    for place in ("new", "empty"):
        out = tmp_path / place / "corpus"
        if place == "empty":
            out.mkdir(parents=True)
        with pytest.raises(ValueError, match="source"):
            import_corpus(tmp_path / "source", name, importer(name), out, RIGHTS)
        assert out.exists() == (place == "empty")
        assert not out.exists() or not list(out.iterdir())


def test_a_corrected_import_is_let_in_and_a_stopped_one_goes_on(tmp_path: Path) -> None:
    write_call(tmp_path / "in", "a")
    write_call(tmp_path / "in", "b")
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"gave no dialogue \(2 unusable; the first: a: it has no transcript"):
        import_corpus(tmp_path / "in", "wav", recordings, out, Rights("CC0", "none", "there"))
    assert not out.exists()

    def stop(at: int, error: BaseException) -> Treatment:
        heard = iter(range(10))

        def until(samples: Samples, text: str | None) -> list[Words]:
            if next(heard) == at:
                raise error
            return hear(samples, text)

        return Treatment(hear=until)

    for at, error, stays in (
        (1, KeyboardInterrupt(), False),
        (2, OSError("gone"), True),
        (1, KeyboardInterrupt(), True),
    ):
        with pytest.raises(type(error)):
            import_corpus(tmp_path / "in", "wav", recordings, out, RIGHTS, stop(at, error))
        assert out.exists() == stays
    with pytest.raises(ValueError, match="another recipe"):
        import_corpus(tmp_path / "in", "wav", recordings, out, RIGHTS, options={"redact": "yes"})
    import_corpus(tmp_path / "in", "wav", recordings, out, RIGHTS, Treatment(hear=hear))
    import_corpus(tmp_path / "in", "wav", recordings, tmp_path / "whole", RIGHTS, Treatment(hear=hear))
    assert contents(out) == contents(tmp_path / "whole")
