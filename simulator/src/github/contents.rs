//! Repositories, files and commits: the REST pages "Repositories", "Repository contents" and "Commits".

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::access::Level;
use super::authorize::authorize;
use super::http::{Answer, Request};
use super::repository::{CommitSha, Repository, blob_sha};
use super::route::Route;
use super::state::State;

/// Maximum size of a file in the JSON form; larger files have no content there.
const MAX_JSON_CONTENT: usize = 1 << 20;

pub(crate) fn repository(
    state: &State,
    route: &Route,
    request: &Request,
) -> Result<Answer, Answer> {
    let former = format!("{}/{}", route.owner, route.repository);
    if let (None, Some(renamed)) = (
        state.repository(&route.owner, &route.repository),
        state.renamed(&former),
    ) {
        let location = format!("{}/repositories/{}", state.api_url(), renamed.id);
        let moved = Answer::error(301, "Moved Permanently");
        return Ok(moved.with_header("Location", &location));
    }
    let (repository, _) = authorize(state, request, route.name(), "metadata", Level::Read)?;
    Ok(Answer::json(200, &repository_json(state, &repository)))
}

/// Returns a pull request. Any token can read those of a public repository.
pub(crate) fn pull_request(
    state: &State,
    route: &Route,
    request: &Request,
) -> Result<Answer, Answer> {
    let name = route.name();
    let (repository, _) = authorize(state, request, name, "pull-requests", Level::Read)?;
    let found = repository.pull_request(&route.rest);
    let found = found.ok_or_else(|| Answer::error(404, "Not Found"))?;
    Ok(Answer::json(200, found))
}

/// Returns a repository by id, the target of a redirect from a former name.
pub(crate) fn repository_by_id(
    state: &State,
    route: &Route,
    request: &Request,
) -> Result<Answer, Answer> {
    let mut repositories = state.repositories.iter();
    let found = repositories.find(|repository| repository.id.to_string() == route.rest);
    let found = found.ok_or_else(|| Answer::error(404, "Not Found"))?;
    let name = (&*found.owner, &*found.name);
    let (repository, _) = authorize(state, request, name, "metadata", Level::Read)?;
    Ok(Answer::json(200, &repository_json(state, &repository)))
}

/// Returns the fields of a repository that clients use.
pub(crate) fn repository_json(state: &State, repository: &Repository) -> Value {
    let full_name = repository.full_name();
    let mut json = json!({
        "id": repository.id, "node_id": format!("R_{}", repository.id),
        "name": repository.name, "full_name": full_name, "private": repository.private,
        "visibility": if repository.private { "private" } else { "public" },
        "owner": {"login": repository.owner, "id": repository.owner_id, "type": "Organization"},
        "html_url": format!("{}/{full_name}", state.server_url),
        "url": format!("{}/repos/{full_name}", state.api_url()),
        "default_branch": repository.default_branch, "fork": repository.fork, "archived": repository.archived,
    });
    if let (Some(parent), Some(members)) = (repository.parent, json.as_object_mut()) {
        members.insert("parent".into(), json!({"id": parent}));
        members.insert("source".into(), json!({"id": parent}));
    }
    json
}

pub(crate) fn contents(state: &State, route: &Route, request: &Request) -> Result<Answer, Answer> {
    let (repository, _) = authorize(state, request, route.name(), "contents", Level::Read)?;
    let reference = request.query_value("ref");
    let sha = repository.resolve(reference.as_deref()).ok_or_else(|| {
        Answer::error(
            404,
            &format!(
                "No commit found for the ref {}",
                reference.unwrap_or_default()
            ),
        )
    })?;
    let tree = repository.tree(&sha);
    let path = route.rest.trim_end_matches('/');
    let url = format!(
        "{}/repos/{}/contents",
        state.api_url(),
        repository.full_name()
    );
    let Some(content) = tree.get(path) else {
        return directory(&tree, path, &url).ok_or_else(|| Answer::error(404, "Not Found"));
    };
    let answer = if accepts(request, "raw") {
        Answer::new(
            200,
            "application/vnd.github.raw+json; charset=utf-8",
            content.clone(),
        )
    } else {
        Answer::json(
            200,
            &file(path, content, &format!("{url}/{path}?ref={sha}")),
        )
    };
    Ok(answer.with_header("ETag", &format!("\"{}\"", blob_sha(content))))
}

