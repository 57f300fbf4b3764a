"""The report page: right numbers, valid and accessible HTML, nothing untrusted let through, bounded size."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from corpus.audio import SAMPLE_RATE
from corpus.record import (
    Acoustics,
    AudioFile,
    Dialogue,
    NoiseUse,
    Pause,
    Question,
    Speaker,
    TimingStats,
    Turn,
    Voice,
    Word,
)
from corpus.store import Corpus, CorpusInfo, CorpusWriter
from corpus.summary import CorpusSummary
from corpus.timing import measure_audio
from synth.presets import fisher
from synth.report import DialogueView, ReportData, collect, render_report, stats_from, stats_of, write_report
from synth.report.charts import band_mark, shares
from synth.report.collect import Picker, levels
from synth.report.format import amount, clock, duration, number, printable
from synth.report.stats import Measure

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&amp; ]]> <!-- \x00\x1b[31m\u202e end"
VOID = {"meta", "link", "br", "img", "input", "hr"}
INFO = CorpusInfo(generator="test", engine="tone", timing="fisher", seed=7, recipe={"name": "tiny"})


def voice(id: str, licence: str = "CC0-1.0") -> Voice:
    return Voice(id=id, kind="recorded", engine="tone", licence=licence, source="test", consent="public domain")


def turn(index: int, speaker: str, text: str, start: float, **fields: object) -> Turn:
    """A turn of evenly spoken words, 0.3 s each."""
    cut = fields.get("cut_word")
    spoken = text.split()[: cut if isinstance(cut, int) else None]
    words = [
        Word(text=word, start=round(start + 0.3 * i, 4), end=round(start + 0.3 * (i + 1), 4), source="native")
        for i, word in enumerate(spoken)
    ]
    return Turn(index=index, speaker=speaker, text=text, start=start, end=words[-1].end, words=tuple(words), **fields)  # type: ignore[arg-type]


def dialogue(id: str = "d0000000", seconds: float = 8.0, **fields: object) -> Dialogue:
    """A question, its answer cut short by an interruption, a backchannel."""
    turns = (
        turn(0, "user", "What is two plus two?", 0.5, question=Question(kind="arithmetic", answer="four")),
        turn(1, "agent", "It is Four, and as I said before,", 2.2, answers=0, cut_word=5, interrupted_by=2),
        turn(2, "user", "Wait a moment", 3.5, event="interrupt", pauses=(Pause(after_word=1, seconds=0.4),)),
        turn(3, "agent", "Mhm.", 5.0, event="backchannel"),
    )
    samples = round(seconds * SAMPLE_RATE)
    audio = AudioFile(
        path=f"shards/000000/{id}.flac",
        sha256="0" * 64,
        sample_rate=SAMPLE_RATE,
        samples=samples,
        peak_dbfs=(-6.0, -6.0),
        lufs=(-23.0, -23.0),
    )
    speakers = (
        Speaker(id="agent", role="agent", channel=0, voice=voice("ann")),
        Speaker(id="user", role="user", channel=1, voice=voice("ben", "CC-BY-4.0")),
    )
    stats = TimingStats(seconds=seconds, ipu=50.0, pause=6.0, gap=4.5, overlap=3.0, offsets=(0.2, -0.2, 0.3))
    record = Dialogue(id=id, seed=1, topics=("sums",), speakers=speakers, turns=turns, stats=stats, audio=audio)
    return record.model_copy(update=fields)


def speech(record: Dialogue, seconds: float) -> np.ndarray:
    """Noise at about -20 dBFS where words are, -70 elsewhere: float32 `[2, T]`."""
    noise = np.random.default_rng(0).standard_normal((2, round(seconds * SAMPLE_RATE)))
    gain = np.full(noise.shape, 3e-4)
    for spoken in record.turns:
        for word in spoken.words:
            gain[record.channel(spoken), round(word.start * SAMPLE_RATE) : round(word.end * SAMPLE_RATE)] = 0.1
    return (noise * gain).astype(np.float32)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of 14 dialogues on disk, one of them with an aside."""
    folder = tmp_path_factory.mktemp("corpora") / "tiny"
    with CorpusWriter.open(folder, INFO) as writer:
        ids = [f"d{number:07d}" for number in range(14)]
        for id in ids:
            record = dialogue(id, audio=None)
            if id == ids[6]:
                last = record.turns[3].model_copy(update={"event": "aside"})
                record = record.model_copy(update={"turns": (*record.turns[:3], last)})
            audio = speech(record, 8.0)
            writer.stage(record.model_copy(update={"stats": measure_audio(audio)}), audio)
        writer.publish(ids)
        writer.finish()
    return folder


