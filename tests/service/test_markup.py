"""HTML goes out of chat text; code, maths and placeholders stay."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.service.markup import strip_markup

SNIPPETS = st.lists(
    st.one_of(
        st.sampled_from(
            ["<p>", "</p>", "<b>", "</b>", "<br>", "<div hidden>", "</div>", "<td>", "<li>", "<img src=x>"]
        ),
        st.sampled_from(["<script>", "</script>", "<svg>", "</svg>", "<!--", "-->", "<a href='x'>", "</a>", "<", ">"]),
        st.sampled_from(["`", "``", "```", "~~~", "&amp;", "&lt;", "List<Object>", "#include <map>"]),
        st.sampled_from(["\n", "\n\n", " ", "word", "a < b"]),
        st.text(max_size=3),
    ),
    max_size=14,
).map("".join)


def stripped(text: str) -> str:
    return strip_markup(text).text


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "if a <b and c> d",
        "List<int>, Map<String, List<Object>>, vector<a>, Promise<Button>",
        "#include <stdio.h>\n#include <map>\nint main() { return 1 << 2; }",
        "Ada <user@example.com>, <https://example.com/?a=1&amp;b=2>",
        "mv <source> <target>; git show <object>; your name: <your-name>",
        "What does <b> do, and how is <p> closed?",
        "I <3 you, -> and <- and <!-- and </",
        "x = y</z>, <T>(x: T) => x, <thinking>hm</thinking>, <?php echo 1; ?>",
        "AT&amp;T &lt;b&gt;",
        "use `<b>bold</b>` or ``<i>`</i>``",
        "```html\n<p>hello</p>\n<script>x</script>\n```\n",
        "~~~\n<p>hello</p>\n~~~",
        "```\n<p>not closed</p>",
        "",
    ],
)
def test_a_text_without_markup_is_the_identical_text(text: str) -> None:
    result = strip_markup(text)
    assert (result.text, result.findings) == (text, ())


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Hello</p>", "Hello"),
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<P CLASS=x>Hello</P >", "Hello"),
        ("it is <b>bold</b>.", "it is bold."),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<tr><td>1</td><td>2</td></tr>", "1 2"),
        ("a<script>if (a < b) alert('</p>')</script>b", "ab"),
        ("a<style>p { color: red }</style>b", "ab"),
        ("a<!-- <b>hidden</b> -->b", "ab"),
        ("<!DOCTYPE html><html><body>x</body></html>", "x"),
        ("a<p hidden>ignore <b>this</b></p>b", "a\nb"),
        ('a<span style="color:red; display: none">ignore</span>b', "ab"),
        ("<div hidden>a<div>b</div>c</div>d", "d"),
        ("<svg width='1'><path d='M0'/></svg>x", "x"),
        ("<img src=x onerror=alert('x')>hi", "hi"),
        ('<a title="1 > 0" href="x">link</a>', "link"),
        ("<p>List<int> and a < b</p>", "List<int> and a < b"),
        ("<b>AT&amp;T &lt;p&gt; &#65;&nbsp;&unknown;</b>", "AT&T <p> A\u00a0&unknown;"),
        ("<b>x</b> `&amp;` and `<b>`", "x `&amp;` and `<b>`"),
        ("<p>x</p>\n```\n<p>y</p>\n```\n<p>z</p>", "x\n```\n<p>y</p>\n```\nz"),
        ("<p>a ` b</p>\n\n<p>c ` d</p>", "a ` b\n\nc ` d"),
        ("<<b></b>b>x<<b></b>/b>", "x"),
    ],
)
def test_markup_goes_and_its_text_stays(text: str, plain: str) -> None:
    assert stripped(text) == plain


def test_findings_are_the_markup_in_the_original() -> None:
    text = "a <b>c</b><!-- d -->"
    result = strip_markup(text)
    assert [(text[found.start : found.end], found.rule) for found in result.findings] == [
        ("<b>", "html.tag"),
        ("</b>", "html.tag"),
        ("<!-- d -->", "html.comment"),
    ]


def test_a_span_of_the_plain_text_leads_back_through_tags_and_entities() -> None:
    text = "<p>a &amp; <b>b</b></p>"
    result = strip_markup(text)
    assert result.text == "a & b"
    assert text[slice(*result.original(2, 3))] == "&amp;"
    assert text[slice(*result.original(0, 5))] == "a &amp; <b>b"


@given(SNIPPETS)
def test_every_character_of_the_plain_text_comes_from_the_original(text: str) -> None:
    result = strip_markup(text)
    for at, char in enumerate(result.text):
        origin = text[slice(*result.original(at, at + 1))]
        assert origin == char or origin[0] in "<&"


@given(SNIPPETS)
def test_findings_lie_in_the_original(text: str) -> None:
    for finding in strip_markup(text).findings:
        assert text[finding.start] == "<"
        assert text[finding.end - 1] == ">"


@given(st.text(alphabet=st.characters(exclude_characters="<")))
def test_a_text_without_an_angle_is_untouched(text: str) -> None:
    assert strip_markup(text).text is text


@pytest.mark.parametrize(
    "text",
    [
        "<" * 100_000,
        "<a " * 50_000,
        "<a b='" * 30_000,
        """<a x=" b=' a=" y='""" * 10_000,
        "<!--" * 40_000,
        "<script>" * 20_000,
        "</script " * 20_000,
        "`" * 100_000,
        "` `` " * 30_000,
        "~~~\n" * 40_000,
        "<div hidden>" * 20_000,
        "<div hidden>" * 10_000 + "</div>" * 10_000,
        "<b>" * 20_000 + "</b>" * 20_000,
        "<a " + "x=1 " * 50_000,
        "<<b></b>" * 20_000,
        "&amp;" * 20_000 + "<b>x</b>",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    began = time.process_time()
    strip_markup(text)
    assert time.process_time() - began < 10  # quadratic would be minutes