fn file(path: &str, content: &[u8], url: &str) -> Value {
    let large = content.len() > MAX_JSON_CONTENT;
    json!({
        "type": "file", "name": path.rsplit('/').next(), "path": path,
        "sha": blob_sha(content), "size": content.len(), "url": url,
        "encoding": if large { "none" } else { "base64" },
        "content": if large { String::new() } else { base64_lines(content) },
    })
}

/// Encodes base64 with line breaks after 60 characters, as GitHub does.
fn base64_lines(content: &[u8]) -> String {
    let mut lines = String::new();
    for (index, character) in STANDARD.encode(content).chars().enumerate() {
        if index > 0 && index % 60 == 0 {
            lines.push('\n');
        }
        lines.push(character);
    }
    lines.push('\n');
    lines
}

fn directory(tree: &BTreeMap<String, Vec<u8>>, path: &str, url: &str) -> Option<Answer> {
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    };
    let mut entries: BTreeMap<&str, Value> = BTreeMap::new();
    for (file_path, content) in tree {
        let Some(rest) = file_path.strip_prefix(&prefix) else {
            continue;
        };
        let entry = match rest.split_once('/') {
            Some((name, _)) => (
                name,
                json!({"type": "dir", "name": name, "path": format!("{prefix}{name}"), "size": 0}),
            ),
            None => {
                let mut entry = file(file_path, content, &format!("{url}/{file_path}"));
                if let Some(entry) = entry.as_object_mut() {
                    entry.remove("content");
                    entry.remove("encoding");
                }
                (rest, entry)
            }
        };
        entries.insert(entry.0, entry.1);
    }
    (!entries.is_empty()).then(|| Answer::json(200, &entries.into_values().collect()))
}

pub(crate) fn commit(state: &State, route: &Route, request: &Request) -> Result<Answer, Answer> {
    let (repository, _) = authorize(state, request, route.name(), "contents", Level::Read)?;
    let sha = repository
        .resolve(Some(&route.rest))
        .ok_or_else(|| Answer::error(422, &format!("No commit found for SHA: {}", route.rest)))?;
    if accepts(request, "sha") {
        return Ok(Answer::new(
            200,
            "application/vnd.github.sha; charset=utf-8",
            sha.to_string(),
        ));
    }
    let full_name = repository.full_name();
    Ok(Answer::json(
        200,
        &json!({
            "sha": sha.as_str(), "node_id": format!("C_{sha}"),
            "url": format!("{}/repos/{full_name}/commits/{sha}", state.api_url()),
            "html_url": format!("{}/{full_name}/commit/{sha}", state.server_url),
            "commit": {"message": "a commit", "author": {"name": "octocat", "date": "2026-01-01T00:00:00Z"}},
            "parents": [],
        }),
    ))
}

/// Compares two commits. Only the first page has the changed files, as in GitHub's documentation ("Compare two
/// commits").
pub(crate) fn compare(state: &State, route: &Route, request: &Request) -> Result<Answer, Answer> {
    let (repository, _) = authorize(state, request, route.name(), "contents", Level::Read)?;
    let not_found = || Answer::error(404, "Not Found");
    let (base, head) = route.rest.split_once("...").ok_or_else(not_found)?;
    let base = repository.resolve(Some(base)).ok_or_else(not_found)?;
    let head = repository.resolve(Some(head)).ok_or_else(not_found)?;
    let merge_base = repository.merge_base(&base, &head);
    let commit = |sha: &CommitSha| json!({"sha": sha.as_str(), "node_id": format!("C_{sha}")});
    let is_first = request.query_value("page").is_none_or(|page| page == "1");
    let mut comparison = json!({
        "status": if base == merge_base { "ahead" } else { "diverged" },
        "ahead_by": 1, "behind_by": 0, "total_commits": 1,
        "base_commit": commit(&base), "merge_base_commit": commit(&merge_base),
        "commits": if is_first { vec![commit(&head)] } else { Vec::new() },
    });
    if let Some(members) = comparison.as_object_mut().filter(|_| is_first) {
        members.insert("files".to_owned(), json!([]));
    }
    Ok(Answer::json(200, &comparison))
}

/// Returns whether the request accepts `application/vnd.github.KIND`, with an optional version before it and
/// `+json` after it.
fn accepts(request: &Request, kind: &str) -> bool {
    let accept = request.header("accept").unwrap_or_default();
    accept.split(',').any(|media| {
        media
            .trim()
            .strip_prefix("application/vnd.github.")
            .map(|rest| rest.trim_start_matches("v3.").trim_end_matches("+json"))
            == Some(kind)
    })
}
