"""`nexxi redact --stats`: counts by type and rule on standard error."""

import json
import sys

from nexxi_cli.service.redaction.outcomes import Counts


def print_stats(counts: Counts, *, as_json: bool) -> None:
    """A table, or one JSON object: {"total", "types": {TYPE: {"count", "rules": {RULE: count}}}}."""
    rows = sorted(counts.items())
    if as_json:
        types: dict[str, dict[str, int]] = {}
        for (type_, rule), count in rows:
            types.setdefault(type_, {})[rule] = count
        document = {
            "total": counts.total(),
            "types": {type_: {"count": sum(rules.values()), "rules": rules} for type_, rules in types.items()},
        }
        sys.stderr.write(json.dumps(document) + "\n")
        return
    table = [(type_, rule, f"{count:,}") for (type_, rule), count in rows]
    table = [("type", "rule", "count"), *table, ("total", "", f"{counts.total():,}")]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    for row in table:
        sys.stderr.write(f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:>{widths[2]}}\n")
