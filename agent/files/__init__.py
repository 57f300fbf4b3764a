"""Models on disk: Kyutai's folders read and written, and a model with all it needs to talk as one bundle.

`checkpoints` reads folders (`config_json` and `tensor_names` translate), `assemble` checks and builds the model,
`vocabulary` turns words into ids, `codec_identity` says which codec made the codes, `bundle` joins the three.
`open_lm` and `initialise` start a model as an open language model.
"""

from .bundle import load_bundle, save_bundle
from .checkpoints import load_model
from .vocabulary import Vocabulary

__all__ = ["Vocabulary", "load_bundle", "load_model", "save_bundle"]
