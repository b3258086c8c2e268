"""Names of HTML: elements and attributes.

Source: the HTML Living Standard, html.spec.whatwg.org: index of elements and of attributes; 13.1.2 (void elements,
optional tags); 15.3 (what is shown as a block); 16.2 (obsolete elements).
Custom elements, MathML and SVG names are left out: `<your-name>` is a placeholder, and `<path>` may be anything.
"""


def _names(*rows: str) -> frozenset[str]:
    return frozenset(" ".join(rows).split())


VOID = _names("area base br col embed hr img input link meta source track wbr")

# A bare tag of these is complete and means something; a bare `<source>` or `<input>` is a placeholder in a usage line.
BREAKS = _names("br hr wbr")

OPTIONAL_END = _names(
    "body caption colgroup dd dt head html li optgroup option p rp rt tbody td tfoot th thead tr",
)

# What a parser does not read as markup up to the end tag, and a page does not show.
RAW = _names("iframe noembed noframes script style")

# Elements whose content a page does not show as text.
UNSHOWN = _names("svg template")

BLOCKS = _names(
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption",
    "figure footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing main menu nav ol optgroup",
    "option p pre search section summary table tbody tfoot thead title tr ul xmp",
)

CELLS = _names("td th")

_INLINE = _names(
    "a abbr audio b bdi bdo button canvas cite code data datalist del dfn em i ins kbd label map mark meter noscript",
    "object output picture progress q ruby s samp select selectedcontent slot small span strong sub sup textarea time",
    "u var video",
)

_OBSOLETE = _names(
    "acronym applet basefont bgsound big blink font frame frameset keygen marquee nobr param rb rtc spacer strike tt",
)

ELEMENTS = VOID | OPTIONAL_END | RAW | UNSHOWN | BLOCKS | CELLS | _INLINE | _OBSOLETE

BOOLEAN_ATTRIBUTES = _names(
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled formnovalidate hidden",
    "inert ismap itemscope loop multiple muted nohref nomodule noshade novalidate nowrap open playsinline readonly",
    "required reversed selected shadowrootclonable shadowrootdelegatesfocus shadowrootserializable truespeed",
)
