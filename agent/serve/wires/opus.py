"""Ogg-Opus as it comes from strangers: pages are cut out of the bytes, broken ones are left behind, all is bounded.

`sphn`'s reader stays stuck on the first byte that is not Ogg. Here only whole pages reach it, and it is replaced when a
packet in one cannot be decoded, so that audio goes on at the next good page.
"""

from __future__ import annotations

import numpy as np
import sphn  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples

CAPTURE = b"OggS"
HEADER = 27  # bytes of a page before its table of segments


class Pages:
    """Cuts a stream of bytes into Ogg pages (RFC 3533); holds less than one page, 65,307 bytes, between calls."""

    def __init__(self) -> None:
        self.rest = b""
        self.skipped = 0  # bytes that belonged to no page

    def append(self, data: bytes) -> list[bytes]:
        """The pages that are complete after these bytes."""
        data, at, pages = self.rest + data, 0, []
        while True:
            start = data.find(CAPTURE, at)
            if start < 0:  # the last bytes may be the begin of a capture pattern
                start = max(at, len(data) - len(CAPTURE) + 1)
                break
            self.skipped += start - at
            at = start
            size = page_size(data, start)
            if size is None:
                break
            if data[start + 4] != 0:  # not a page of version 0: search on behind the pattern
                self.skipped += len(CAPTURE)
                at = start + len(CAPTURE)
                continue
            if start + size > len(data):
                break
            pages.append(data[start : start + size])
            at = start + size
            start = at
        self.skipped += start - at
        self.rest = data[start:]
        return pages


def page_size(data: bytes, start: int) -> int | None:
    """Bytes of the page that starts here, None if its header is not complete."""
    if len(data) < start + HEADER:
        return None
    segments = data[start + HEADER - 1]
    table = data[start + HEADER : start + HEADER + segments]
    return HEADER + segments + sum(table) if len(table) == segments else None


class OpusReader:
    """Ogg-Opus bytes in any pieces -> float32 samples at 24 kHz. No input makes it fail, stick or grow."""

    def __init__(self, seconds_ahead: float = 10.0) -> None:
        """`seconds_ahead` of audio may be decoded beyond what `elapsed` allowed; the rest is left undecoded."""
        self.pages = Pages()
        self.reader = sphn.OpusStreamReader(SAMPLE_RATE)
        self.limit = round(seconds_ahead * SAMPLE_RATE)
        self.budget = self.limit  # samples that may still be decoded: a page of 600 bytes can hold 30 s
        self.broken = 0  # pages that could not be decoded, or came too fast

    def elapsed(self, seconds: float) -> None:
        """Time has passed, as much audio may follow."""
        self.budget = min(self.limit, self.budget + round(seconds * SAMPLE_RATE))

    def append(self, data: bytes) -> Samples:
        """The samples of the pages completed by these bytes, `[T]`."""
        parts = [self._decode(page) for page in self.pages.append(data)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _decode(self, page: bytes) -> Samples:
        if self.budget <= 0:
            self.broken += 1
            return np.zeros(0, np.float32)
        try:
            samples = np.asarray(self.reader.append_bytes(page), dtype=np.float32).reshape(-1)
        except ValueError:
            self.broken += 1
            self.reader = sphn.OpusStreamReader(SAMPLE_RATE)
            return np.zeros(0, np.float32)
        self.budget -= len(samples)
        return samples


class OpusWriter:
    """Float samples at 24 kHz -> Ogg-Opus bytes, the header pages with the first of them."""

    def __init__(self) -> None:
        self.writer = sphn.OpusStreamWriter(SAMPLE_RATE)

    def append(self, samples: Samples) -> bytes:
        """Pages with these samples, `[T]`; a part shorter than 20 ms waits for the next call."""
        return bytes(self.writer.append_pcm(np.ascontiguousarray(samples, dtype=np.float32)))
