"""Session stores, one file each."""
