"""Models: where they come from, how they are converted, loaded and run."""
