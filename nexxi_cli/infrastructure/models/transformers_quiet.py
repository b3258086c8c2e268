"""transformers, imported once, without its bars and warnings on standard error: what matters we say ourselves."""

import os
import threading

_IMPORTING = threading.Lock()


def import_transformers() -> None:
    """Before a thread imports what uses the library, where others may do so at the same time.

    At the end of its import transformers puts another module in its place: who waited for it is left with the first,
    which has no names in it.
    """
    with _IMPORTING:
        import transformers  # noqa: F401


def quiet_bars() -> None:
    """Before anything imports tqdm, which reads this once: the bar of the GGUF reader knows no other switch."""
    os.environ["TQDM_DISABLE"] = "1"


def quiet() -> None:
    """Silence the library, once it is imported, for this process."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
