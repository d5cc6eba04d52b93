"""Records that the program wrote, in two places: at a collector, whose log has to show each of them, and in DuckDB, whose
answers have to be those that this computes from the same lines.

    organisation.py RECORDS COLLECTED QUERIES
"""

import collections
import json
import pathlib
import re
import sys

import duckdb

NAMES = ["decisions", "denied", "advisory", "errors", "rules", "new"]


def answers(records, queries):
    """The rows of each query as mappings, by the name in the comment before it."""
    connection = duckdb.connect()
    connection.execute("SET VARIABLE records = ?", [records])
    found = {}
    for part in re.split(r";\s*(?:\n|$)", queries):
        if not re.sub(r"--[^\n]*", "", part).strip():
            continue
        result = connection.execute(part)
        name = re.search(r"^-- (\w+): ", part, re.MULTILINE)
        if name:
            columns = [column[0] for column in result.description]
            found[name[1]] = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
    return found


def same(name, found, expected):
    if found != expected:
        sys.exit(f"{name}: {found}, expected {expected}")


def main(path, collected, queries):
    records = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    served = [json.loads(line) for line in pathlib.Path(path).with_name("served.jsonl").read_text().splitlines()]
    log = pathlib.Path(collected).read_text()
    for record in [*records, *served]:
        if log.count(f"-> cloudevents.event_id: Str({record['id']})") != 1:
            sys.exit(f"the collector has not the record {record['id']} once:\n{log[-4000:]}")
    same("records at the collector", log.count("EventName: repo_permissions.check"), len(records) + len(served))

    # A record that came twice counts once.
    doubled = pathlib.Path(path).with_name("doubled.jsonl")
    doubled.write_text("".join(json.dumps(record) + "\n" for record in [*records, records[0]]))
    found = answers(str(doubled), pathlib.Path(queries).read_text())
    same("queries", list(found), NAMES)
    of = collections.Counter
    data = [record["data"] for record in records]

    def counted(rows, *names):
        return of({tuple(row[name] for name in names): row["checks"] for row in rows})

    denied = [one for one in data if one["decision"] == "denied"]
    same(
        "decisions",
        counted(found["decisions"], "decision", "enforced"),
        of((one["decision"], one["enforced"]) for one in data),
    )
    by = of((record["subject"], record["data"]["context"]["branch"]) for record in records if record["data"] in denied)
    same(
        "denied",
        of(
            {
                key: sum(row["checks"] for row in found["denied"] if (row["permission"], row["branch"]) == key)
                for key in by
            }
        ),
        by,
    )
    for row in found["denied"]:
        if row["failed"] not in [(one["nearest"] or {}).get("failed") for one in denied]:
            sys.exit(f"denied: no record has {row['failed']}")
    same("advisory", sum(row["checks"] for row in found["advisory"]), sum(not one["enforced"] for one in denied))
    same(
        "errors",
        counted(found["errors"], "reason"),
        of((one["reason"],) for one in data if one["decision"] == "error"),
    )
    allowed = [one for one in data if one["decision"] == "allowed"]
    same(
        "rules",
        {row["rule_line"]: row["grants"] for row in found["rules"]},
        dict(of(one["rule"]["line"] for one in allowed)),
    )
    # Nothing was granted before today.
    same(
        "new",
        {(row["workflow"], row["branch"]) for row in found["new"]},
        {(one["context"]["workflow"], one["context"]["branch"]) for one in allowed},
    )
    print(f"{len(records)} records at the collector and in DuckDB, {len(NAMES)} queries")


if __name__ == "__main__":
    main(*sys.argv[1:])
