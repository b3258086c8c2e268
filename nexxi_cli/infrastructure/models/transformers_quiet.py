"""transformers without its own bars and warnings on standard error: what matters we say ourselves."""

import os


def quiet_bars() -> None:
    """Before anything imports tqdm, which reads this once: the bar of the GGUF reader knows no other switch."""
    os.environ["TQDM_DISABLE"] = "1"


def quiet() -> None:
    """Silence the library, once it is imported, for this process."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
