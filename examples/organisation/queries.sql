-- Questions to audit records, for DuckDB:
--
--   duckdb -c "SET VARIABLE records = 'records/*.jsonl'" -f queries.sql
--
-- `records` names files with one record a line: files of the input `audit-log`, lines that a webhook's receiver kept, or
-- the server's standard output. A record that came twice counts once, by its `id`.

-- One row for each check. Other stores need these columns, with these types.
CREATE OR REPLACE TEMP TABLE checks AS
SELECT DISTINCT ON (id)
  id,
  time::TIMESTAMP AS time,
  subject AS permission,
  data.decision::VARCHAR AS decision,
  data.reason::VARCHAR AS reason,
  data.enforced::BOOLEAN AS enforced,
  data.enforced_by::VARCHAR AS enforced_by,
  data.context.repository::VARCHAR AS repository,
  data.context.workflow::VARCHAR AS workflow,
  data.context.branch::VARCHAR AS branch,
  data.context.environment::VARCHAR AS environment,
  data.context.event::VARCHAR AS event,
  data.actor::VARCHAR AS actor,
  data.run_id::VARCHAR AS run_id,
  data.rule.line::INTEGER AS rule_line,
  data.rule.name::VARCHAR AS rule_name,
  data.nearest.failed::VARCHAR[] AS failed,
  data.policy.repository::VARCHAR AS policy_repository,
  data.policy.source::VARCHAR AS policy_source,
  data.policy.sha256::VARCHAR AS policy_sha256,
  data.message::VARCHAR AS message
FROM (
  -- Columns whose values are null or missing in all files are there nevertheless.
  SELECT id, time, subject, from_json(data, '{
    "decision": "VARCHAR", "reason": "VARCHAR", "enforced": "BOOLEAN", "enforced_by": "VARCHAR", "message": "VARCHAR",
    "actor": "VARCHAR", "run_id": "VARCHAR",
    "context": {"repository": "VARCHAR", "workflow": "VARCHAR", "branch": "VARCHAR", "environment": "VARCHAR", "event": "VARCHAR"},
    "rule": {"line": "INTEGER", "name": "VARCHAR"},
    "nearest": {"failed": ["VARCHAR"]},
    "policy": {"repository": "VARCHAR", "source": "VARCHAR", "sha256": "VARCHAR"}
  }') AS data
  FROM read_json(getvariable('records'), format = 'newline_delimited',
    columns = {id: 'VARCHAR', time: 'VARCHAR', subject: 'VARCHAR', data: 'JSON'})
)
ORDER BY id;

-- decisions: how many of each kind, by day.
SELECT time::DATE AS day, decision, enforced, count(*) AS checks
FROM checks GROUP BY ALL ORDER BY ALL;

-- denied: what was denied most often, and which dimension did not match.
SELECT repository, permission, workflow, branch, environment, failed, count(*) AS checks, max(time) AS last,
  arg_max(message, time) AS message
FROM checks WHERE decision = 'denied' GROUP BY ALL ORDER BY checks DESC, last DESC LIMIT 50;

-- advisory: what would be denied if the gate were enforced now. Nothing here for two weeks: enforce it.
SELECT repository, permission, workflow, branch, count(*) AS checks, max(time) AS last
FROM checks WHERE decision = 'denied' AND NOT enforced GROUP BY ALL ORDER BY checks DESC;

-- errors: checks that nobody could decide, by reason.
SELECT reason, repository, count(*) AS checks, arg_max(message, time) AS message
FROM checks WHERE decision = 'error' GROUP BY ALL ORDER BY checks DESC;

-- rules: how often each rule of the newest version of a policy granted. A rule that is missing here was not needed.
SELECT policy_repository, policy_source, rule_line, rule_name, count(*) AS grants, max(time) AS last
FROM checks
WHERE decision = 'allowed' AND policy_sha256 IN (
  SELECT arg_max(policy_sha256, time) FROM checks WHERE policy_sha256 IS NOT NULL GROUP BY policy_repository, policy_source
)
GROUP BY ALL ORDER BY grants;

-- new: grants that the 30 days before did not have: another file, branch or environment than usual.
SELECT now.repository, now.permission, now.workflow, now.branch, now.environment, now.actor, min(now.time) AS first
FROM checks AS now
WHERE now.decision = 'allowed' AND now.time > (SELECT max(time) FROM checks) - INTERVAL 1 DAY AND NOT EXISTS (
  FROM checks AS before
  WHERE before.decision = 'allowed' AND before.time BETWEEN now.time - INTERVAL 31 DAY AND now.time - INTERVAL 1 DAY
    AND before.repository IS NOT DISTINCT FROM now.repository AND before.permission IS NOT DISTINCT FROM now.permission
    AND before.workflow IS NOT DISTINCT FROM now.workflow AND before.branch IS NOT DISTINCT FROM now.branch
    AND before.environment IS NOT DISTINCT FROM now.environment
)
GROUP BY ALL ORDER BY first;
