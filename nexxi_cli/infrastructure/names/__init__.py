"""The tagger of names: people, organisations, places, addresses in Latin, Greek or Cyrillic letters."""

from nexxi_cli.infrastructure.names.recognizer import NameRecognizer

NAMES = NameRecognizer()
"""The recognizer with the weights of the package. It loads them on first use."""
