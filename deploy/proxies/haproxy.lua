-- The action `lua.repo_permissions PERMISSION`: asks repo-permissions-server, and sets
-- `txn.permission_status` to its status, 503 without an answer.
-- `listen repo_permissions` in haproxy.cfg.
local server = "http://127.0.0.1:8081/v1/forward-auth/"

local function first(headers, name)
  local values = headers and headers[name]
  return values and values[0] or ""
end

core.register_action("repo_permissions", { "http-req" }, function(txn, permission)
  txn:set_var("txn.permission_status", 503)
  local question = { ["host"] = { "repo-permissions" } }
  -- All of them: the server refuses more than one.
  local values = txn.http:req_get_headers()["authorization"]
  if values then
    question["authorization"] = {}
    for index = 0, #values do
      table.insert(question["authorization"], values[index])
    end
  end
  -- Longer than it needs to connect, and to wait for an answer: a timeout here would be another try.
  local answer = core.httpclient():get({ url = server .. permission, headers = question, timeout = 10000 })
  if not answer or type(answer.status) ~= "number" then
    return
  end
  local status = answer.status
  if status ~= 200 and status ~= 401 and status ~= 403 then
    return
  end
  if status == 200 then
    local repository = first(answer.headers, "x-repo-permissions-repository")
    if repository == "" then
      return
    end
    txn:set_var("txn.permission_repository", repository)
  end
  txn:set_var("txn.permission_reason", first(answer.headers, "x-repo-permissions-reason"))
  txn:set_var("txn.permission_challenge", first(answer.headers, "www-authenticate"))
  txn:set_var("txn.permission_status", status)
end, 1)
