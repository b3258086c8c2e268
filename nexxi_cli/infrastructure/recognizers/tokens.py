"""Access tokens that their issuers made recognisable: a prefix, an alphabet, a length.

Sources: what the issuers publish of their tokens (AWS IAM identifiers, GitHub, GitLab, Atlassian, Slack, Google, Stripe
and the others, by name below) and the rules of gitleaks, which collects them; our own keys: `core.access`.
"""

import re

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, cut_off
from nexxi_cli.infrastructure.recognizers.probes import Probe, head

_ALONE = r"(?<![A-Za-z0-9_])"
_ANY = r"[A-Za-z0-9_\-]"
_END = r"(?![A-Za-z0-9_\-])"
_ALPHANUMERIC = "[A-Za-z0-9]"
_HEX = "[0-9a-f]"

# rule -> prefixes, separated by blanks, and what follows them
_SHAPES = {
    "aws_key_id": ("AKIA ASIA ABIA ACCA", "[A-Z2-7]{16}(?![A-Za-z0-9_])"),
    "github": ("ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", "[A-Za-z0-9_]{22,255}"),
    "gitlab": ("glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glagent-", f"{_ANY}{{20,255}}"),
    "atlassian": ("ATATT3 ATCTT3 ATBB", r"[A-Za-z0-9_\-]{28,255}"),
    "npm": ("npm_", f"{_ALPHANUMERIC}{{36}}{_END}"),
    "pypi": ("pypi-AgEIcHlwaS5vcmc pypi-AgENdGVzdC5weXBpLm9yZw", f"{_ANY}{{50,300}}"),
    "rubygems": ("rubygems_", f"{_HEX}{{48}}{_END}"),
    "docker": ("dckr_pat_ dckr_oat_", f"{_ANY}{{20,64}}"),
    "slack": ("xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxc- xoxd- xapp-", r"[A-Za-z0-9\-]{10,255}"),
    "stripe": ("sk_live_ sk_test_ rk_live_ rk_test_ whsec_", f"{_ALPHANUMERIC}{{16,255}}"),
    "square": ("sq0atp- sq0csp- sq0idp-", f"{_ANY}{{22,60}}"),
    "square_access": ("EAAA", rf"{_ANY}{{60}}{_END}"),
    "braintree": ("access_token$production$ access_token$sandbox$", rf"[0-9a-z]{{16}}\${_HEX}{{32}}"),
    "twilio": ("SK", f"{_HEX}{{32}}{_END}"),
    "mailgun": ("key-", f"{_HEX}{{32}}{_END}"),
    "google": ("AIza", f"{_ANY}{{35}}{_END}"),
    "google_client": ("GOCSPX-", f"{_ANY}{{28}}{_END}"),
    "hugging_face": ("hf_ api_org_", f"{_ALPHANUMERIC}{{30,255}}"),
    "groq": ("gsk_", f"{_ALPHANUMERIC}{{40,64}}"),
    "replicate": ("r8_", f"{_ALPHANUMERIC}{{37,40}}"),
    "perplexity": ("pplx-", f"{_ALPHANUMERIC}{{40,64}}"),
    "xai": ("xai-", f"{_ALPHANUMERIC}{{60,100}}"),
    "nvidia": ("nvapi-", f"{_ANY}{{60,80}}"),
    "fireworks": ("fw_", f"{_ALPHANUMERIC}{{22,28}}{_END}"),
    "langchain": ("lsv2_pt_ lsv2_sk_", "[0-9a-f_]{32,64}"),
    "tavily": ("tvly-", f"{_ANY}{{20,60}}"),
    "digitalocean": ("dop_v1_ doo_v1_ dor_v1_", f"{_HEX}{{64}}{_END}"),
    "heroku": ("HRKU-", f"{_ANY}{{32,64}}"),
    "shopify": ("shpat_ shpca_ shppa_ shpss_", "[0-9a-fA-F]{32}(?![A-Za-z0-9_])"),
    "databricks": ("dapi", f"{_HEX}{{32}}(?:-[0-9])?{_END}"),
    "linear": ("lin_api_ lin_oauth_", f"{_ALPHANUMERIC}{{32,64}}"),
    "notion": ("ntn_", f"{_ALPHANUMERIC}{{40,60}}"),
    "postman": ("PMAK-", f"{_HEX}{{24}}-{_HEX}{{34}}"),
    "grafana": ("glc_ glsa_", "[A-Za-z0-9_]{32,255}"),
    "new_relic": ("NRAK- NRJS- NRAL-", f"{_ALPHANUMERIC}{{19,40}}"),
    "pulumi": ("pul-", f"{_HEX}{{40}}{_END}"),
    "supabase": ("sbp_ sb_secret_", f"{_ANY}{{24,64}}"),
    "sentry": ("sntrys_ sntryu_", f"{_ANY}{{40,300}}"),
    "figma": ("figd_", f"{_ANY}{{40,60}}"),
    "tailscale": ("tskey-", f"{_ANY}{{20,100}}"),
    "planetscale": ("pscale_tkn_ pscale_pw_ pscale_oauth_", f"{_ANY}{{32,64}}"),
    "alibaba": ("LTAI", f"{_ALPHANUMERIC}{{16,24}}{_END}"),
    "tencent": ("AKID", f"{_ALPHANUMERIC}{{28,36}}{_END}"),
    "facebook": ("EAAC EAAB", f"{_ALPHANUMERIC}{{60,300}}"),
    "razorpay": ("rzp_live_ rzp_test_", f"{_ALPHANUMERIC}{{14}}{_END}"),
    "flutterwave": ("FLWSECK-", f"{_ALPHANUMERIC}{{20,60}}(?:-X)?"),
    "age": ("AGE-SECRET-KEY-", "1[A-Z0-9]{58}"),
    "bitcoin_extended": ("xprv yprv zprv", f"{_ALPHANUMERIC}{{107,112}}"),
    "nexxi": ("nxi_", f"{_ANY}{{8}}_{_ANY}{{43}}"),
}
_LESS_SURE = {"aws_key_id": 0.95, "google": 0.95, "hugging_face": 0.9, "twilio": 0.9, "mailgun": 0.9, "facebook": 0.85}


