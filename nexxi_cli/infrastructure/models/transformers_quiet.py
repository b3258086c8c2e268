"""transformers without its own bars and warnings on standard error: what matters we say ourselves."""

import os

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is first imported; the bar of the GGUF reader knows no other switch


def quiet() -> None:
    """Silence the library for this process."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
