"""Training the full-duplex model: a `recipe` with every number, a run from its order to its end.

`run` opens data and makes or resumes a model (`start`), `trainer` steps, `objective` is what is minimised,
`regularise` hides inputs, `finetune` adapts a trained model, `sharding` shares it among processes.
"""

from .recipe import AgentRecipe, read_recipe
from .trainer import AgentTrainer

__all__ = ["AgentRecipe", "AgentTrainer", "read_recipe"]
