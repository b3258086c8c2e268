"""Tokens of parts that dots join: JSON Web Tokens (RFC 7519, compact form of RFC 7515) and those of some issuers.

Sources: what Discord, SendGrid, HashiCorp (Vault, Terraform), Google (OAuth), Doppler, Airtable and Microsoft (Entra
client secrets) publish of theirs, and the rules of gitleaks. Vault's older `s.` tokens need a keyword beside them.
"""

import re

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, cut_off
from nexxi_cli.infrastructure.recognizers.probes import head

_ALONE = r"(?<![A-Za-z0-9_\-])"
_BEFORE = r"\w\-"
_ANY = r"[A-Za-z0-9_\-]"

JWT = PatternRecognizer(
    (
        Rule(
            "secret.jwt",
            "SECRET",
            0.95,
            rf"{_ALONE}eyJ{_ANY}{{8,2000}}\.{_ANY}{{8,8000}}\.{_ANY}{{0,1500}}",  # eyJ is `{"` in base64
            needs=("eyJ",),
            probes=(head(f"eyJ{_ANY}{{8}}", 11, alone=_BEFORE),),
        ),
    ),
    chars=r"A-Za-z0-9_.\-",
    begins=_ALONE + cut_off("eyJ"),
    max_chars=12_000,
)


def _without_stop(match: re.Match[str]) -> int:
    return match.start() + len(match[0].rstrip("."))


_HEADS = ("SG.", "hvs.", "hvb.", "hvr.", "ya29.", "dp.pt.", "dp.st.", "pat")


def _dotted(name: str, prefix: str, body: str) -> Rule:
    pattern = _ALONE + prefix.replace(".", r"\.") + body
    probes = (head(prefix.replace(".", r"\.") + f"{_ANY}{{8}}", len(prefix) + 8, alone=_BEFORE),)
    return Rule(f"secret.{name}", "SECRET", 0.97, pattern, needs=(prefix,), probes=probes)


DOTTED = PatternRecognizer(
    (
        _dotted("sendgrid", "SG.", rf"{_ANY}{{22}}\.{_ANY}{{43}}"),
        _dotted("vault", "hvs.", f"{_ANY}{{24,200}}"),
        _dotted("vault_batch", "hvb.", f"{_ANY}{{24,300}}"),
        _dotted("vault_recovery", "hvr.", f"{_ANY}{{24,200}}"),
        _dotted("google_oauth", "ya29.", f"{_ANY}{{20,500}}"),
        _dotted("doppler", "dp.pt.", f"{_ANY}{{40,44}}"),
        _dotted("doppler_service", "dp.st.", rf"{_ANY}{{8,50}}\.{_ANY}{{40,44}}"),
        _dotted("airtable", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}(?![A-Za-z0-9])"),
        Rule(
            "secret.discord",
            "SECRET",
            0.97,
            rf"{_ALONE}[MNO][A-Za-z0-9]{_ANY}{{22,26}}\.{_ANY}{{6}}\.{_ANY}{{27,40}}",
            probes=(head(rf"[MNO]{_ANY}{{23,27}}\.{_ANY}{{6}}\.", 32, 36, alone=_BEFORE),),
        ),
        Rule(
            "secret.terraform",
            "SECRET",
            0.99,
            rf"{_ALONE}[A-Za-z0-9]{{14}}\.atlasv1\.{_ANY}{{60,80}}",
            needs=(".atlasv1.",),
            probes=(head(r"[A-Za-z0-9]{14}\.atlasv1\.", 23),),
        ),
        Rule(
            "secret.azure_client",
            "SECRET",
            0.97,
            r"(?<![A-Za-z0-9_~.\-])[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}(?![A-Za-z0-9_~\-])",
            _without_stop,
            needs=("Q~",),
            probes=(head(r"[A-Za-z0-9_~.]{3}[0-9]Q~", 6),),
        ),
    ),
    chars=r"A-Za-z0-9_.\-~",
    begins=rf"{_ALONE}(?:[A-Za-z0-9_~.]{{1,3}}\Z|[A-Za-z0-9_~.]{{3}}[0-9](?:\Z|Q)|{'|'.join(map(cut_off, _HEADS))}"
    r"|[MNO]|[A-Za-z0-9]{4,14}(?:\Z|\.a))",
    max_chars=520,
)
