"""Access tokens that their issuers made recognisable: a prefix, an alphabet, a length.

Sources: what GitHub, GitLab, Slack, AWS (IAM identifiers), Google, Stripe, Hugging Face, OpenAI and Anthropic publish
of their tokens; JSON Web Tokens: RFC 7519 in the compact form of RFC 7515.
"""

import re

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, cut_off

_ALONE = r"(?<![A-Za-z0-9_])"
_AWS = ("AKIA", "ASIA", "ABIA", "ACCA")
_GITHUB = ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")
_SLACK = ("xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xapp-")
_STRIPE = ("sk_live_", "sk_test_", "rk_live_", "rk_test_")
_PREFIXES = (*_AWS, *_GITHUB, *_SLACK, *_STRIPE, "glpat-", "AIza", "hf_", "sk-")


def _any_of(prefixes: tuple[str, ...]) -> str:
    return "(?:" + "|".join(re.escape(prefix) for prefix in prefixes) + ")"


def _is_random(match: re.Match[str]) -> int | None:
    """`sk-` begins words too: a key has digits and capitals or is long."""
    key = match[0]
    has_digit = any(char.isdigit() for char in key)
    return match.end() if has_digit and (any(char.isupper() for char in key) or len(key) >= 35) else None


TOKENS = PatternRecognizer(
    (
        Rule(
            "secret.aws_key_id", "SECRET", 0.95, rf"{_ALONE}{_any_of(_AWS)}[A-Z2-7]{{16}}(?![A-Za-z0-9_])", needs=_AWS
        ),
        Rule("secret.github", "SECRET", 0.99, rf"{_ALONE}{_any_of(_GITHUB)}[A-Za-z0-9_]{{22,255}}", needs=_GITHUB),
        Rule("secret.gitlab", "SECRET", 0.99, rf"{_ALONE}glpat-[A-Za-z0-9_\-]{{20,255}}", needs=("glpat-",)),
        Rule("secret.slack", "SECRET", 0.99, rf"{_ALONE}{_any_of(_SLACK)}[A-Za-z0-9\-]{{10,255}}", needs=_SLACK),
        Rule("secret.stripe", "SECRET", 0.99, rf"{_ALONE}{_any_of(_STRIPE)}[A-Za-z0-9]{{16,255}}", needs=_STRIPE),
        Rule("secret.google", "SECRET", 0.95, rf"{_ALONE}AIza[A-Za-z0-9_\-]{{35}}(?![A-Za-z0-9_\-])", needs=("AIza",)),
        Rule("secret.hugging_face", "SECRET", 0.9, rf"{_ALONE}hf_[A-Za-z0-9]{{30,255}}", needs=("hf_",)),
        Rule("secret.sk", "SECRET", 0.9, rf"{_ALONE}sk-[A-Za-z0-9_\-]{{20,300}}", _is_random, needs=("sk-",)),
    ),
    chars=r"A-Za-z0-9_\-",
    begins=_ALONE + "(?:" + "|".join(cut_off(prefix) for prefix in _PREFIXES) + ")",
    max_chars=320,
)

_JWT_ALONE = r"(?<![A-Za-z0-9_\-])"
_JWT_PARTS = r"eyJ[A-Za-z0-9_\-]{8,2000}\.[A-Za-z0-9_\-]{8,8000}\.[A-Za-z0-9_\-]{0,1500}"  # eyJ is `{"` in base64

JWT = PatternRecognizer(
    (Rule("secret.jwt", "SECRET", 0.95, _JWT_ALONE + _JWT_PARTS, needs=("eyJ",)),),
    chars=r"A-Za-z0-9_.\-",
    begins=_JWT_ALONE + cut_off("eyJ"),
    max_chars=12_000,
)
