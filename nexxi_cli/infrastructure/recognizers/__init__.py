"""Recognizers of personal data and secrets, one file a family; a new family is a file and an entry here."""

from nexxi_cli.infrastructure.recognizers.address import ADDRESS
from nexxi_cli.infrastructure.recognizers.assignments import ASSIGNMENTS
from nexxi_cli.infrastructure.recognizers.birth_date import BIRTH_DATE
from nexxi_cli.infrastructure.recognizers.card import CARD
from nexxi_cli.infrastructure.recognizers.documents import DOCUMENTS
from nexxi_cli.infrastructure.recognizers.dotted_tokens import DOTTED, JWT
from nexxi_cli.infrastructure.recognizers.email import EMAIL
from nexxi_cli.infrastructure.recognizers.finance import BIC, WALLET
from nexxi_cli.infrastructure.recognizers.gps import GPS
from nexxi_cli.infrastructure.recognizers.iban import IBAN
from nexxi_cli.infrastructure.recognizers.ids import ID_CODES, ID_NUMBERS, NINO
from nexxi_cli.infrastructure.recognizers.ip import IP
from nexxi_cli.infrastructure.recognizers.network import IMEI, MAC, URL
from nexxi_cli.infrastructure.recognizers.phone import PHONE
from nexxi_cli.infrastructure.recognizers.private_key import PRIVATE_KEY
from nexxi_cli.infrastructure.recognizers.scanner import Scanner
from nexxi_cli.infrastructure.recognizers.ssn import SSN
from nexxi_cli.infrastructure.recognizers.tokens import TOKENS

RECOGNIZERS = (
    PRIVATE_KEY,
    TOKENS,
    JWT,
    DOTTED,
    ASSIGNMENTS,
    EMAIL,
    CARD,
    IBAN,
    SSN,
    ID_NUMBERS,
    ID_CODES,
    NINO,
    IP,
    PHONE,
    MAC,
    IMEI,
    URL,
    BIC,
    WALLET,
    DOCUMENTS,
    BIRTH_DATE,
    GPS,
    ADDRESS,
)

SCANNER = Scanner(RECOGNIZERS)
"""All of them as one, in one pass over the text."""
