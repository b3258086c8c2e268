"""Nexxi: a chat with a language model in the terminal, in shell scripts and behind an API."""

__version__ = "0.1.0"