def data_of(*records: Dialogue, title: str = "Test", hidden: int = 0) -> ReportData:
    tally = CorpusSummary()
    for record in records:
        tally.add(record)
    for _ in range(hidden):
        tally.add(records[0])
    views = tuple(DialogueView(record, "evenly picked", np.zeros((2, 10), np.uint8)) for record in records)
    return ReportData(
        title, stats_from(tally, INFO, fisher()), np.array([-0.3, 0.1, 0.2]), fisher().offsets(500), views
    )


class Page(HTMLParser):
    """Reads a page strictly: every element closed in order; keeps tags, ids, references and text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[tuple[str, str]] = []  # (element, text)
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append((self.open[-1] if self.open else "", data))

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def words(self, *tags: str) -> str:
        return " ".join(text for tag, text in self.text if not tags or tag in tags)


def test_the_page_of_a_corpus_shows_its_figures_and_finds_its_recordings(corpus: Path) -> None:
    path = write_report(corpus)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    seen = page.words("h1", "dd", "td", "th", "p", "small", "li")
    assert path == corpus / "report.html"
    assert not list(corpus.glob("*.tmp"))
    stats = stats_of(Corpus(corpus))
    assert (stats.dialogues, stats.turns, stats.words) == (14, 56, 14 * 14)
    for shown in (
        "tiny",
        "tone",
        "fisher",
        "196",
        "56",
        amount(stats.timing["gap"], "s/min"),
        "25 to 40 %",
        "CC-BY-4.0",
    ):
        assert shown in seen, shown
    assert "12 dialogues are shown" in seen
    assert "2 are not shown" in seen
    sources = [unquote(audio["src"]) for audio in page.named("audio")]
    assert len(sources) == 12
    assert all(not source.startswith("/") and (corpus / source).is_file() for source in sources)
    assert "shards/000000/d0000006.flac" in sources  # the only one with an aside
    assert all(audio["preload"] == "none" and "controls" in audio for audio in page.named("audio"))
    assert "http:" not in text
    assert "https:" not in text


def test_the_page_is_valid_and_accessible() -> None:
    page = Page(render_report(data_of(dialogue("a"), dialogue("b"), dialogue("timing"))))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert max(Counter(ids).values()) == 1
    assert page.named("html")[0]["lang"] == "en"
    for tag, attributes in page.tags:
        references = attributes.get("aria-labelledby", "").split()
        target = attributes.get("href", "#timing")
        assert {*references, target[1:]} <= set(ids)
        if tag in {"audio", "nav"} or attributes.get("role") == "img":
            assert attributes["aria-label"]
    assert [tag for tag, _ in page.tags if tag in {"h1", "h2"}] == ["h1", "h2", "h2", "h2", "h2"]


def test_hostile_text_stays_text() -> None:
    words = tuple(Word(text=HOSTILE, start=0.5, end=0.9, source="native") for _ in range(1))
    question = Question(kind=HOSTILE, answer=HOSTILE)
    first = Turn(index=0, speaker="user", text=HOSTILE, start=0.5, end=0.9, words=words, question=question)
    record = dialogue(
        turns=(first,),
        topics=(HOSTILE,),
        speakers=(
            Speaker(id="agent", role="agent", channel=0, voice=voice(HOSTILE, HOSTILE)),
            Speaker(id="user", role="user", channel=1),
        ),
        acoustics=Acoustics(floor_dbfs=(-60, -60), noise=NoiseUse(id=HOSTILE, licence=HOSTILE, snr_db=3), room=HOSTILE),
        audio=dialogue().audio.model_copy(update={"path": 'javascript:alert(3)"><script>'}),  # type: ignore[union-attr]
    )
    harmless, page = (Page(render_report(data_of(each, title=HOSTILE))) for each in (dialogue(), record))
    assert len(page.named("script")) == len(harmless.named("script")) == 2
    assert not page.named("img")
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert page.words().count("<img src=x onerror=alert(2)>") >= 8
    assert page.named("audio")[0]["src"] == "javascript%3Aalert%283%29%22%3E%3Cscript%3E"
    assert not {"\x00", "\x1b", "\u202e"} & set(page.words())
    embedded = next(text for tag, text in page.text if tag == "script" and text.startswith("{"))
    assert not set("<>&") & set(embedded)  # nothing that could end the script element or open a comment in it
    assert json.loads(embedded)["turns"][0]["words"][0][0] == printable(HOSTILE)


def test_only_the_pages_own_script_may_run() -> None:
    page = Page(render_report(data_of(dialogue())))
    script = next(text for tag, text in page.text if tag == "script" and not text.startswith("{"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(meta["content"] for meta in page.named("meta") if meta.get("http-equiv"))
    assert f"script-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy


def test_more_voices_than_the_page_lists_are_counted() -> None:
    voices = [voice(f"v{index:02d}") for index in range(45)]
    records = [
        dialogue(f"d{index}", speakers=(dialogue().speakers[0], Speaker(id="user", role="user", channel=1, voice=each)))
        for index, each in enumerate(voices)
    ]
    page = Page(render_report(data_of(*records)))
    assert "6 more voices" in page.words("p")
    assert sum(id.startswith("v") and len(id) == 3 for id in (text for tag, text in page.text if tag == "td")) == 39


def test_transcripts_mark_cuts_pauses_and_answers() -> None:
    page = Page(render_report(data_of(dialogue())))
    assert page.words("mark").strip() == "Four,"
    assert page.words("del") == "I said before,"
    seen = page.words("span")
    assert all(part in seen for part in ("cut by turn 2", "interrupt", "backchannel", "(0.4 s)", "✓ answers turn 0"))
    wrong = dialogue().turns[1].model_copy(update={"cut_word": 2})
    unanswered = dialogue(turns=(dialogue().turns[0], wrong.model_copy(update={"interrupted_by": None})))
    page = Page(render_report(data_of(unanswered)))
    assert "✗ no answer to turn 0" in page.words("span")
    assert not page.named("mark")


def test_the_timeline_gets_word_times_and_levels(corpus: Path) -> None:
    page = Page(render_report(collect(Corpus(corpus))))
    data = json.loads(next(text for tag, text in page.text if tag == "script" and text.startswith("{")))
    assert data["lanes"] == ["agent", "user"]
    assert data["turns"][1]["words"][2] == ["Four,", 2.8, 3.1]
    assert data["turns"][1]["cut"] == 3
    user = np.frombuffer(base64.b64decode(data["levels"][1]), np.uint8)
    assert len(user) == 8 * data["rate"]
    silent, spoken = user[: int(0.4 * data["rate"])], user[int(0.6 * data["rate"]) : int(1.9 * data["rate"])]
    assert silent.max() == 0
    assert spoken.min() > 255 * (1 - 24 / 60)  # noise at -20 dBFS


def test_levels_span_sixty_decibels() -> None:
    audio = np.stack([np.full(1000, 1.0), np.full(1000, 10 ** (-30 / 20)), np.zeros(1000)]).astype(np.float32)
    drawn = levels(audio)
    assert drawn.shape == (3, 2)
    assert drawn[:, 0].astype(int) == pytest.approx([255, 127.5, 0], abs=1)


def test_twelve_dialogues_of_three_minutes_stay_under_two_megabytes() -> None:
    text = "Some words that a person might say in one turn of a talk, unhurried and at length."
    turns = tuple(turn(i, ("agent", "user")[i % 2], text, 5.2 * i) for i in range(34))  # 3 words a second
    rng = np.random.default_rng(0)
    views = tuple(
        DialogueView(dialogue(f"d{i}", 180.0, turns=turns), "", rng.integers(0, 256, (2, 4500), np.uint8))
        for i in range(12)
    )
    data = data_of(*(view.dialogue for view in views))
    page = render_report(ReportData(data.title, data.stats, data.offsets, data.reference, views))
    assert 100_000 < len(page.encode()) < 2_000_000


@pytest.mark.parametrize("count", [1, 5, 12, 13, 29, 500])
def test_dialogues_are_picked_evenly_with_the_rarest_events(count: int) -> None:
    picker = Picker(12)
    for index in range(count):
        record = dialogue(f"d{index:05d}")
        if index == count // 3:
            record = dialogue(f"d{index:05d}", turns=(turn(0, "user", "Not you.", 0.1, event="aside"),))
        picker.add(record)
    picked = [record.id for record, _ in picker.picked(["aside", "interrupt", "backchannel", "turn"])]
    assert len(picked) == len(set(picked)) == min(count, 12)
    assert picked == sorted(picked)
    assert f"d{count // 3:05d}" in picked
    if count > 12:
        gaps = np.diff([int(id[1:]) for id in picked])
        assert gaps.max() <= math.ceil(count / 6)
        assert int(picked[-1][1:]) >= count * 0.8


def test_empty_and_unmeasured_corpora(tmp_path: Path) -> None:
    with CorpusWriter.open(tmp_path, INFO) as writer:
        writer.finish()
    with pytest.raises(ValueError, match="holds no dialogue"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()
    planned = dialogue(stats=None, audio=None)
    data = data_of(planned)
    bare = ReportData(data.title, data.stats, np.zeros(0), np.zeros(0), data.views)
    page = Page(render_report(bare))
    assert "not measured" in page.words("td")
    assert "No floor transfer was measured." in page.words("p")
    assert not page.named("audio")


def test_statistics_count_what_is_there() -> None:
    noisy = Acoustics(floor_dbfs=(-60, -61), user_gain_db=-3, noise=NoiseUse(id="fan", licence="CC0-1.0", snr_db=9))
    tally = CorpusSummary()
    tally.add(dialogue("a", acoustics=noisy))
    tally.add(dialogue("b", acoustics=Acoustics(floor_dbfs=(-60, -60))))
    stats = stats_from(tally, INFO, fisher())
    assert stats.events == {"turn": 4, "interrupt": 2, "backchannel": 2}
    assert (stats.questions, stats.answered) == ({"arithmetic": 2}, {"arithmetic": 2})
    assert stats.acoustics == {"gain": 1, "noise": 1, "clean": 1}
    assert stats.noises == {"fan (CC0-1.0)": 1}
    assert [(use.voice.id, use.turns, round(use.seconds, 2)) for use in stats.voices] == [
        ("ben", 4, 4.8),
        ("ann", 4, 3.6),
    ]
    assert stats.timing["median_offset"] == pytest.approx(0.0)  # of 0.2 and -0.2 s; the backchannel takes no floor
    assert stats.timing["overlapped_share"] == pytest.approx(1 / 2)
    assert stats.timing["backchannels"] == pytest.approx(3600 / 4.2)  # one in 1.5 + 1.5 + 0.9 + 0.3 s of speech
    assert stats.timing["backchannel_length"] == pytest.approx(0.3)
    assert stats.timing["backchannels_overlapped"] == 0.0
    inside = {measure.name: measure.inside for measure in stats.measures}
    assert inside["ipu"] is True
    assert inside["offset_p"] is None
    record = json.loads(json.dumps(stats.to_dict(), allow_nan=False))
    assert record["measures"]["ipu"] == {"value": 50.0, "unit": "s/min", "band": [48.0, 55.0], "inside": True}
    assert record["voices"][0]["voice"]["licence"] == "CC-BY-4.0"


def test_a_corpus_of_no_single_preset_has_no_target() -> None:
    stats = stats_from(CorpusSummary(), INFO.model_copy(update={"timing": "candor+fisher"}), None)
    assert stats.preset == "candor+fisher"
    assert all(measure.band is None and measure.value is None for measure in stats.measures)
    json.dumps(stats.to_dict(), allow_nan=False)


def test_histogram_keeps_every_offset() -> None:
    binned = shares(np.array([-9.0, -1.45, 0.05, 0.06, 9.0]))
    assert binned.sum() == pytest.approx(1)
    assert (binned[0], binned[15], binned[-1]) == pytest.approx((0.4, 0.4, 0.2))


def test_a_value_out_of_its_band_is_drawn_out_of_it() -> None:
    assert 'class="band in"' in band_mark(Measure("gap", 4.0, "s/min", (3.5, 5.5)))
    assert 'class="band out"' in band_mark(Measure("gap", 40.0, "s/min", (3.5, 5.5)))
    assert band_mark(Measure("gap", None, "s/min", (3.5, 5.5))) == ""


def test_numbers_as_people_read_them() -> None:
    assert (number(-0.04, 1), number(-1234.5, 1), number(0)) == ("0.0", "\N{MINUS SIGN}1,234.5", "0")
    assert (clock(59.96), clock(7.34), clock(-1)) == ("1:00.0", "0:07.3", "0:00.0")
    assert (duration(45.4), duration(185), duration(7800)) == ("45 s", "3 min 05 s", "2 h 10 min")
    assert (amount(0.361, ""), amount(None, "s"), amount(0.174, "s")) == ("36.1 %", "not measured", "0.17 s")
