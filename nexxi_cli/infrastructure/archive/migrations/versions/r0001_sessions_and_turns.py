"""Sessions, their turns, and the words by which these are found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "archive_sessions",
        sa.Column("session_id", sa.Uuid, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("turn_count", sa.Integer, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("title", sa.Text),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("system", sa.Text),
    )
    op.create_index("archive_sessions_by_name", "archive_sessions", ["owner", "name"])
    op.create_index("archive_sessions_by_change", "archive_sessions", ["owner", "updated_at", "session_id"])
    op.create_table(
        "archive_turns",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("session_id", sa.Uuid, sa.ForeignKey("archive_sessions.session_id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("turn_id", sa.Uuid, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("finish", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("prompt_tokens", sa.Integer, nullable=False),
        sa.Column("completion_tokens", sa.Integer, nullable=False),
        sa.Column("first_token_s", sa.Float),
        sa.Column("total_s", sa.Float, nullable=False),
        sa.Column("finding_types", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("session_id", "number", name="archive_turns_by_number"),
    )
    op.create_index("archive_turns_by_time", "archive_turns", ["owner", "created_at"])
    op.create_table("archive_applied", sa.Column("entry_id", sa.Uuid, primary_key=True))
    op.create_table("archive_deleted", sa.Column("session_id", sa.Uuid, primary_key=True))
    if op.get_bind().dialect.name == "postgresql":
        op.create_table(
            "archive_words",
            sa.Column("key", sa.BigInteger, sa.ForeignKey("archive_turns.key"), primary_key=True, autoincrement=False),
            sa.Column("owner", sa.Text, nullable=False),
            sa.Column("words", TSVECTOR, nullable=False),
        )
        op.create_index("archive_words_by_word", "archive_words", ["words"], postgresql_using="gin")
        op.create_index("archive_words_by_owner", "archive_words", ["owner", "key"])
    else:
        # the words come folded and parted by blanks, all that this tokenizer has to know
        op.execute("CREATE VIRTUAL TABLE archive_words USING fts5(owner, words, tokenize = 'ascii')")
