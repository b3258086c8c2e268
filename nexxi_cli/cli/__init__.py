"""The command line: parse, call, render. No business rule lives here."""
