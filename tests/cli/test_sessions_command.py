"""`nexxi sessions list|show|delete`."""

import json

import pytest

from tests.cli.nexxi import nexxi, refused, said
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.usefixtures("home")


def kept(question: str, answer: str = "An *answer*.") -> str:
    """The id of a new session."""
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return said("sessions", "import", "-", text=json.dumps({"messages": messages})).strip()


def test_a_list_in_a_pipe_is_lines_of_tab_separated_values() -> None:
    id_ = kept("Why is the sky blue?")
    fields = said("sessions", "list").rstrip("\n").split("\t")
    assert [fields[0], *fields[2:4]] == [id_[:8], "Why is the sky blue?", "1"]


def test_a_list_on_a_terminal_has_headings_and_cuts_the_titles_first() -> None:
    id_ = kept("Why is the sky blue, and why is the sea green, and why is the night dark?")
    terminal = Terminal("sessions", "list", columns=60)
    assert terminal.exit_code() == 0
    headings, row = (line for line in terminal.lines if line)
    assert headings.split() == ["ID", "NAME", "TITLE", "TURNS", "MODEL", "CHANGED"]
    assert row.startswith(id_[:8])
    assert "…" in row


def test_the_one_that_changed_last_is_first_and_the_limit_holds() -> None:
    kept("first")
    second = kept("second")
    (only,) = json.loads(said("sessions", "list", "--limit", "1", "--json"))
    assert only["session_id"] == second


def test_an_empty_list_says_how_to_begin() -> None:
    done = nexxi("sessions", "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no sessions yet: nexxi chat begins one\n")


def test_an_empty_list_is_an_empty_json_list() -> None:
    assert json.loads(said("sessions", "list", "--json")) == []


def test_show_prints_what_was_said_as_it_is() -> None:
    id_ = kept("Why?", "Because\n\n- of *this*")
    assert said("sessions", "show", id_[:8]) == "user:\nWhy?\n\nassistant:\nBecause\n\n- of *this*\n\n"


def test_show_renders_markdown_on_a_terminal() -> None:
    terminal = Terminal("sessions", "show", kept("Why?", "- of *this*"))
    assert terminal.exit_code() == 0
    assert " • of this" in terminal.lines


def test_what_a_session_holds_cannot_command_the_terminal() -> None:
    terminal = Terminal("sessions", "show", "--raw", kept("Why?", "red \x1b]0;title\x07 text"))
    assert terminal.exit_code() == 0
    assert b"\x1b]0;" not in terminal.output


def test_show_as_json_has_the_messages() -> None:
    document = json.loads(said("sessions", "show", kept("Why?"), "--json"))
    assert [message["role"] for message in document["messages"]] == ["user", "assistant"]


@pytest.mark.parametrize("command", ["show", "delete"])
def test_a_session_that_does_not_exist_is_exit_1(command: str) -> None:
    assert "there is no session 'nosuch'" in refused("sessions", command, "nosuch", code=1)


def test_delete_asks_only_on_a_terminal() -> None:
    assert "add --yes" in refused("sessions", "delete", kept("Why?"), code=2)


def test_delete_takes_no_for_an_answer() -> None:
    id_ = kept("Why?")
    terminal = Terminal("sessions", "delete", id_).wait_for("Delete 'Why[?]' with 1 turn").say("n")
    assert terminal.exit_code() == 1
    assert "nothing was changed" in terminal.text
    assert said("sessions", "show", id_)


def test_a_deleted_session_is_gone() -> None:
    id_ = kept("Why?")
    said("sessions", "delete", id_, "--yes")
    assert json.loads(said("sessions", "list", "--json")) == []
