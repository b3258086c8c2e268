"""Fields of JSON lines and tables: only they are looked at, and every other character stays."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.errors import UsageError
from nexxi_cli.service.redaction.csv_fields import CsvFields
from nexxi_cli.service.redaction.json_fields import JsonFields
from nexxi_cli.service.redaction.operators import Operators
from nexxi_cli.service.redaction.outcomes import Checked, Outcome, Redacted, Reported
from nexxi_cli.service.redaction.texts import MAX_RECORD_CHARS, Fields, RecordText
from tests.service.redaction.searches import SEARCH, redacted


def through(text: str, fields: Fields, outcome: Outcome | None = None, *, step: int = 10_000) -> str:
    records = RecordText(SEARCH, fields, outcome or redacted())
    return "".join(records.push(text[at : at + step]) for at in range(0, len(text), step)) + records.finish()


class Quoting:
    """An operator whose text needs every kind of quoting."""

    def apply(self, type_: str, value: str) -> str:
        return 'a,"b"\n\\é'

    def settle(self) -> None:
        pass


@pytest.mark.parametrize(
    ("paths", "line", "expected"),
    [
        (["a"], '{"a": "ada@x.org", "b":"bob@x.org"}', '{"a": "<EMAIL>", "b":"bob@x.org"}'),
        (["a.b"], '{"a":{"b":"ada@x.org"},"b":"bob@x.org"}', '{"a":{"b":"<EMAIL>"},"b":"bob@x.org"}'),
        (["a.b"], '{"a.b":"ada@x.org"}', '{"a.b":"<EMAIL>"}'),
        (["m.c"], '{"m":[{"c":"ada@x.org"},{"c":"é bob@x.org"}]}', '{"m":[{"c":"<EMAIL>"},{"c":"é <EMAIL>"}]}'),
        (["m.1"], '{"m":["ada@x.org" , "bob@x.org"]}', '{"m":["ada@x.org" , "<EMAIL>"]}'),
        (["*.m"], '{"x":{"m":"ada@x.org"},"y":{"n":"bob@x.org"}}', '{"x":{"m":"<EMAIL>"},"y":{"n":"bob@x.org"}}'),
        (["a"], '{"a":{"b":["ada@x.org",{"c":"bob@x.org"}]}}', '{"a":{"b":["<EMAIL>",{"c":"<EMAIL>"}]}}'),
        (["a"], '{"a":4111111111111111, "b": [] , "c":{}}', '{"a":"<CARD>", "b": [] , "c":{}}'),
        (["a"], r'{"a":"\u00e9\ud83d\ude00\n\"ada@x.org\"\/"}', r'{"a":"\u00e9\ud83d\ude00\n\"<EMAIL>\"\/"}'),
        (["a"], '{"a":"\\ud800 ada\\u0040x.org"}', '{"a":"\\ud800 <EMAIL>"}'),
        (["a"], '  {"b": null, "a": true}  ', '  {"b": null, "a": true}  '),
        (["a"], "not JSON: ada@x.org", "not JSON: <EMAIL>"),
        (["a"], '{"a": 1} {"b": "ada@x.org"}', '{"a": 1} {"b": "<EMAIL>"}'),
        (["b"], "[" * 100_000, "[" * 100_000),
        (["a"], '{"a": "ada@x.org"', '{"a": "<EMAIL>"'),
        (["a"], "", ""),
    ],
)
def test_the_strings_that_a_path_names_are_redacted(paths: list[str], line: str, expected: str) -> None:
    for end in ("", "\n", "\r\n"):
        assert through(line + end, JsonFields(paths)) == expected + end


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.sampled_from(["ada@x.org", "é ada@x.org"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc."), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("abc"), JSON, max_size=3), st.sampled_from(["ascii", "all"]), st.integers(1, 50))
def test_a_document_stays_the_same_but_for_what_was_found(document: object, written: str, step: int) -> None:
    line = json.dumps(document, ensure_ascii=written == "ascii") + "\n"
    out = through(line, JsonFields(["a"]), Redacted(Operators(Quoting())), step=step)
    shown = json.loads(out)
    if isinstance(document, dict) and "a" in document:
        assert "ada@x.org" not in json.dumps(shown["a"])
        shown["a"] = document["a"]
    assert shown == document


def test_the_report_has_offsets_in_the_decoded_field() -> None:
    line = '{"id": 1, "a": "\\u00e9\\n ada@x.org"}\n\n{"a": ""}\n'
    first, second = through(line, JsonFields(["a"]), Reported(None, records=True)).splitlines()
    (found,) = json.loads(first)["findings"]
    assert (found["start"], found["end"], json.loads(second)["findings"]) == (3, 12, [])
    assert "é\n ada@x.org"[found["start"] : found["end"]] == "ada@x.org"


def test_check_names_the_place_in_the_file() -> None:
    text = '{"a": "x"}\n{"b": 1, "a": "\\u00e9 ada@x.org"}\n'
    assert through(text, JsonFields(["a"]), Checked("f")) == "f:2:23 EMAIL email.address\n"


TABLE = 'name,"mail, or so",note\r\n"Ada ""A""\nB",ada@x.org,bob@x.org\r\nx,"y ""q"" cy@x.org",\r\nlast,d@x.org'


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_the_columns_that_are_named_are_redacted(step: int) -> None:
    expected = TABLE.replace("ada@x.org", "<EMAIL>").replace("cy@x.org", "<EMAIL>").replace("d@x.org", "<EMAIL>")
    assert through(TABLE, CsvFields(["mail, or so"]), step=step) == expected
    assert through(TABLE, CsvFields(["2"]), step=step) == expected


@pytest.mark.parametrize("delimiter", ",;\t|")
def test_the_delimiter_is_that_of_the_first_line(delimiter: str) -> None:
    text = f"a{delimiter}b\nbob@x.org{delimiter}ada@x.org\n"
    assert through(text, CsvFields(["b"])) == f"a{delimiter}b\nbob@x.org{delimiter}<EMAIL>\n"


def test_what_a_field_gets_is_quoted_where_it_has_to_be() -> None:
    out = through('a,b\nx ada@x.org y,1\n"q ada@x.org",2\n', CsvFields(["a"]), Redacted(Operators(Quoting())))
    assert list(csv.reader(io.StringIO(out))) == [["a", "b"], ['x a,"b"\n\\é y', "1"], ['q a,"b"\n\\é', "2"]]


def test_a_quote_that_is_never_closed_hides_nothing() -> None:
    assert through('a,b\n"ada@x.org,1\nbob@x.org,2\n', CsvFields(["a"])).count("<EMAIL>") == 2


@pytest.mark.parametrize(
    ("columns", "line"), [(["mial"], "there is no column mial; there are name, mail"), (["0"], "--csv 0")]
)
def test_a_column_that_there_is_not_is_refused(columns: list[str], line: str) -> None:
    with pytest.raises(UsageError, match=line):
        through("name,mail\nx,y\n", CsvFields(columns))


@pytest.mark.parametrize("fields", [JsonFields(["a"]), CsvFields(["1"])])
def test_a_record_without_end_is_looked_at_as_plain_text(fields: Fields) -> None:
    filler = "x " * MAX_RECORD_CHARS
    text = f'{{"a": "bob@x.org {filler} ada@x.org"}}\n{{"b": "cy@x.org", "a": "d@x.org"}}\n'
    records = RecordText(SEARCH, fields, redacted())
    out = "".join(records.push(text[at : at + 100_000]) for at in range(0, len(text), 100_000)) + records.finish()
    assert records.unreadable == 1
    assert "bob@x.org" not in out
    assert "ada@x.org" not in out
    assert "d@x.org" not in out.splitlines()[1] or isinstance(fields, CsvFields)