def _any_of(prefixes: list[str]) -> str:
    return "(?:" + "|".join(re.escape(prefix) for prefix in prefixes) + ")"


def _probes(prefixes: list[str]) -> tuple[Probe, ...]:
    """One for each length of prefix, with the first characters after it."""
    lengths = sorted({len(prefix) for prefix in prefixes})
    return tuple(
        head(
            _any_of([prefix for prefix in prefixes if len(prefix) == length]) + f"{_ANY}{{8}}", length + 8, alone=r"\w"
        )
        for length in lengths
    )


def _is_random(match: re.Match[str]) -> int | None:
    """`sk-` begins words too: a key has digits and capitals or is long."""
    key = match[0]
    has_digit = any(char.isdigit() for char in key)
    return match.end() if has_digit and (any(char.isupper() for char in key) or len(key) >= 35) else None


def _rules() -> tuple[Rule, ...]:
    rules = []
    for name, (words, body) in _SHAPES.items():
        prefixes = words.split()
        pattern = f"{_ALONE}{_any_of(prefixes)}{body}"
        confidence = _LESS_SURE.get(name, 0.99)
        probes = _probes(prefixes)
        rules.append(Rule(f"secret.{name}", "SECRET", confidence, pattern, needs=tuple(prefixes), probes=probes))
    pattern = rf"{_ALONE}sk-{_ANY}{{20,300}}"
    rules.append(Rule("secret.sk", "SECRET", 0.9, pattern, _is_random, needs=("sk-",), probes=_probes(["sk-"])))
    return tuple(rules)


_PREFIXES = ("sk-", *(prefix for words, _ in _SHAPES.values() for prefix in words.split()))

TOKENS = PatternRecognizer(
    _rules(),
    chars=r"A-Za-z0-9_\-$",
    begins=_ALONE + "(?:" + "|".join(cut_off(prefix) for prefix in _PREFIXES) + ")",
    max_chars=350,
)
