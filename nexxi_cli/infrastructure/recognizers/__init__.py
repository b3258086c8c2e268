"""Recognizers of personal data, one file a family."""
