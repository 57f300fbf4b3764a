"""Weights on the Hugging Face hub: which are in the local cache, and `fetch`, the one thing here that downloads."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path

from .declaration import HubWeights


def cached(repo: str, file: str, revision: str | None = None) -> Path | None:
    """Where a file of a repository is in the local cache; None if it is not, or if huggingface_hub is missing."""
    if importlib.util.find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    local = try_to_load_from_cache(repo, file, revision=revision)
    return Path(local) if isinstance(local, str) else None


def missing(weights: Iterable[HubWeights]) -> list[tuple[HubWeights, str]]:
    """The files that are not in the local cache, each with what it belongs to."""
    return [(part, file) for part in weights for file in part.files if cached(part.repo, file, part.revision) is None]


def require(engine: str, weights: Iterable[HubWeights]) -> None:
    """Raise ValueError, naming the command that fetches them, if any file is not in the local cache."""
    lacking = missing(weights)
    if lacking:
        part, file = lacking[0]
        raise ValueError(
            f"engine {engine} has no weights here: {file} of {part.repo} "
            f"and {len(lacking) - 1} more are not in the cache; type: synth engines fetch {engine}"
            if len(lacking) > 1
            else f"engine {engine} has no weights here: {file} of {part.repo} is not in the cache; "
            f"type: synth engines fetch {engine}"
        )


def fetch(weights: Iterable[HubWeights], told: Callable[[str], None]) -> None:
    """Download every file that is not in the local cache. The endpoint is `HF_ENDPOINT`, if that is set.

    Args:
        weights: what to get.
        told: called with a line for each file.

    Raises:
        ValueError: huggingface_hub is missing, a repository is gated or unknown, or the hub cannot be reached.
    """
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError
    except ModuleNotFoundError:
        raise ValueError("fetching weights needs huggingface_hub: pip install huggingface_hub") from None
    for part, file in missing(weights):
        told(f"{part.repo}: {file}")
        try:
            hf_hub_download(part.repo, file, revision=part.revision)
        except GatedRepoError:
            raise ValueError(
                f"{part.repo} is gated: accept its terms at https://huggingface.co/{part.repo}, log in with "
                "`hf auth login`, and type the same command again"
            ) from None
        except HfHubHTTPError as error:
            raise ValueError(f"cannot fetch {file} of {part.repo}: {' '.join(str(error).split())[:300]}") from None
        except (LocalEntryNotFoundError, OSError) as error:
            raise ValueError(
                f"cannot reach the hub for {file} of {part.repo}: {' '.join(str(error).split())[:300]}"
            ) from None
