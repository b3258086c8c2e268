"""The slash commands of the REPL, one file a theme."""
