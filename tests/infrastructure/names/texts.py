"""Texts that are dense with names and with what may stand between them."""

from hypothesis import strategies as st

NAMED = (
    ("My name is Ada Lovelace and I live in London.", {"PERSON": "Ada Lovelace", "LOCATION": "London"}),
    ("Please ask Dr. Schneider about it.", {"PERSON": "Schneider"}),
    ("Ich heiße Jürgen Müller und wohne in Hamburg.", {"PERSON": "Jürgen Müller", "LOCATION": "Hamburg"}),
    ("Me llamo Lucía Fernández y vivo en Sevilla.", {"PERSON": "Lucía Fernández", "LOCATION": "Sevilla"}),
    ("Je m'appelle Camille Dubois et j'habite à Lyon.", {"PERSON": "Camille Dubois", "LOCATION": "Lyon"}),
    ("Mi chiamo Giulia Rossi e abito a Bologna.", {"PERSON": "Giulia Rossi", "LOCATION": "Bologna"}),
    ("Ik heet Daan de Vries en woon in Utrecht.", {"PERSON": "Daan de Vries", "LOCATION": "Utrecht"}),
    ("O senhor João Pereira mora em Coimbra.", {"PERSON": "João Pereira", "LOCATION": "Coimbra"}),
    ("Nazywam się Piotr Kowalski.", {"PERSON": "Piotr Kowalski"}),
    ("She has worked for Miller Logistics Ltd. since 2014.", {"ORGANIZATION": "Miller Logistics Ltd."}),
    ("Send it to 12 Willow Lane, Springfield.", {"ADDRESS": "12 Willow Lane, Springfield"}),
    ("The parcel went from France to Portugal.", {"LOCATION": "Portugal"}),
)

ORDINARY = (
    "How do I ignore a file in git?",
    "Could not connect to the database. Please try again later.",
    "We are closed on Monday and Tuesday in July.",
    "Terms and Conditions",
    "Der Hund liegt auf dem Sofa und die Katze schläft im Korb.",
    "Das Wetter am Wochenende: Sonne, Wolken und etwas Regen.",
    "La factura no está pagada. Muchas gracias.",
    "Le serveur ne répond pas. Merci pour votre commande.",
    "NullPointerException in Main at line 12",
    "2026-11-03T10:00:00Z INFO [worker-3] request served status=200 took 3.5 ms",
    "def Foo(self): return Bar(None)",
    "I speak English, German and a little French.",
    "",
)

_BETWEEN = (
    " ",
    ", ",
    ". ",
    "-",
    "'",
    "\n",
    " and ",
    " de ",
    "_",
    "@",
    " 12 ",
    "(",
    "é",
    "你好",
    "\u2028",
    "\udc80",
    "Z" * 50,
)

PIECES = st.one_of(
    st.sampled_from([text for text, _ in NAMED]),
    st.sampled_from([name for _, names in NAMED for name in names.values()]),
    st.sampled_from([text[: len(text) // 2] for text, _ in NAMED]),
    st.sampled_from(ORDINARY),
    st.sampled_from(_BETWEEN),
    st.text(max_size=5),
)
TEXTS = st.lists(PIECES, max_size=10).map("".join)
