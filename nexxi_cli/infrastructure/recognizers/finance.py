"""Accounts: bank identifiers (ISO 9362, with ISO 3166-1 countries) beside words, and wallets of crypto currencies.

Base58Check and Bech32/Bech32m: the Bitcoin wiki, BIP 173 and BIP 350; Ethereum: EIP-55 writes 40 hexadecimal digits.
"""

import re

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule
from nexxi_cli.infrastructure.recognizers.probes import head
from nexxi_cli.infrastructure.recognizers.words import Words

_COUNTRIES = frozenset(
    re.findall(
        "..",
        "ADAEAFAGAIALAMAOARATAUAWAZBABBBDBEBFBGBHBIBJBMBNBOBRBSBTBWBYBZCACDCFCGCHCICKCLCMCNCOCRCUCVCWCYCZDEDJDKDMDODZECEEEG"
        "ERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGTGUGWGYHKHNHRHTHUIDIEILIMINIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZ"
        "LALBLCLILKLRLSLTLULVLYMAMCMDMEMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENGNINLNONPNRNZOMPAPEPFPGPHPKPLPRPSPTPWPYQA"
        "RERORSRURWSASBSCSDSESGSISKSLSMSNSOSRSSSTSVSYSZTCTDTGTHTJTLTMTNTOTRTTTVTWTZUAUGUSUYUZVAVCVEVGVIVNVUWSXKYEYTZAZMZW",
    )
)
_BIC_WORDS = Words(("swift", "swift code", "bic", "bic code", "swift bic", "bic swift", "bank code"), after=False)


def _is_bic(match: re.Match[str]) -> int | None:
    return match.end() if match[0][4:6] in _COUNTRIES else None


BIC = PatternRecognizer(
    (
        Rule(
            "bic.words",
            "BIC",
            0.85,
            r"(?<![\w.\-])(?!SWIFT|IBAN)[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?![\w]|-[A-Z0-9])",
            _is_bic,
            words=_BIC_WORDS,
            probes=tuple(head(rf"[A-Z]{{6}}[A-Z0-9]{{{n - 6}}}\b", n, alone=r"\w.\-") for n in (8, 11)),
        ),
    ),
    chars=r"A-Za-z0-9\-",
    begins=r"(?<![\w.\-])[A-Z]",
    max_chars=11,
)

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHARS58 = "[1-9A-HJ-NP-Za-km-z]"
_ALONE = r"(?<![\w])"
_END = r"(?![\w])"
_BASE58_PROBES = (head(f"[134LMDTXA]{_CHARS58}{{25}}", 26, alone=r"\w"),)
"""One for all: Hyperscan pays for each expression with long runs of a class."""


def passes_base58check(address: str) -> bool:
    """Whether the last four of its bytes are the first of the double SHA-256 of the others."""
    from hashlib import sha256

    number = 0
    for char in address:
        number = number * 58 + _BASE58.index(char)
    zeros = len(address) - len(address.lstrip("1"))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    return sha256(sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def passes_bech32(address: str) -> bool:
    """Whether the last six characters check the others, as in BIP 173 or BIP 350."""
    prefix, _, data = address.lower().rpartition("1")
    values = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    check = 1
    for value in values + [_BECH32.index(char) for char in data]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place in range(5):
            check ^= _GENERATOR[place] if top >> place & 1 else 0
    return check in (1, 0x2BC830A3)


def _is_base58(match: re.Match[str]) -> int | None:
    return match.end() if passes_base58check(match[0]) else None


def _is_bech32(match: re.Match[str]) -> int | None:
    return match.end() if passes_bech32(match[0]) else None


_HUMAN_PART = "(?:bc|tb|ltc|BC|TB|LTC|addr|stake|cosmos)1"

WALLET = PatternRecognizer(
    (
        Rule(
            "wallet.base58check",
            "WALLET",
            0.99,
            f"{_ALONE}[13LMDTXA]{_CHARS58}{{25,33}}{_END}",
            _is_base58,
            probes=_BASE58_PROBES,
        ),
        Rule(
            "wallet.bech32",
            "WALLET",
            0.99,
            f"{_ALONE}{_HUMAN_PART}(?:[02-9ac-hj-np-z]{{11,100}}|[02-9AC-HJ-NP-Z]{{11,100}}){_END}",
            _is_bech32,
            probes=tuple(
                head(f"(?:{part})1[02-9a-zA-Z]{{8}}", len(part.split("|")[0]) + 9, alone=r"\w")
                for part in ("bc|tb|BC|TB", "ltc|LTC", "addr", "stake", "cosmos")
            ),
        ),
        Rule(
            "wallet.ethereum",
            "WALLET",
            0.9,
            f"{_ALONE}0x[0-9a-fA-F]{{40}}{_END}",
            probes=(head("0x[0-9a-fA-F]{40}", 42, alone=r"\w"),),
        ),
        Rule(
            "wallet.monero",
            "WALLET",
            0.9,
            f"{_ALONE}4[0-9AB]{_CHARS58}{{93}}{_END}",
            probes=_BASE58_PROBES,
        ),
    ),
    chars="A-Za-z0-9",
    begins=rf"{_ALONE}(?:[134LMDTXA]|0(?:\Z|x)|(?:bc|tb|ltc|BC|TB|LTC|addr|stake|cosmos)?1"
    r"|(?:b|t|l|lt|B|T|L|LT|a|ad|add|s|st|sta|stak|c|co|cos|cosm|cosmo|bc|tb|ltc|BC|TB|LTC|addr|stake|cosmos)\Z)",
    max_chars=110,
)
