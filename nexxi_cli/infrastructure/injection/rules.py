"""Rules: what gives an attack away by itself. Each has a name, by which it can be let through.

They look at folded text (lower case, no accents). Every gap in a pattern is bounded, so each is linear in the text.
Sources of the chat templates' marks: ChatML, Llama 2 and 3, Mistral, Gemma and Alpaca as their makers document them.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Rule:
    """`score` is how sure a match is, from 0 to 1. A text without a word of each concept in `needs` has no match."""

    name: str
    score: float
    pattern: str
    needs: frozenset[str] = frozenset()


def _any(*words: str) -> str:
    return "(?:" + "|".join(" ".join(words).split()) + ")"


# no quotation marks: an order in them is mostly one that somebody speaks of
_START = r"(?:\A|[.!?:;\n>\]*#|]|[-\u2013\u2014] |\band\b|\bthen\b|\bund\b|\by\b|\bet\b)[\s*>#-]{0,6}"
_POLITE = _any(
    "please now first just kindly simply also immediately actually you must should have to i want need order command",
    "bitte jetzt zuerst sofort einfach por favor ahora primero simplemente veuillez maintenant d'abord simplement",
    "sil te plait vous",
)
_BEGIN = rf"{_START}(?:{_POLITE}[\s,]{{1,3}}){{0,5}}"
_GAP = r"(?:[\s,()\"'-]{1,3}[\w']{1,20}){0,3}?[\s,()\"'-]{1,3}"

_IGNORE = _any(
    r"ignor\w{0,6} ignote igore disregard\w{0,3} forget override overrule bypass discard neglect abandon",
    r"ignorier\w{1,3} vergiss vergesst vergessen\ssie missachte\w? uberschreibe umgehe verwirf",
    r"olvida\w{0,2} olvide descarta omite anula haz\scaso\somiso\sde oublie\w? contourne annule",
    r"ne\stiens\spas\scompte fais\sabstraction lass\sausser dimentica",
    r"(?:do\snot|don'?t|stop)\s(?:follow|obey)\w{0,3} no\ssigas ne\ssuis\splus befolge\snicht",
)
_BACK = _any(
    "previous prior preceding earlier above foregoing initial original former past existing your system all any every",
    r"everything vorherige\w? bisherige\w? obige\w? vorige\w? fruhere\w? ursprungliche\w? deine\w? ihre\w? alle\w?",
    "anterior anteriores previas previos iniciales originales tus sus todas todos todo toutes tous tes vos precedentes",
    "precedente anterieures initiales tutte tutti tue tuoi precedenti le",
)
_ORDERS = _any(
    r"instructions? instrucions instuctions istructions intructions directions? directives? guidelines? rules orders",
    r"commands? prompts? programming constraints policies restrictions protocols? training",
    r"anweisung(?:en)? instruktion(?:en)? regeln vorgaben richtlinien befehle weisungen",
    r"instrucciones ordenes reglas directrices indicaciones normas directivas restricciones",
    r"consignes regles directives lignes\sdirectrices istruzioni regole",
)
_NOT_OF_THINGS = r"(?![\s]{1,2}(?:on|of|in|from|for|about|auf|von|aus|in|zum|zur|de|del|en|du|des|sur|dans|a)\b)"

_TELL = _any(
    "reveal show print output display repeat recite expose leak disclose dump tell give write list share quote copy",
    r"return spell paste verrat\w{0,2} zeige? nenne? gib wiederhole? drucke? sage? enthulle? schreibe?",
    r"zitiere? kopiere?",
    "muestra muestrame ensena ensename revela revelame dime dame repite imprime escribe copia divulga cita",
    r"montre affiche revele dis donne repete imprime ecris copie divulgue cite mostra mostrami rivela dimmi",
)
_YOUR = _any("your deinen? deine ihren? ihre tu tus su sus ton ta tes votre vos tuo tue")
_OWN = _any(
    r"system systems? initial original hidden secret internal first full complete exact developer base pre",
    r"versteckten? ursprunglichen? geheimen? interne[ns]? inicial\w{0,2} original\w{0,2} ocult\w{1,2} secret\w{1,2}",
    r"initiale\w? cache\w{0,2} secrete\w? d'origine sistema systeme del",
)
_PROMPT = _any(
    r"prompts? instructions? instruction message messages rules directives guidelines configuration systemprompts?",
    r"system-?prompts? systemanweisung\w{0,2} systemnachricht anweisungen instruktionen regeln instrucciones reglas",
    r"consignes regles istruzioni",
)

_OVERRIDE = frozenset({"INSTRUCTION"})
_REVEAL = frozenset({"REVEAL", "YOUR"})

RULES = (
    Rule(
        "instruction override",
        0.95,
        rf"{_BEGIN}{_IGNORE}{_GAP}{_BACK}{_GAP}{_ORDERS}\b{_NOT_OF_THINGS}",
        _OVERRIDE,
    ),
    Rule(
        "instruction override",
        0.95,
        rf"{_BEGIN}{_IGNORE}{_GAP}{_ORDERS}\s(?:anteriores|previas|iniciales|precedentes|above|ci-dessus|oben)\b",
        _OVERRIDE,
    ),
    Rule(
        "prompt extraction",
        0.95,
        rf"{_BEGIN}{_TELL}{_GAP}{_YOUR}{_GAP}{_OWN}[\s-]{_PROMPT}\b",
        _REVEAL,
    ),
    Rule(
        "prompt extraction",
        0.95,
        rf"{_BEGIN}{_TELL}{_GAP}{_YOUR}\s(?:prompt|instrucciones|anweisungen|instruktionen|instructions?)\b",
        _REVEAL,
    ),
    Rule(
        "prompt extraction",
        0.9,
        rf"{_BEGIN}(?:show|print|output|display|repeat|reveal|recite|leak|dump|expose|disclose)(?:\sme)?{_GAP}the"
        r"\s(?:system|hidden|initial|original)\s(?:prompt|instructions?|message)\b(?!\s(?:for|of|in|from|that|to)\b)",
        frozenset({"REVEAL", "SYSTEM"}),
    ),
    Rule(
        "prompt extraction",
        0.9,
        r"\b(?:what(?:'s| is| are| was| were| does)|wie lautet|was (?:ist|sind|steht in)|cual(?:es)? (?:es|son)"
        rf"|que dice|quel(?:le)?s? (?:est|sont))\s{_YOUR}\s(?:{_OWN}[\s-])?"
        r"(?:system[\s-]?prompt|prompt\b|instructions?\b|systemprompt|anweisungen|instrucciones|consignes)",
        frozenset({"YOUR"}),
    ),
    Rule(
        "role override",
        0.95,
        r"(?<![\"'\u201c\u2018\u00ab])\b(?:do anything now\b(?! that)|you are (?:now )?(?:a )?dan\b(?! [a-z]+er\b))",
        frozenset({"NOW"}),
    ),
    Rule(
        "role override",
        0.9,
        r"\b(?:developer|dan|god|jailbreak|unrestricted|sudo|debug) mode (?:is )?(?:now )?"
        r"(?:enabled|activated|on\b(?! (?:my|the|your|an?)\b))|\bbroken free of (?:the|all|its|their)\b"
        r"|\b(?:no|without|any|free of) (?:ethical|moral|legal)(?: or (?:moral|ethical))?"
        r" (?:guidelines|restrictions|rules|limits|constraints)\b"
        r"|\bnever refuses?\b.{0,60}\b(?:illegal|unethical|immoral)\b",
    ),
    Rule(
        "chat template",
        0.95,
        r"<\|im_start\|>\s{0,3}(?:system|user|assistant)\s|<\|im_end\|>\s{0,3}<\|im_start\|>"
        r"|\[inst\][^\[]{8,400}\[/inst\]|</s>\s{0,3}\[inst\]|\[/inst\][^\[]{0,200}\[inst\]|<<sys>>[^<]{3,400}<</sys>>"
        r"|<\|start_header_id\|>\s{0,3}\w{1,20}\s{0,3}<\|end_header_id\|>"
        r"|<start_of_turn>\s{0,3}(?:user|model|system)\s|(?:\A|\n)\s{0,9}<\|(?:system|assistant)\|>\s{0,3}\w",
    ),
    Rule(
        "chat template",
        0.9,
        r"(?:\A|\n)[#=\-*\[\s]{2,12}(?:end of (?:user )?(?:input|prompt|document|instructions?|text|conversation)"
        r"|ende? des? \w{4,12}|fin (?:del|du) \w{4,12})"
        r"[^\n]{0,20}\s{1,3}[#=\-*\[\s]{0,6}(?:system|new|sistema|systeme|neue|nueva)",
    ),
    Rule(
        "exfiltration link",
        0.9,
        r"!\[[^\]\n]{0,80}\]\(https?://[^)\s]{3,200}[?&][^)\s=]{1,40}=(?:\)|\s|[{<\[$%]"
        r"|(?:conversation|summary|secret|prompt|history|chat|data|context|password|base64)\b)",
    ),
    Rule(
        "encoded order",
        0.9,
        r"\b(?:decode|decrypt|base64|rot13|hex)\b.{0,80}?\b(?:and|then|und|y|et)\s(?:then\s)?"
        r"(?:do|follow|obey|execute|run|carry out|comply|act on|befolge|fuhre|haz|ejecuta|sigue|fais|suis)\b",
    ),
)


def matches(folded: str, concepts: Set[str]) -> Iterator[Rule]:
    """The rules that hold for a folded text with words of these concepts, each name once."""
    seen: set[str] = set()
    for rule in RULES:
        if rule.name not in seen and rule.needs <= concepts and _compiled(rule).search(folded):
            seen.add(rule.name)
            yield rule


@cache
def _compiled(rule: Rule) -> re.Pattern[str]:
    return re.compile(rule.pattern)
