"""The detector of prompt injection and jailbreaks: rules, a lexicon, and a small classifier with its weights."""
