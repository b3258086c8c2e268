"""What an address may begin with at the end of a text whose rest is still to come; knows no whole address.

A stream holds it back, so it has to be as little as can be: names and numbers, the small words between them, and the
beginnings of such words.
"""

from nexxi_cli.infrastructure.recognizers import address_forms as forms
from nexxi_cli.infrastructure.recognizers import address_lines as lines
from nexxi_cli.infrastructure.recognizers.patterns import cut_off

BEFORE = r"(?<![\w.\-/])"

_SEPARATED = r"[ ,\n>\-]{1,9}"
_SMALL = f"bis|and|nad|sur|box|km|esc|piso|bajo|izda|izq|bloque|pta|dcha|correos|{lines.PARTICLES}|{lines.LOWER}".split(
    "|"
)
_TOKEN = (
    rf"(?:[{forms.CAPITAL}0-9#][{forms.LETTER}0-9.'\u2019\u00b4ª°º/\-]*|[dl]['\u2019][{forms.LETTER}'\u2019\-]*|[nN][º°.o]|s/n?"
    rf"|[a-z](?![{forms.LETTER}])|(?:{'|'.join(_SMALL)})\.?(?![{forms.LETTER}]))"
)
_REST = rf"(?:{_SEPARATED}{_TOKEN})*+(?:{_SEPARATED})?(?:{'|'.join(map(cut_off, _SMALL))})?['\u2019]?\Z"
_NO_LIST = r"(?!(?:[ ,\n]{1,7}[0-9]{1,6}){7})"
BEGINS = (
    rf"{BEFORE}(?:[0-9][0-9A-Za-z/\-]{{0,10}}+(?![ ,]*\n){_NO_LIST}(?!,[ \n]*[^aAbBcCiIpPqQrRsS \n]){_REST}"
    rf"|{lines.NOT_A_YEAR}{lines.NOT_A_SENTENCE}[{forms.CAPITAL}][{forms.LETTER}0-9.'\u2019\u00b4/\-]*{_NO_LIST}{_REST}"
    rf"|{forms.CALLES}(?:[ .]{{1,2}}[{forms.LETTER}'\u2019\u00b4\-]{{1,20}}\.?){{0,7}}{_REST}"
    rf"|(?:[cC]/|(?:ul|al|os|pl)\.|apt\.?|p\.?[ ]?o\.?|(?:{lines.LOWER}){forms.END}){_REST})"
)
