"""`nexxi sessions` beyond list and show: names, copies, imports, exports, search, figures, clearing out."""

import json
import stat
from pathlib import Path

import pytest

from tests.cli.nexxi import nexxi, refused, said

TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "How do I tame a lion?"},
    {"role": "assistant", "content": "Slowly."},
    {"role": "user", "content": "With steak?"},
    {"role": "assistant", "content": "And with patience."},
]


@pytest.fixture(autouse=True)
def lion(home: Path) -> str:
    """The id of a session in an otherwise empty home."""
    return said("sessions", "import", "-", text=json.dumps({"messages": TALK})).strip()


def listed() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(said("sessions", "list", "--json"))
    return found


def test_an_imported_session_is_listed_with_its_turns(lion: str) -> None:
    (session,) = listed()
    assert (session["session_id"], session["turn_count"], session["title"]) == (lion, 2, "How do I tame a lion?")


def test_a_session_is_renamed(lion: str) -> None:
    said("sessions", "rename", lion[:8], "lion")
    assert listed()[0]["name"] == "lion"


def test_a_fork_keeps_the_first_turns(lion: str) -> None:
    copy = said("sessions", "fork", lion, "--turn", "1", "--name", "copy").strip()
    document = json.loads(said("sessions", "show", "copy", "--json"))
    assert document["session_id"] == copy
    assert [message["content"] for message in document["messages"]] == ["Be brief.", "How do I tame a lion?", "Slowly."]


def test_a_fork_of_a_turn_that_is_not_there_is_refused(lion: str) -> None:
    assert "has turns 1 to 2, not 3" in refused("sessions", "fork", lion, "--turn", "3", code=2)


@pytest.mark.parametrize("form", ["md", "json", "jsonl"])
def test_what_is_exported_can_be_imported(lion: str, form: str, tmp_path: Path) -> None:
    text = said("sessions", "export", lion, "--format", form)
    again = said("sessions", "import", "-", text=text).strip()
    messages = json.loads(said("sessions", "show", again, "--json"))["messages"]
    assert messages == TALK


def test_an_export_overwrites_nothing(lion: str, tmp_path: Path) -> None:
    target = tmp_path / "lion.md"
    said("sessions", "export", lion, "-o", str(target))
    before = target.read_text()
    assert "nothing was overwritten" in refused("sessions", "export", lion, "-o", str(target), code=1)
    assert target.read_text() == before


def test_several_sessions_are_exported_as_lines(lion: str) -> None:
    said("sessions", "fork", lion, "--name", "copy")
    lines = said("sessions", "export", "-F", "jsonl", lion, "copy").splitlines()
    assert [json.loads(line)["messages"] for line in lines] == [TALK, TALK]
    assert "one JSON document holds one session" in refused("sessions", "export", "-F", "json", lion, "copy", code=2)


def test_personal_data_of_an_import_is_replaced() -> None:
    talk = [{"from": "human", "value": "I am ada@example.com"}, {"from": "gpt", "value": "Hello."}]
    session_id = said("sessions", "import", "-", text=json.dumps([{"conversations": talk}])).strip()
    assert "I am <EMAIL>" in said("sessions", "show", session_id, "--raw")


@pytest.mark.parametrize("text", ["", "prose", '{"messages": [{"role": "tool", "content": "x"}]}'])
def test_an_import_of_something_else_adds_nothing(text: str) -> None:
    assert refused("sessions", "import", "-", text=text, code=2).startswith("nexxi: -: ")
    assert len(listed()) == 1


def test_a_search_finds_turns_by_their_words(lion: str) -> None:
    hits = json.loads(said("sessions", "search", "--json", "STEAK", "patience"))
    assert [(hit["session"]["session_id"], hit["turn"]) for hit in hits] == [(lion, 2)]
    assert "**" in hits[0]["snippet"]
    assert said("sessions", "search", "tiger") == ""


@pytest.mark.parametrize("words", ['"', "a AND", "*", "-x", "' OR 1=1 --", "("])
def test_no_word_of_a_search_is_syntax(words: str) -> None:
    assert nexxi("sessions", "search", "--", words).returncode == 0


def test_stats_count_turns_by_day_and_model() -> None:
    (row,) = json.loads(said("sessions", "stats", "--json"))
    assert (row["model"], row["turns"]) == ("imported", 2)


def test_a_deleted_session_is_not_found_by_any_way(lion: str) -> None:
    assert "add --yes" in refused("sessions", "delete", lion, code=2)
    said("sessions", "search", "lion")
    assert nexxi("sessions", "delete", lion, "--yes").returncode == 0
    assert listed() == []
    assert said("sessions", "search", "lion") == ""
    assert "there is no session" in refused("sessions", "show", lion, code=1)


def test_purge_deletes_what_is_old_and_nothing_else() -> None:
    old = {"messages": TALK, "created_at": "2020-01-01T00:00:00"}
    said("sessions", "import", "-", text=json.dumps(old))
    done = nexxi("sessions", "purge", "--older-than", "30d", "--yes")
    assert (done.returncode, done.stderr) == (0, "deleted 1 session\n")
    assert len(listed()) == 1
    assert len(json.loads(said("sessions", "search", "--json", "steak"))) == 1


@pytest.mark.parametrize("age", ["30", "d", "1y", "-1d", "1d1h", "999999d", ""])
def test_an_age_that_is_none_is_refused(age: str) -> None:
    assert "write a time such as 30d" in refused("sessions", "purge", "--older-than", age, "--yes", code=2)
    assert len(listed()) == 1


def test_what_is_kept_is_readable_by_its_owner_alone(home: Path) -> None:
    said("sessions", "search", "lion")
    kept = sorted((home / "data" / "nexxi").glob("*.db"))
    assert [file.name for file in kept] == ["archive.db", "outbox.db", "sessions.db"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in kept} == {0o600}
