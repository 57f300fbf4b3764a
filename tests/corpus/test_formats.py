"""Corpora in other tools' formats, each read back by the real reader of that format; and corpora made of others."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from corpus.audio import SAMPLE_RATE, Samples, read, to_samples, write_flac
from corpus.card import card_licence, dataset_card, hub_licence
from corpus.formats.catalogue import EXPORTS, IMPORTS, exporter, importer
from corpus.formats.exporting import Exporter, Part, export
from corpus.formats.fdb import RATE as FDB_RATE
from corpus.formats.importing import Imported, import_corpus
from corpus.formats.moshi_finetune import groups
from corpus.formats.recordings import BAD_ROWS, BEYOND, CHANNELS, NO_AGENT, Rights, Treatment
from corpus.record import UNSTATED, AudioFile, Dialogue, Voice, Word
from corpus.store import Corpus, CorpusInfo, CorpusWriter, verify
from corpus.summary import CorpusSummary
from tests.support.tiny_corpus import contents, dialogue, info

# readers of other makers leave files open
foreign_leaks = pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
RIGHTS = Rights("CC-BY-4.0", "asked and granted", "a test", "en", "native")
LICENCES = {"agent": "CC0-1.0", "user": "CC-BY-4.0 (reference), CC0 (base voice joe)"}


def spoken(number: int) -> tuple[Dialogue, Samples]:
    """A tiny dialogue whose speakers have voices, whose last turn stops to think and holds a quotation mark."""
    record, audio = dialogue(number)
    speakers = tuple(
        speaker.model_copy(
            update={
                "voice": Voice(
                    id=f"{speaker.id}-voice",
                    kind="cloned",
                    engine="bursts",
                    licence=LICENCES[speaker.id],
                    source="a | test",
                    consent="given",
                )
            }
        )
        for speaker in record.speakers
    )
    last = record.turns[-1]
    words = [word.model_copy(update={"start": word.start + 0.6, "end": word.end + 0.6}) for word in last.words[2:]]
    words = [*last.words[:2], words[0].model_copy(update={"text": 'so"'}), *words[1:]]
    text = " ".join(word.text for word in words)
    last = last.model_copy(update={"words": tuple(words), "text": text, "end": words[-1].end, "event": "repair"})
    return record.model_copy(update={"speakers": speakers, "turns": (*record.turns[:-1], last)}), audio


def make_corpus(directory: Path, dialogues: int = 3, identity: CorpusInfo | None = None) -> Corpus:
    with CorpusWriter.open(directory, identity or info()) as writer:
        for first in range(0, dialogues, 2):
            ids = []
            for number in range(first, min(first + 2, dialogues)):
                ids.append(writer.stage(*spoken(number)).id)
            writer.publish(ids)
        writer.finish()
    return Corpus(directory)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("source") / "corpus")


def exported(corpus: Corpus, to: str, out: Path) -> Path:
    return export(corpus, to, exporter(to), out)


def words_of(record: Dialogue, channel: int) -> list[tuple[str, float, float]]:
    return [(word.text, word.start, word.end) for word in record.words(channel)]


def test_moshi_finetune_is_read_by_sphn(corpus: Corpus, tmp_path: Path) -> None:
    sphn = pytest.importorskip("sphn")
    out = exported(corpus, "moshi-finetune", tmp_path / "out")
    reader = sphn.dataset_jsonl(str(out / "data.jsonl"), duration_sec=8.0, pad_last_segment=True)
    found = [entry["data"] for entry in reader.seq()]
    assert len(found) == len(corpus)
    for samples, record in zip(found, corpus, strict=True):
        assert np.array_equal(samples[:, : record.audio.samples], corpus.audio(record))  # type: ignore[union-attr]
        listed = json.loads(next(out.rglob(f"{record.id}.json")).read_bytes())["alignments"]
        assert [word for word, _, who in listed if who == "SPEAKER_MAIN"] == [word.text for word in record.words(0)]
    assert [path.name for path in out.rglob("*jsonl")] == ["data.jsonl"]


def test_packed_recordings_are_dialogues_end_to_end_with_another_user_after_each(tmp_path: Path) -> None:
    packed = make_corpus(tmp_path / "corpus", 6)
    seconds = sum(record.audio.duration for record in packed if record.audio) / 6
    out = export(packed, "moshi-finetune", exporter("moshi-finetune"), tmp_path / "out", {"packed": str(1.5 * seconds)})
    rows = [json.loads(line) for line in (out / "data.jsonl").read_text().splitlines()]
    assert len(rows) == 3  # two of every shard of two
    records = list(packed)
    for number, row in enumerate(rows):
        pair = records[2 * number : 2 * number + 2]
        heard, _ = soundfile.read(out / row["path"], dtype="int16", always_2d=True)
        apart = [soundfile.read(packed.audio_path(one), dtype="int16", always_2d=True)[0] for one in pair]
        assert np.array_equal(heard, np.concatenate(apart))
        listed = json.loads((out / row["path"]).with_suffix(".json").read_bytes())["alignments"]
        assert [start for _, (start, _), _ in listed] == sorted(start for _, (start, _), _ in listed)
        assert [text for text, _, who in listed if who == "SPEAKER_MAIN"] == [
            word.text for one in pair for word in one.words(0)
        ]
        assert all(end <= row["duration"] + 1e-3 for _, (_, end), _ in listed)


def test_packing_changes_the_user_at_every_seam() -> None:
    def of(id: str, user: str) -> Dialogue:
        record, _ = dialogue(0)
        voice = Voice(id=user, kind="recorded", engine="", licence="CC0-1.0", source="", consent="given")
        speakers = tuple(one.model_copy(update={"voice": voice}) for one in record.speakers)
        audio = AudioFile(path="x", sha256="0" * 64, sample_rate=24_000, samples=240_000, peak_dbfs=(), lufs=())
        return record.model_copy(update={"id": id, "speakers": speakers, "audio": audio})

    given = [of("d0", "ann"), of("d1", "ann"), of("d2", "bob"), of("d3", "bob"), of("d4", "bob")]
    assert [[one.id for one in group] for group in groups(given, 20.0)] == [["d0", "d2"], ["d1", "d3"], ["d4"]]


def test_j_moshi_is_wav_and_words_of_both(corpus: Corpus, tmp_path: Path) -> None:
    out = exported(corpus, "j-moshi", tmp_path / "out")
    for record in corpus:
        heard, rate = soundfile.read(out / "audio" / f"{record.id}.wav", always_2d=True)
        assert (rate, heard.shape[1]) == (SAMPLE_RATE, 2)
        assert np.abs(heard.T - corpus.audio(record)).max() <= 1 / 32768
        rows = json.loads((out / "text" / f"{record.id}.json").read_bytes())
        assert [row["start"] for row in rows] == sorted(row["start"] for row in rows)
        for speaker, channel in (("A", 0), ("B", 1)):
            own = [(row["word"], row["start"], row["end"]) for row in rows if row["speaker"] == speaker]
            assert own == words_of(record, channel)


@foreign_leaks
def test_lhotse_reads_cuts_and_shar(corpus: Corpus, tmp_path: Path) -> None:
    lhotse = pytest.importorskip("lhotse")
    plain = lhotse.CutSet.from_file(exported(corpus, "lhotse", tmp_path / "plain") / "cuts.jsonl.gz")
    packed = lhotse.CutSet.from_shar(in_dir=exported(corpus, "lhotse-shar", tmp_path / "shar"))
    lhotse.validate(plain, read_data=True)
    assert [cut.id for cut in packed] == [record.id for record in corpus]
    for cuts in (plain, packed):
        for cut, record in zip(cuts, corpus, strict=True):
            assert np.array_equal(cut.load_audio(), corpus.audio(record))
            assert [one.text for one in cut.supervisions] == [turn.spoken_text for turn in record.turns]
            for channel in (0, 1):
                items = [item for one in cut.supervisions if one.channel == channel for item in one.alignment["word"]]
                aligned = [(item.symbol, item.start, pytest.approx(item.end, abs=1e-4)) for item in items]
                assert words_of(record, channel) == aligned


@foreign_leaks
def test_nemo_shar_has_both_sides_at_their_rates(corpus: Corpus, tmp_path: Path) -> None:
    lhotse = pytest.importorskip("lhotse")
    cuts = lhotse.CutSet.from_shar(in_dir=exported(corpus, "nemo", tmp_path / "nemo"))
    for cut, record in zip(cuts, corpus, strict=True):
        assert (cut.sampling_rate, cut.target_audio.sampling_rate) == (16_000, 22_050)
        assert {one.speaker for one in cut.supervisions} == {"agent", "user"}
        user, agent = cut.load_audio()[0], cut.load_target_audio()[0]
        assert len(user) / 16_000 == pytest.approx(len(agent) / 22_050, abs=1e-4)
        for samples, rate, channel in ((user, 16_000, 1), (agent, 22_050, 0)):
            word = record.words(channel)[0]
            inside = samples[int(word.start * rate) : int(word.end * rate)]
            assert np.abs(inside).max() > 100 * np.abs(samples[: int(0.25 * rate)]).max()


def test_parquet_is_read_by_datasets(corpus: Corpus, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    datasets = pytest.importorskip("datasets")
    out = exported(corpus, "huggingface", tmp_path / "out")
    files = sorted(map(str, (out / "data").glob("*.parquet")))
    rows = datasets.IterableDataset.from_parquet(files)
    assert rows.features["audio"].sampling_rate == SAMPLE_RATE
    rows = rows.cast_column("audio", datasets.Audio(decode=False))
    for row, record in zip(rows, corpus, strict=True):
        heard, _ = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="float32")
        assert np.array_equal(heard.T, corpus.audio(record))
        own = [(word["text"], word["start"], word["end"]) for word in row["words"] if word["channel"] == 1]
        assert own == words_of(record, 1)
        assert Dialogue.model_validate_json(row["record"]) == record
    card = (out / "README.md").read_text()
    assert card_licence(card) == "cc-by-4.0"
    for said in ("CC-BY-4.0 (reference)", "a / test", "3 ", '"name": "tiny"', corpus.info.recipe_sha256):
        assert said in card


def test_parquet_comes_back_as_the_same_corpus(corpus: Corpus, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from corpus.formats.huggingface import restore

    out = exported(corpus, "huggingface", tmp_path / "out")
    assert restore(out, tmp_path / "again") == len(corpus)
    assert contents(tmp_path / "again") == contents(corpus.directory)
    table = next((out / "data").glob("*.parquet"))
    shutil.copy(table, tmp_path / "kept")
    data = bytearray(table.read_bytes())
    place = data.find(b"fLaC") + 2000
    data[place] ^= 1
    table.write_bytes(data)
    with pytest.raises(ValueError, match="is not what its record says"):
        restore(out, tmp_path / "broken")


@foreign_leaks
def test_webdataset_is_read_by_webdataset(corpus: Corpus, tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    out = exported(corpus, "webdataset", tmp_path / "out")
    shards = json.loads((out / "shards.json").read_bytes())
    assert [shard["dialogues"] for shard in shards] == [2, 1]
    urls = [str(out / shard["url"]) for shard in shards]
    rows = list(webdataset.WebDataset(urls, shardshuffle=False))
    assert [row["__key__"] for row in rows] == [record.id for record in corpus]
    for row, record in zip(rows, corpus, strict=True):
        assert Dialogue.model_validate_json(row["json"]) == record
        assert row["flac"] == corpus.audio_path(record).read_bytes()


def test_rttm_and_ctm_say_who_speaks_when(corpus: Corpus, tmp_path: Path) -> None:
    util = pytest.importorskip("pyannote.database.util")
    out = exported(corpus, "rttm", tmp_path / "rttm")
    annotations, scored = util.load_rttm(out / "corpus.rttm"), util.load_uem(out / "corpus.uem")
    lines = (exported(corpus, "ctm", tmp_path / "ctm") / "corpus.ctm").read_text().splitlines()
    for record in corpus:
        found = annotations[record.id]
        assert sorted(found.labels()) == ["agent", "user"]
        assert record.audio is not None
        assert scored[record.id].duration() == pytest.approx(record.audio.duration, abs=1e-3)
        for channel, speaker in enumerate(("agent", "user")):
            spans = found.label_timeline(speaker)
            assert all(
                any(one.start - 1e-3 <= w.start and w.end <= one.end + 1e-3 for one in spans)
                for w in record.words(channel)
            )
            rows = [line.split(" ") for line in lines if line.startswith(f"{record.id} {channel + 1} ")]
            times = [(word, float(start), float(start) + float(length)) for _, _, start, length, word, _ in rows]
            assert words_of(record, channel) == [
                (text, pytest.approx(a, abs=2e-3), pytest.approx(b, abs=2e-3)) for text, a, b in times
            ]
    assert len(annotations[record.id].label_timeline("user")) == 3  # the pause of the last turn parts it


def test_textgrids_open_in_praatio(corpus: Corpus, tmp_path: Path) -> None:
    textgrid = pytest.importorskip("praatio.textgrid")
    out = exported(corpus, "textgrid", tmp_path / "out")
    for record in corpus:
        (path,) = out.rglob(f"{record.id}.TextGrid")
        found = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
        assert found.tierNames == ("agent - turns", "agent - words", "user - turns", "user - words")
        for channel, speaker in enumerate(("agent", "user")):
            entries = found.getTier(f"{speaker} - words").entries
            assert [(e.label, e.start, e.end) for e in entries] == words_of(record, channel)
        assert path.with_suffix(".flac").is_file()


def test_full_duplex_bench_items_hold_what_they_say(corpus: Corpus, tmp_path: Path) -> None:
    out = exported(corpus, "fdb", tmp_path / "out")
    names = {
        task: sorted(path.name for path in (out / f"synthetic_{task}").iterdir())
        for task in ("pause_handling", "turn_taking")
    }
    assert names["pause_handling"] == [f"{record.id.lstrip('d')}003" for record in corpus]
    assert names["turn_taking"] == [f"{record.id.lstrip('d')}001" for record in corpus]
    for folder in (out / "synthetic_pause_handling").iterdir():
        ((start, end),) = [entry["timestamp"] for entry in json.loads((folder / "pause.json").read_bytes())]
        assert end - start >= 0.5
        heard, rate = soundfile.read(folder / "input.wav")
        assert rate == FDB_RATE
        words = json.loads((folder / "transcription.json").read_bytes())
        assert words[1]["timestamp"][1] == start < words[2]["timestamp"][0] == end
        first, last = words[0]["timestamp"][0], words[-1]["timestamp"][1]
        assert np.abs(heard[: int((first - 0.01) * rate)]).max() < 0.01 < np.abs(heard).max()
        assert len(heard) / rate >= last + 5


def test_an_export_cut_short_goes_on_and_shows_nothing_before(corpus: Corpus, tmp_path: Path) -> None:
    real, seen = exporter("webdataset"), []

    def failing(part: Part) -> None:
        seen.append(part.index)
        real.part(part)
        if seen == [0, 1]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(corpus, "webdataset", Exporter(failing, real.finish), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="unfinished export of something else"):
        exported(corpus, "rttm", tmp_path / "out")
    progress: list[tuple[int, int]] = []
    options = None
    export(
        corpus, "webdataset", Exporter(failing, real.finish), tmp_path / "out", options, lambda *at: progress.append(at)
    )
    assert seen == [0, 1, 1]
    assert progress == [(2, 3), (3, 3)]
    assert contents(tmp_path / "out") == contents(exported(corpus, "webdataset", tmp_path / "whole"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


def test_a_target_that_holds_something_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for out, message in (
        (tmp_path / "full", "not empty"),
        (tmp_path / "full" / "file", "not empty"),
        (corpus.directory / "inside", "inside the corpus"),
    ):
        with pytest.raises(ValueError, match=message):
            exported(corpus, "rttm", out)
    with pytest.raises(ValueError, match="choose one of: moshi-finetune"):
        exporter("wav")
    with CorpusWriter.open(tmp_path / "empty", info()) as writer:
        writer.finish()
    with pytest.raises(ValueError, match="holds no dialogue"):
        exported(Corpus(tmp_path / "empty"), "rttm", tmp_path / "rttm")


def imported(source: Path, name: str, out: Path) -> Imported:
    return import_corpus(source, name, importer(name), out, RIGHTS, Treatment(even_words))


def even_words(samples: Samples, rate: int, text: str) -> tuple[Word, ...]:
    """An aligner: words share the clip evenly."""
    tokens = text.split()
    edges = np.linspace(0, len(samples) / rate, len(tokens) + 1).round(4).tolist()
    return tuple(
        Word(text=token, start=a, end=b, source="proportional")
        for token, a, b in zip(tokens, edges[:-1], edges[1:], strict=True)
    )


@pytest.mark.parametrize("name", ["moshi-finetune", "j-moshi", "lhotse", "lhotse-shar"])
def test_what_was_exported_is_imported_again(corpus: Corpus, tmp_path: Path, name: str) -> None:
    found = imported(exported(corpus, name, tmp_path / "there"), name, tmp_path / "back")
    assert (found.dialogues, found.skipped) == (len(corpus), ())
    assert found.seconds == pytest.approx(corpus.seconds)
    assert not verify(tmp_path / "back")
    back = Corpus(tmp_path / "back")
    for record, original in zip(back, corpus, strict=True):
        assert np.abs(back.audio(record) - corpus.audio(original)).max() <= 1 / 32768
        for channel in (0, 1):
            assert [word[0] for word in words_of(record, channel)] == [word[0] for word in words_of(original, channel)]
            ends = [word.end for word in record.words(channel)]
            assert ends == pytest.approx([word.end for word in original.words(channel)], abs=1e-4)
            assert {word.source for word in record.words(channel)} == {"native"}
        voice = record.speaker("agent").voice
        assert voice is not None
        assert (voice.licence, voice.consent) == ("CC-BY-4.0", "asked and granted")
        if name.startswith("lhotse"):
            assert [turn.event for turn in record.turns] == [turn.event for turn in original.turns]


def test_librispeech_utterances_become_dialogues(tmp_path: Path) -> None:
    folder = tmp_path / "84" / "121"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("84-121-0000", "84-121-0001"):
        soundfile.write(folder / f"{name}.flac", 0.1 * rng.standard_normal(32_000), 16_000)
    lines = ["84-121-0000 GO DO YOU HEAR", "84-121-0001 Not shouted", "84-121-0002 LOST", "84-121-0003"]
    (folder / "84-121.trans.txt").write_text("\n".join(lines) + "\n")
    found = imported(tmp_path, "librispeech", tmp_path / "out")
    assert [one.name for one in found.skipped] == ["84-121-0002", "84-121-0003"]
    records = list(Corpus(tmp_path / "out"))
    assert [record.turns[0].text for record in records] == ["go do you hear", "Not shouted"]
    assert [word.end for word in records[0].words(0)] == [0.5, 1.0, 1.5, 2.0]
    assert records[0].speaker("agent").voice.id == "84"  # type: ignore[union-attr]
    audio = Corpus(tmp_path / "out").audio(records[0])
    assert audio.shape == (2, 2 * SAMPLE_RATE)
    assert not audio[1].any()
    assert not verify(tmp_path / "out")


def test_an_import_cut_short_goes_on(corpus: Corpus, tmp_path: Path) -> None:
    source = exported(corpus, "j-moshi", tmp_path / "there")

    def stop(dialogues: int, seconds: float) -> None:
        if dialogues == 2:
            raise KeyboardInterrupt

    reader = importer("j-moshi")
    with pytest.raises(KeyboardInterrupt):
        import_corpus(source, "j-moshi", reader, tmp_path / "out", RIGHTS, progress=stop, shard_dialogues=1)
    import_corpus(source, "j-moshi", reader, tmp_path / "out", RIGHTS, shard_dialogues=1)
    import_corpus(source, "j-moshi", reader, tmp_path / "whole", RIGHTS, shard_dialogues=1)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_sources_that_do_not_fit_are_told(corpus: Corpus, tmp_path: Path) -> None:
    for name in IMPORTS:
        with pytest.raises(ValueError, match=str(tmp_path)):
            imported(tmp_path / "nothing", name, tmp_path / f"{name}-out")
    with pytest.raises(ValueError, match="--consent TEXT"):
        Rights("CC0-1.0", " ", "here")
    cuts = exported(corpus, "lhotse", tmp_path / "lhotse") / "cuts.jsonl.gz"
    first, second, third = gzip.decompress(cuts.read_bytes()).decode().splitlines()
    mixed = json.dumps({**json.loads(first), "type": "MixedCut"})
    moved = json.loads(second)
    moved["supervisions"][0]["start"] = 6.0
    (tmp_path / "cuts.jsonl").write_text("\n".join([mixed, json.dumps(moved), third, "{"]))
    found = imported(tmp_path / "cuts.jsonl", "lhotse", tmp_path / "some")
    assert found.dialogues == 1
    assert ["MixedCut" in found.skipped[0].why, "outside it" in found.skipped[1].why] == [True, True]
    assert len(found.skipped) == 3


def test_a_shar_archive_without_its_sound_is_told(corpus: Corpus, tmp_path: Path) -> None:
    folder = exported(corpus, "lhotse-shar", tmp_path / "shar")
    archives = sorted(folder.glob("recording.*.tar"))
    for archive in archives:
        with tarfile.open(archive, "w") as empty:
            empty.addfile(tarfile.TarInfo("other.flac"))
    with pytest.raises(ValueError, match=r"recording.000000.tar holds no sound file of recording 'd0000000'"):
        imported(folder, "lhotse-shar", tmp_path / "none")
    for archive in archives:
        archive.unlink()
    with pytest.raises(ValueError, match=r"should be in recording.000000.tar, which cannot be read"):
        imported(folder, "lhotse-shar", tmp_path / "still-none")


def test_what_is_taken_otherwise_than_it_stands_there_is_counted(tmp_path: Path) -> None:
    """Words beyond the audio, rows without length, a third channel, a silent agent; a BOM."""
    audio = np.zeros((3, SAMPLE_RATE), np.float32)
    write_flac(tmp_path / "one.flac", audio)
    rows = [["hello", [0.1, 0.4], "SPEAKER_USER"], ["late", [1.2, 1.4], "SPEAKER_USER"], ["no", [0.5, 0.5], "X"]]
    (tmp_path / "one.json").write_text(json.dumps({"alignments": rows}))
    line = json.dumps({"path": "one.flac", "duration": 1.0})
    (tmp_path / "data.jsonl").write_text(f"{line}\n", encoding="utf-8-sig")
    found = imported(tmp_path / "data.jsonl", "moshi-finetune", tmp_path / "out")
    assert found.skipped == ()
    assert {remark.what: remark.count for remark in found.remarks} == {BEYOND: 1, BAD_ROWS: 1, CHANNELS: 1, NO_AGENT: 1}
    assert {remark.name for remark in found.remarks} == {"one"}
    (record,) = Corpus(tmp_path / "out")
    assert [word.text for word in record.words(1)] == ["hello"]
    assert Corpus(tmp_path / "out").audio(record).shape == (3, SAMPLE_RATE)


def test_a_window_of_a_longer_recording_is_imported_at_its_place(tmp_path: Path) -> None:
    record, audio = dialogue(0)
    write_flac(tmp_path / "long.flac", audio)
    word = record.words(1)[0]
    cut = {
        "id": "one",
        "type": "MonoCut",
        "start": word.start - 0.1,
        "duration": 1.0,
        "channel": 1,
        "recording": {"sources": [{"type": "file", "channels": [0, 1], "source": "long.flac"}]},
        "supervisions": [{"id": "s", "start": 0.1, "duration": 0.8, "channel": 1, "text": "hello there"}],
    }
    (tmp_path / "cuts.jsonl").write_text(json.dumps(cut) + "\n")
    imported(tmp_path / "cuts.jsonl", "lhotse", tmp_path / "out")
    (found,) = Corpus(tmp_path / "out")
    assert [(one.text, one.start, one.end) for one in found.words(0)] == [("hello", 0.1, 0.5), ("there", 0.5, 0.9)]
    begin = to_samples(word.start - 0.1)
    assert np.allclose(Corpus(tmp_path / "out").audio(found)[0], audio[1, begin : begin + SAMPLE_RATE], atol=1e-4)


def test_a_card_never_hides_a_voice_without_licence(corpus: Corpus, tmp_path: Path) -> None:
    assert hub_licence({"CC0-1.0", "MIT"}) == "mit"
    assert hub_licence({"CC-BY-4.0 (reference), CC0 (base)"}) == "cc-by-4.0"
    assert hub_licence({"CC0-1.0", "CC-BY-NC-4.0"}) == "other"
    assert hub_licence(set()) == "unknown"
    record, audio = spoken(0)
    voices = tuple(
        speaker.model_copy(update={"voice": speaker.voice.model_copy(update={"consent": UNSTATED})})
        for speaker in record.speakers
        if speaker.voice
    )
    with CorpusWriter.open(tmp_path / "risky", info()) as writer:
        writer.publish([writer.stage(record.model_copy(update={"speakers": voices}), audio).id])
        writer.finish()
    risky = Corpus(tmp_path / "risky")
    assert CorpusSummary.of(risky).unlicensed == ["agent-voice", "user-voice"]
    card = dataset_card(risky, "risky", licence="MIT")
    assert card_licence(card) == ""
    assert "Not to be published" in card


def test_every_format_is_deterministic(corpus: Corpus, tmp_path: Path) -> None:
    for name in EXPORTS:
        if name in ("lhotse", "huggingface"):  # absolute paths; checked by its way back
            continue
        one = contents(exported(corpus, name, tmp_path / f"{name}-1"))
        assert one == contents(exported(corpus, name, tmp_path / f"{name}-2"))
    with tarfile.open(tmp_path / "webdataset-1" / "shard-000000.tar") as archive:
        assert {member.mtime for member in archive.getmembers()} == {0}
    assert np.isfinite(read(next((tmp_path / "textgrid-1").rglob("*.flac")))).all()
