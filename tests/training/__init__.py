"""Training of what the package ships: recipes and their own data."""
