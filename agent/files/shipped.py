"""Which folder a model is in: a shipped one by name, any by path, a run of adapters by what was merged of it."""

from __future__ import annotations

import json
from pathlib import Path

WEIGHTS = Path(__file__).parents[1] / "weights"  # the models that ship with the project
MERGED = "merged"  # in the folder of a run that trained adapters: the model with them folded in
_FILE = "model.safetensors"


def is_shipped(name: str | Path) -> bool:
    """Whether a model of this name ships with the project."""
    return len(Path(name).parts) == 1 and (WEIGHTS / name / "config.json").is_file()


def find_bundle(name: str | Path) -> Path:
    """The folder of a shipped name or of a path. Raises ValueError where there is none."""
    if is_shipped(name):
        return WEIGHTS / name
    if Path(name).is_dir():
        return _merged(Path(name))
    known = sorted(path.parent.name for path in WEIGHTS.glob("*/config.json"))
    raise ValueError(
        f"no model at {name}: give a folder that `agent train` wrote or a shipped name ({', '.join(known) or 'none'})"
    )


def _merged(folder: Path) -> Path:
    """A folder, or what was merged of it where it holds adapters alone. Raises ValueError where that is not done."""
    try:
        values = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return folder  # whoever reads it says what is wrong
    if not isinstance(values, dict) or not values.get("lora") or (folder / values.get("moshi_name", _FILE)).is_file():
        return folder
    if (folder / MERGED / "config.json").is_file():
        return folder / MERGED
    raise ValueError(
        f"{folder} holds adapters and no model: `agent finetune` with --resume writes {folder / MERGED}; "
        "in Python, agent.load_model(BASE, lora=FILE) puts them on their base"
    )
