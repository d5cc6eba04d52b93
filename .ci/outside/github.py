"""The slice of GitHub that a step talks to, on loopback: token endpoint, keys, REST API.

Answers are GitHub's own examples with the ids of the scenario. Every request is recorded and held against
GitHub's OpenAPI description, and against what that does not say (facts of the documentation and of answers
seen): permissions of the token, lengths in bytes, commits that have to exist.
"""

import base64
import contextlib
import datetime
import hashlib
import ipaddress
import json
import socket
import ssl
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import receivers


def make_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key, pkcs8=False):
    form = serialization.PrivateFormat.PKCS8 if pkcs8 else serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def jwk(key, kid, **more):
    numbers = key.public_key().public_numbers()
    number = lambda n: base64.urlsafe_b64encode(n.to_bytes((n.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
    return {
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": kid,
        "n": number(numbers.n),
        "e": number(numbers.e),
    } | more


@dataclass
class Answer:
    """What is answered instead. `times`: how often, None for always."""

    status: int = 200
    body: object = ""
    headers: dict = field(default_factory=dict)
    times: int | None = 1
    delay: float = 0
    drop: bool = False


@dataclass
class Request:
    kind: str
    method: str
    path: str
    query: list
    headers: object
    body: bytes

    def json(self):
        return json.loads(self.body)


#: Hosts by their real names, behind a proxy that the program has to use; host -> role.
HOSTS = {
    "github.com": {
        "github.com": "server",
        "api.github.com": "api",
        "run-actions-1-azure-eastus.actions.githubusercontent.com": "tokens",
        "token.actions.githubusercontent.com": "issuer",
    },
    "ghe.com": {
        "acme.ghe.com": "server",
        "api.acme.ghe.com": "api",
        "pipelines.actions.acme.ghe.com": "tokens",
        "token.actions.acme.ghe.com": "issuer",
    },
}


class GitHub:
    """One GitHub for one scenario.

    Layouts: `dotcom` has the API at the root of a host of its own, `ghes` under `/api/v3`, `tls` is the same by
    HTTPS, `github.com` and `ghe.com` have their real names, by a proxy.
    """

    def __init__(self, layout, description):
        self.layout = layout
        self.description = description
        self.requests = []
        self.violations = []
        self.faults = {}
        self.lock = threading.Lock()
        self.signing_key = make_cached_key("actions")
        self.kid = "38826b17-6a30-5f9b-b169-8beb8202f723"
        self.keys = [
            jwk(make_cached_key("older"), "cc413527-173f-5a05-976e-9c52b1d7b431", x5t="x"),
            jwk(self.signing_key, self.kid),
        ]
        self.issuer_slug = ""
        self.files = {}  # (repository in lower case, ref or None) -> {path: bytes}
        self.json_only = False
        self.commits = set()
        self.repositories = {}  # name in lower case -> as its events describe it
        self.renamed = {}  # old name in lower case -> new name
        self.pulls = {}  # (repository in lower case, number) -> the pull request
        self.merged = set()  # commits in the history of default branches
        self.tokens = {}  # token -> {"permissions": …, "repositories": …}
        self.claims = {}
        self.mint = lambda claims: jwt.encode(
            claims, pem(self.signing_key), algorithm="RS256", headers={"kid": self.kid, "x5t": "ykNa"}
        )
        self.minted = []
        self.request_token = f"eyJ0eXAiOiJKV1QifQ.{uuid.uuid4().hex}.{uuid.uuid4().hex}"
        self.token_path = f"/222//idtoken/{uuid.uuid4()}/{uuid.uuid4()}"
        self.webhook_secrets = ()
        self.app = None  # {"client_id", "key", "installations": {owner in lower case: id}}
        self.inputs = {}
        self.proxied = 0
        self.authority = self.authority_file = None
        self.listeners = {}  # host and port -> (listener, roles)
        self.hosts = HOSTS.get(layout, {})
        self.proxy_url = None
        roles = ("server", "api", "tokens")
        if self.hosts:
            secure = self._address(self._listen(set(), tls=True))
            self.proxy_url = f"http://{self._address(self._listen(set(), tunnel=secure))}"
            urls = [f"https://{host}" for role in roles for host, part in self.hosts.items() if part == role]
        elif layout == "dotcom":
            urls = [f"http://{self._address(self._listen({role}))}" for role in roles]
        else:
            tls = layout == "tls"
            urls = [f"{'https' if tls else 'http'}://{self._address(self._listen(set(roles), tls=tls))}"] * 3
        enterprise_server = layout in ("ghes", "tls")
        self.server_url = urls[0]
        self.prefix = "/api/v3" if enterprise_server else ""
        self.api_url = urls[1] + self.prefix
        self.graphql_url = urls[1] + ("/api/graphql" if enterprise_server else "/graphql")
        self.id_token_url = f"{urls[2]}{self.token_path}?api-version=2.0"

    @staticmethod
    def _address(listener):
        return f"127.0.0.1:{listener.server_address[1]}"

    def _listen(self, roles, tls=False, tunnel=None):
        """A listener. `tunnel`: the address that every CONNECT ends at, whatever host it names."""
        github = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # One packet for a head and its body: without, Nagle's algorithm adds 40 ms.
            wbufsize = -1
            disable_nagle_algorithm = True

            def log_message(self, *arguments):
                pass

            def handle_any(self):
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                asked, path = roles, self.path
                if path.startswith("http://"):  # as to a proxy
                    github.proxied += 1
                    host, _, path = path.removeprefix("http://").partition("/")
                    asked, path = github.listeners.get(host, (None, set()))[1], f"/{path}"
                if github.hosts:
                    asked = {github.hosts.get(self.headers["host"])}
                try:
                    answer = github.answer(asked, self.command, path, self.headers, body)
                except Exception as error:  # a bug of this file, not of the product
                    github.violations.append(f"the server failed: {error!r}")
                    answer = Answer(500, {"message": "bug"})
                if answer.delay:
                    time.sleep(answer.delay)
                if answer.drop:
                    self.close_connection = True
                    return
                content = answer.body
                media_type = "text/plain"
                if isinstance(content, (dict, list)):
                    content, media_type = json.dumps(content), "application/json; charset=utf-8"
                if isinstance(content, str):
                    content = content.encode()
                self.send_response(answer.status)
                headers = {"Content-Type": media_type, "X-GitHub-Request-Id": "C0DE:1"} | answer.headers
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(OSError):  # the program went away, as it may
                    self.wfile.write(content)

            def do_CONNECT(self):
                github.proxied += 1
                host, _, port = self.path.partition(":")
                if tunnel is None or host not in github.hosts or port != "443":
                    github.violations.append(f"CONNECT {self.path}")
                    self.send_error(403)
                    return
                self.send_response(200)
                self.end_headers()
                self.wfile.flush()
                self.close_connection = True
                inside = socket.create_connection(tunnel.split(":"))
                with inside, contextlib.suppress(OSError):
                    back = threading.Thread(target=pump, args=(inside, self.connection), daemon=True)
                    back.start()
                    pump(self.connection, inside)
                    back.join()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any

        listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        listener.daemon_threads = True
        listener.handle_error = lambda *_: None  # a program that goes away, or refuses the certificate
        if tls:
            self.authority, chain = certificates(self.hosts)
            self.authority_file = tempfile.NamedTemporaryFile(suffix=".pem")  # noqa: SIM115
            self.authority_file.write(self.authority.encode())
            self.authority_file.flush()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with tempfile.NamedTemporaryFile(suffix=".pem") as file:
                file.write(chain.encode())
                file.flush()
                context.load_cert_chain(file.name)
            # The handshake belongs into the thread of the connection.
            listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
        self.listeners[self._address(listener)] = listener, roles
        return listener

    def close(self):
        for listener, _ in self.listeners.values():
            listener.shutdown()
            listener.server_close()

    @property
    def issuer(self):
        for host, role in self.hosts.items():
            if role == "issuer":
                return f"https://{host}{self.issuer_slug}"
        return f"{self.server_url}/_services/token{self.issuer_slug}"

    def asked(self, kind):
        return [request for request in self.requests if request.kind == kind]

    def answer(self, roles, method, target, headers, body):
        path, _, query = target.partition("?")
        query = parse_qsl(query, keep_blank_values=True)
        kind, route = self._route(roles, method, path)
        request = Request(kind, method, path, query, headers, body)
        with self.lock:
            self.requests.append(request)
        if kind is None:
            self.violations.append(f"{method} {target}: nothing is asked for there")
            return Answer(404, {"message": "Not Found"})
        if kind in ("webhook", "logs"):
            wrong = receivers.webhook(request, self.webhook_secrets) if kind == "webhook" else receivers.logs(request)
            self.violations += wrong
        elif kind not in ("id-token", "keys", "discovery"):
            wrong = self._hold(request, route)
            if wrong:
                self.violations += wrong
                return Answer(422, {"message": "Validation Failed", "errors": wrong})
        with self.lock:
            queue = self.faults.get(kind, [])
            if queue:
                fault = queue[0]
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        queue.pop(0)
                return fault
        return getattr(self, "_" + kind.replace("-", "_"))(request, route)

    def _route(self, roles, method, path):
        if "receivers" in roles:
            return {"/hook": "webhook", "/v1/logs": "logs"}.get(path) if method == "POST" else None, {}
        if "tokens" in roles and path == self.token_path:
            return "id-token", {}
        issuer = urlsplit(self.issuer).path
        if ("issuer" if self.hosts else "server") in roles:
            # The keys of an enterprise's issuer are those of the root, as its document says.
            if path == f"{issuer.removesuffix(self.issuer_slug)}/.well-known/jwks":
                return "keys", {}
            if self.issuer_slug and path == f"{issuer}/.well-known/openid-configuration":
                return "discovery", {}
        if "api" not in roles or not path.startswith(self.prefix + "/"):
            return None, {}
        path = path.removeprefix(self.prefix)
        if path.startswith("/repositories/"):
            # Where GitHub redirects after a rename; not described.
            _, _, number, *rest = path.split("/", 3)
            if not rest:
                return "repository", {"id": number}
            return "contents", {"id": number, "path": unquote(rest[0].removeprefix("contents/"))}
        _, template, parameters = self.description.operation(method, path)
        kinds = {
            ("GET", "/repos/{owner}/{repo}"): "repository",
            ("GET", "/repos/{owner}/{repo}/pulls/{pull_number}"): "pull",
            ("GET", "/repos/{owner}/{repo}/compare/{basehead}"): "compare",
            ("GET", "/repos/{owner}/{repo}/contents/{path}"): "contents",
            ("GET", "/repos/{owner}/{repo}/commits/{ref}"): "commit",
            ("POST", "/repos/{owner}/{repo}/check-runs"): "check-run",
            ("POST", "/repos/{owner}/{repo}/statuses/{sha}"): "status",
            ("GET", "/repos/{owner}/{repo}/installation"): "installation",
            ("POST", "/app/installations/{installation_id}/access_tokens"): "access-token",
            ("DELETE", "/installation/token"): "revoke",
        }
        return kinds.get((method, template)), parameters | {"template": template}

    def _hold(self, request, route):
        if "id" in route:
            return []
        path = request.path.removeprefix(self.prefix)
        return self.description.violations(request.method, path, request.query, request.headers, request.body)

    # Actions' token service and keys

    def _id_token(self, request, _route):
        if request.headers.get_all("authorization") != [f"Bearer {self.request_token}"]:
            return Answer(401, {"message": "Unauthorized"})
        query = dict(request.query)
        if query.get("api-version") != "2.0" or len(request.query) != 2 or "audience" not in query:
            self.violations.append(f"token endpoint asked with {request.query}")
        if request.method != "GET":
            self.violations.append(f"token endpoint asked by {request.method}")
        now = int(time.time())
        claims = {
            "aud": query.get("audience"),
            "iss": self.issuer,
            "iat": now,
            "nbf": now - 300,
            "exp": now + 300,
            "jti": str(uuid.uuid4()),
        } | self.claims
        claims = {name: value() if callable(value) else value for name, value in claims.items()}
        token = self.mint({name: value for name, value in claims.items() if value is not None})
        self.minted.append(token)
        return Answer(200, {"count": len(token), "value": token})

    def _discovery(self, _request, _route):
        root = self.issuer.removesuffix(self.issuer_slug)
        return Answer(200, {"issuer": self.issuer, "jwks_uri": f"{root}/.well-known/jwks"})

    def _keys(self, request, _route):
        if request.headers.get("authorization"):
            self.violations.append("a token was sent to the key set")
        return Answer(200, {"keys": self.keys})

    # REST

    def _permission(self, request, repository, name, level):
        scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
        granted = self.tokens.get(token)
        if scheme.lower() not in ("bearer", "token") or granted is None:
            return Answer(
                401,
                {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"},
            )
        if granted["repositories"] is not None and repository.lower() not in granted["repositories"]:
            return Answer(
                404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}
            )
        if level and granted["permissions"].get(name) not in (level, "write"):
            return Answer(
                403,
                {
                    "message": "Resource not accessible by integration",
                    "documentation_url": "https://docs.github.com/rest",
                    "status": "403",
                },
            )
        return None

    def _not_found(self, page):
        return Answer(
            404, {"message": "Not Found", "documentation_url": f"https://docs.github.com/rest/{page}", "status": "404"}
        )

    def _read(self, request, repository, permission):
        """The refusal of a read, if it is one. Everybody reads public repositories, and `metadata` comes by itself."""
        held = self.repositories.get(repository.lower())
        if held is None:
            refused = self._permission(request, repository, "metadata", "read")
            return refused if refused and refused.status == 401 else self._not_found("repos/repos")
        level = None if permission == "metadata" or not held["private"] else "read"
        return self._permission(request, repository, permission, level)

    def _repository(self, request, route):
        named = f"{route['owner']}/{route['repo']}".lower() if "owner" in route else None
        if named in self.renamed:
            number = self.repositories[self.renamed[named].lower()]["id"]
            return Answer(
                301,
                {
                    "message": "Moved Permanently",
                    "url": f"{self.api_url}/repositories/{number}",
                    "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
                },
                {"Location": f"{self.api_url}/repositories/{number}"},
            )
        by_id = {str(one["id"]): name for name, one in self.repositories.items()}
        named = named or by_id.get(route["id"], "")
        refused = self._read(request, named, "metadata")
        if refused:
            return refused
        example = self.description.example("/repos/{owner}/{repo}", "get", "200")
        # GitHub's example is a fork from a template.
        for name in ("parent", "source", "template_repository"):
            example.pop(name, None)
        return Answer(200, example | {"fork": False} | self.repositories[named])

    def _pull(self, request, route):
        repository = f"{route['owner']}/{route['repo']}".lower()
        refused = self._read(request, repository, "pull_requests")
        if refused:
            return refused
        held = self.pulls.get((repository, int(route["pull_number"])))
        if held is None:
            return self._not_found("pulls/pulls#get-a-pull-request")
        return Answer(200, self.description.example(route["template"], "get", "200") | held)

    def _compare(self, request, route):
        repository = f"{route['owner']}/{route['repo']}".lower()
        refused = self._read(request, repository, "contents")
        if refused:
            return refused
        _, _, head = route["basehead"].partition("...")
        if head not in self.commits | self.merged:
            return self._not_found("commits/commits#compare-two-commits")
        example = self.description.example(route["template"], "get", "200")
        if head in self.merged:
            example["merge_base_commit"]["sha"] = head
        return Answer(200, example)

    def _contents(self, request, route):
        repository = next(iter(self.files))[0] if "id" in route else f"{route['owner']}/{route['repo']}".lower()
        refused = self._permission(request, repository, "contents", "read")
        if refused:
            return refused
        ref = dict(request.query).get("ref")
        held = self.files.get((repository, ref), {}).get(route["path"])
        if held is None:
            return self._not_found("repos/contents")
        if "raw" in request.headers["accept"] and not self.json_only:
            return Answer(200, held, {"Content-Type": "application/vnd.github.raw+json; charset=utf-8"})
        example = self.description.example("/repos/{owner}/{repo}/contents/{path}", "get", "200")
        blob = hashlib.sha1(b"blob %d\0" % len(held) + held).hexdigest()
        large = len(held) > 1_000_000
        example |= {
            "path": route["path"],
            "name": route["path"].split("/")[-1],
            "size": len(held),
            "sha": blob,
            "type": "file",
            "encoding": "none" if large else "base64",
            "content": "" if large else base64.encodebytes(held).decode(),
        }
        return Answer(200, example)

    def _commit(self, request, route):
        refused = self._permission(request, f"{route['owner']}/{route['repo']}", "contents", "read")
        if refused:
            return refused
        sha = hashlib.sha1(route["ref"].encode()).hexdigest()
        if "sha" in request.headers["accept"]:
            return Answer(200, sha, {"Content-Type": "application/vnd.github.sha; charset=utf-8"})
        return Answer(200, self.description.example(route["template"], "get", "200") | {"sha": sha})

    def _invalid(self, resource, name, message):
        error = {"resource": resource, "field": name, "code": "custom", "message": message}
        self.violations.append(f"{resource}.{name}: {message}")
        return Answer(422, {"message": "Validation Failed", "errors": [error], "status": "422"})

    def _check_run(self, request, route):
        repository = f"{route['owner']}/{route['repo']}"
        refused = self._permission(request, repository, "checks", "write")
        if refused:
            return refused
        body = request.json()
        if body["head_sha"] not in self.commits:
            return self._invalid("CheckRun", "head_sha", f"No commit found for SHA: {body['head_sha']}")
        if body.get("status") == "completed" and not body.get("conclusion"):
            return self._invalid("CheckRun", "conclusion", "is missing")
        output = body.get("output", {})
        for name in ("summary", "text"):
            if len((output.get(name) or "").encode()) > 65535:
                return self._invalid("CheckRun", name, f"{name} exceeds a maximum bytesize of 65535")
        for annotation in output.get("annotations", []):
            columns = "start_column" in annotation or "end_column" in annotation
            if columns and annotation["start_line"] != annotation["end_line"]:
                return self._invalid("CheckRun", "annotations", "columns on several lines")
            if annotation["start_line"] < 1 or annotation["end_line"] < annotation["start_line"]:
                return self._invalid("CheckRun", "annotations", "wrong lines")
            if len(annotation.get("title", "")) > 255:
                return self._invalid("CheckRun", "annotations", "title too long")
        example = self.description.example(route["template"], "post", "201")
        number = 40_000_000_000 + len(self.requests)
        example |= {
            "id": number,
            "name": body["name"],
            "head_sha": body["head_sha"],
            "status": body.get("status"),
            "conclusion": body.get("conclusion"),
            "html_url": f"{self.server_url}/{repository}/runs/{number}",
        }
        return Answer(201, example)

    def _status(self, request, route):
        refused = self._permission(request, f"{route['owner']}/{route['repo']}", "statuses", "write")
        if refused:
            return refused
        body = request.json()
        if route["sha"] not in self.commits:
            return self._invalid("Status", "sha", f"No commit found for SHA: {route['sha']}")
        if len(body.get("description") or "") > 140:
            return self._invalid("Status", "description", "description is too long (maximum is 140 characters)")
        example = self.description.example(route["template"], "post", "201")
        return Answer(
            201, example | {name: body.get(name) for name in ("state", "context", "description", "target_url")}
        )

    # Not GitHub's: those who get copies of audit records, on a host of their own

    def receive(self, secrets=()):
        """Starts them, and gives their host as a URL."""
        self.webhook_secrets = secrets
        tls = self.layout == "tls"
        return f"{'https' if tls else 'http'}://{self._address(self._listen({'receivers'}, tls=tls))}"

    def _webhook(self, _request, _route):
        return Answer(204)

    def _logs(self, _request, _route):
        return Answer(200, {"partialSuccess": {}})

    # GitHub Apps

    def _app_jwt(self, request):
        scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
        unauthorised = lambda message: Answer(401, {"message": message, "status": "401"})
        try:
            header = jwt.get_unverified_header(token)
            claims = jwt.decode(
                token, self.app["key"].public_key(), algorithms=["RS256"], options={"require": ["iat", "exp", "iss"]}
            )
        except (jwt.PyJWTError, TypeError) as error:
            self.violations.append(f"{request.kind}: App JWT: {error}")
            return unauthorised("A JSON web token could not be decoded")
        now = time.time()
        wrong = [
            text
            for is_wrong, text in (
                (scheme != "Bearer", f"scheme {scheme}"),
                (header["alg"] != "RS256", "alg"),
                (claims["iss"] != self.app["client_id"], f"iss {claims['iss']}"),
                (not isinstance(claims["iat"], int) or not isinstance(claims["exp"], int), "not integers"),
                (claims["iat"] > now, "iat in the future"),
                (claims["exp"] > now + 600 or claims["exp"] - claims["iat"] > 600, "more than ten minutes"),
                (claims["iat"] > now - 30, "no margin for clocks"),
            )
            if is_wrong
        ]
        self.app.setdefault("jwts", []).append(token)
        if wrong:
            self.violations += [f"App JWT: {text}" for text in wrong]
            return unauthorised("'Issued at' claim ('iat') must be an Integer")
        return None

    def _installation(self, request, route):
        refused = self._app_jwt(request)
        if refused:
            return refused
        number = self.app["installations"].get(route["owner"].lower())
        if number is None:
            return Answer(
                404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest/apps", "status": "404"}
            )
        return Answer(200, self.description.example(route["template"], "get", "200") | {"id": number})

    def _access_token(self, request, route):
        refused = self._app_jwt(request)
        if refused:
            return refused
        owner = {str(number): owner for owner, number in self.app["installations"].items()}[route["installation_id"]]
        body = request.json()
        if not body.get("permissions") or not (body.get("repositories") or body.get("repository_ids")):
            self.violations.append(f"an installation token without limits: {body}")
        if set(body.get("permissions", {})) - {"contents", "checks", "statuses"}:
            self.violations.append(f"an installation token with more than it needs: {body}")
        # The stateless form that GitHub rolls out since 2026: about 520 characters, two dots.
        token = f"ghs_12345_eyJhbGciOi.{quote(base64.b64encode(uuid.uuid4().bytes * 28).decode(), safe='')[:430]}.c2ln".replace(
            "%", "-"
        )
        repositories = [f"{owner}/{name}".lower() for name in body.get("repositories", [])]
        self.tokens[token] = {"permissions": body.get("permissions", {}), "repositories": repositories, "app": True}
        example = self.description.example(route["template"], "post", "201")
        return Answer(201, example | {"token": token, "permissions": body.get("permissions", {})})

    def _revoke(self, request, _route):
        token = (request.headers.get("authorization") or "").partition(" ")[2]
        if not self.tokens.pop(token, {}).get("app"):
            return Answer(401, {"message": "Bad credentials", "status": "401"})
        return Answer(204)


def pump(source, sink):
    """One direction of a tunnel."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def certificates(hosts):
    """A certificate authority, and the chain with key of a server on 127.0.0.1 and of the hosts; as PEM."""
    ca_key, key = make_cached_key("authority"), make_cached_key("server")
    name = lambda text: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
    now = datetime.datetime.now(datetime.UTC)

    def builder(subject, public_key):
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("outside CA"))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
        )

    ca = (
        builder("outside CA", ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    addresses = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), *map(x509.DNSName, hosts)]
    )
    usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
    server = (
        builder("ghes.example", key.public_key())
        .add_extension(addresses, critical=False)
        .add_extension(usage, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    text = lambda certificate: certificate.public_bytes(serialization.Encoding.PEM).decode()
    return text(ca), text(server) + pem(key, pkcs8=True)


_KEYS = {}


def make_cached_key(name):
    """RSA keys take a tenth of a second each: one of each name for all scenarios."""
    if name not in _KEYS:
        _KEYS[name] = make_key()
    return _KEYS[name]
