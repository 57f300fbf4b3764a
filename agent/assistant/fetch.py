"""`agent fetch`: the weights of ears and mouths from the Hugging Face hub, into its local cache.

A download goes on where it was broken off, shows how far it is, and is checked by the hub's own checksum before
anybody can see the file. The endpoint is `HF_ENDPOINT`, if that is set; the cache is the one every program uses.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from corpus.durable import publish, replace_synced, sync_file
from corpus.lock import FileLock
from synth.engines.catalogue import engine_entry
from synth.engines.declaration import HubWeights
from synth.engines.weights import missing

from .ear.whisper_weights import whisper_weights

BLOCK = 1 << 20
TIMEOUT = 30.0  # s without a byte
HOPS = 5  # redirects
TRIES = 4  # of a broken connection, each going on where the last one ended
Progress = Callable[[str, int, int], None]  # file, bytes so far, bytes in all (0 if unknown)


def weights_of(name: str) -> tuple[HubWeights, ...]:
    """What a part needs from the hub: `whisper:SIZE`, or any engine as a mouth. Raises ValueError for unknown names."""
    kind, _, rest = name.partition(":")
    if kind == "whisper":
        return (whisper_weights(rest),)
    if kind in ("openai", "gguf", "transformers", "script", "echo", "own", "tone"):
        raise ValueError(f"{name!r} is not fetched from here; ears and mouths are, such as whisper:base.en")
    return engine_entry(name).weights


def fetch(weights: Iterable[HubWeights], told: Callable[[str], None], progress: Progress) -> None:
    """Download every file that is not in the local cache.

    Args:
        weights: what to get.
        told: called with a line for each file.
        progress: called while a file comes.

    Raises:
        ValueError: a repository is gated or unknown, the hub cannot be reached, or a file arrives damaged.
    """
    for part, file in missing(weights):
        told(f"{part.repo}: {file}")
        _get(part, file, lambda done, whole, file=file: progress(file, done, whole))  # type: ignore[misc]


@dataclass(frozen=True)
class _Remote:
    """A file on the hub: where its bytes are, its commit, checksum and size."""

    address: str
    commit: str
    etag: str
    size: int


def _get(part: HubWeights, file: str, progress: Callable[[int, int], None]) -> None:
    """One file into the cache: its blob, then the name under which programs look for it."""
    address = f"{_endpoint()}/{part.repo}/resolve/{part.revision or 'main'}/{file}"
    with _told(part, file):
        remote = _ask(address)
        home = _cache() / f"models--{part.repo.replace('/', '--')}"
        blob = home / "blobs" / remote.etag
        blob.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(_cache() / ".locks" / home.name / f"{remote.etag}.duologue.lock", blob)
        lock.acquire()
        try:
            if not blob.exists():
                _download(remote, blob, progress)
        finally:
            lock.release()
    name = home / "snapshots" / remote.commit / file
    name.parent.mkdir(parents=True, exist_ok=True)
    if not name.exists():
        name.unlink(missing_ok=True)
        name.symlink_to(os.path.relpath(blob, name.parent))
    reference = home / "refs" / (part.revision or "main")
    if part.revision != remote.commit:
        reference.parent.mkdir(parents=True, exist_ok=True)
        replace_synced(reference, remote.commit.encode(), reference.parent)


def _download(remote: _Remote, blob: Path, progress: Callable[[int, int], None]) -> None:
    """The bytes of a file, from where an earlier try ended."""
    part = blob.with_name(f"{blob.name}.part")
    for attempt in range(TRIES):
        done = part.stat().st_size if part.exists() else 0
        if remote.size and done >= remote.size:
            break
        headers = _headers(remote.address) | ({"Range": f"bytes={done}-"} if done else {})
        try:
            request = urllib.request.Request(remote.address, None, headers)
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                going_on = answer.status == 206
                with part.open("ab" if going_on else "wb") as out:
                    done = done if going_on else 0
                    progress(done, remote.size)
                    while block := answer.read(BLOCK):
                        done += out.write(block)
                        progress(done, remote.size)
                    sync_file(out)
            if not remote.size or done >= remote.size:
                break
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException):
            if attempt == TRIES - 1:
                raise
    else:
        raise OSError("the connection breaks off again and again; the same command goes on where it ended")
    if not _sound(part, remote):
        part.unlink()
        raise ValueError("it arrived damaged and was thrown away; type the same command again")
    publish(part, blob)


def _sound(path: Path, remote: _Remote) -> bool:
    """Whether a file is what the hub's checksum says: SHA-256, or Git's SHA-1 for small ones."""
    if remote.size and path.stat().st_size != remote.size:
        return False
    if len(remote.etag) not in (40, 64):
        return True
    digest = hashlib.sha256() if len(remote.etag) == 64 else hashlib.sha1(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as data:
        while block := data.read(BLOCK):
            digest.update(block)
    return digest.hexdigest() == remote.etag


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are not followed: what the hub says of a file stands in its own answer."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Go nowhere."""
        return


def _ask(address: str) -> _Remote:
    """What the hub says of a file; where its bytes are is another server's address, as a rule."""
    told: dict[str, str] = {}
    for _ in range(HOPS):
        request = urllib.request.Request(address, None, _headers(address), method="HEAD")
        try:
            answer: Any = urllib.request.build_opener(_Stay).open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            if error.code not in (301, 302, 303, 307, 308):
                raise
            answer = error
        with answer:
            told = {**{name.lower(): value for name, value in answer.headers.items()}, **told}
            target = answer.headers.get("Location") if answer.status != 200 else None
        if target is None:
            break
        here, address = urlsplit(address).netloc, urljoin(address, target)
        if urlsplit(address).netloc != here:
            break  # the bytes: what there is to know stands in the hub's own answers
    etag = (told.get("x-linked-etag") or told.get("etag") or "").removeprefix("W/").strip('"')
    if not etag or "/" in etag:
        raise ValueError("the server does not answer like the Hugging Face hub")
    size = int(told.get("x-linked-size") or (told.get("content-length", "") if target is None else "") or 0)
    return _Remote(address, told.get("x-repo-commit") or "main", etag, size)


@contextmanager
def _told(part: HubWeights, file: str) -> Iterator[None]:
    """What goes wrong with a file, in one line."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403):
            raise ValueError(
                f"{part.repo} is gated or not there: accept its terms at https://huggingface.co/{part.repo}, "
                "log in with `hf auth login`, and type the same command again"
            ) from None
        raise ValueError(f"cannot fetch {file} of {part.repo}: the hub answers {error.code}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ValueError(f"cannot reach the hub for {file} of {part.repo}: {' '.join(str(reason).split())}") from None
    except ValueError as error:
        raise ValueError(f"{file} of {part.repo}: {error}") from None


def _headers(address: str) -> dict[str, str]:
    """The user's token goes to the hub alone, not to the servers that it names."""
    from huggingface_hub import get_token

    told = {"User-Agent": "duologue", "Accept-Encoding": "identity"}
    hub = urlsplit(_endpoint()).netloc == urlsplit(address).netloc and address.startswith("https://")
    return told | ({"Authorization": f"Bearer {token}"} if hub and (token := get_token()) else {})


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _cache() -> Path:
    try:
        from huggingface_hub import constants
    except ModuleNotFoundError:
        raise ValueError("fetching weights needs the extra 'assistant': pip install 'duologue[assistant]'") from None
    return Path(constants.HF_HUB_CACHE)
