"""How the tables of the archive came to be, step by step. Read by Alembic."""
