"""From a file of questions to an agent that answers them: dialogues, speech, tokens, fine-tuning, an examination.

`teaching` carries out an `order` stage by stage (`stages`), each the ordinary work of another wing on ordinary files;
`state` knows what is done, `examination` what came out right, `card` says it. `recipe.toml` suits the shipped model.
"""

from .order import TeachOrder
from .teaching import teach

__all__ = ["TeachOrder", "teach"]
