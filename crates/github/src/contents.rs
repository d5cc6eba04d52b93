//! Reading files of a repository, and the commits that they are read at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use ring::digest::{Context as Digest, SHA1_FOR_LEGACY_USE_ONLY};
use serde::Deserialize;
use serde_json::Value;

use super::api::{Api, ApiError, MAX_JSON, encode, json};
use crate::http::Response;
use engine::{RepositoryName, is_commit_sha};

/// The largest list of a directory's files in bytes: GitHub lists 1,000 of them.
const MAX_DIRECTORY: usize = 4 << 20;

/// A file with its git blob SHA, which is computed from the bytes, not taken from the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// `git hash-object` of them.
    pub blob: String,
}

impl File {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let mut digest = Digest::new(&SHA1_FOR_LEGACY_USE_ONLY);
        digest.update(format!("blob {}\0", bytes.len()).as_bytes());
        digest.update(&bytes);
        let blob = engine::hex(digest.finish().as_ref());
        Self { bytes, blob }
    }
}

impl Api {
    /// Reads a file by the contents API; without a ref at the default branch.
    ///
    /// # Errors
    /// The request failed, the path is no file, the file is larger than `cap` bytes, or it may be cut off.
    pub async fn file(
        &self,
        repository: &RepositoryName,
        path: &str,
        reference: Option<&str>,
        cap: usize,
    ) -> Result<File, ApiError> {
        let segments: Vec<_> = path.split('/').map(encode).collect();
        let mut route = format!("{}/contents/{}", route(repository), segments.join("/"));
        if let Some(reference) = reference {
            route = format!("{route}?ref={}", encode(reference));
        }
        // Raw, because the JSON form stops at 1 MB. Base64 in JSON is a third longer than the file.
        let accept = "application/vnd.github.raw+json";
        let response = self.get(&route, accept, cap + cap / 2 + MAX_JSON).await?;
        // Half of a policy can grant more than the whole: its rules lack their last conditions.
        if !response.is_delimited() {
            let message = "it does not say where it ends, so it may be cut off";
            return Err(ApiError::Shape(message.to_owned()));
        }
        let bytes = raw_or_json(response)?;
        if bytes.len() > cap {
            return Err(crate::http::HttpError::TooLarge {
                host: "GitHub".to_owned(),
                limit: cap,
            }
            .into());
        }
        Ok(File::new(bytes))
    }

    /// The commit that a ref (`HEAD` for the default branch) points at.
    ///
    /// # Errors
    /// The request failed, or the answer is no commit SHA.
    pub async fn commit(
        &self,
        repository: &RepositoryName,
        reference: &str,
    ) -> Result<String, ApiError> {
        let route = format!("{}/commits/{}", route(repository), encode(reference));
        let response = self
            .get(&route, "application/vnd.github.sha", MAX_JSON)
            .await?;
        let text = String::from_utf8_lossy(&response.body).trim().to_owned();
        if is_commit_sha(&text) {
            return Ok(text);
        }
        #[derive(Deserialize)]
        struct Commit {
            sha: String,
        }
        let commit: Commit = json(&response)?;
        if is_commit_sha(&commit.sha) {
            Ok(commit.sha)
        } else {
            Err(ApiError::Shape("expected a commit SHA".to_owned()))
        }
    }
}

impl Api {
    /// The names of the files in a directory; none where there is no such directory.
    ///
    /// # Errors
    /// The request failed, or the answer is no list.
    pub async fn directory(
        &self,
        repository: &RepositoryName,
        path: &str,
        reference: &str,
    ) -> Result<Vec<String>, ApiError> {
        #[derive(Deserialize)]
        struct Entry {
            name: String,
            #[serde(rename = "type")]
            kind: String,
        }
        let segments: Vec<_> = path.split('/').map(encode).collect();
        let route = format!(
            "{}/contents/{}?ref={}",
            route(repository),
            segments.join("/"),
            encode(reference)
        );
        let accept = "application/vnd.github+json";
        let entries: Vec<Entry> = match self.get(&route, accept, MAX_DIRECTORY).await {
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => return Ok(Vec::new()),
            response => json(&response?)?,
        };
        let files = entries.into_iter().filter(|entry| entry.kind == "file");
        Ok(files.map(|entry| entry.name).collect())
    }

    /// The last commit that two commits have in common: what a pull request's changes count from.
    ///
    /// # Errors
    /// The request failed, or the answer is no comparison.
    pub async fn merge_base(
        &self,
        repository: &RepositoryName,
        base: &str,
        head: &str,
    ) -> Result<String, ApiError> {
        #[derive(Deserialize)]
        struct Comparison {
            merge_base_commit: Commit,
        }
        #[derive(Deserialize)]
        struct Commit {
            sha: String,
        }
        // The changed files, which can be many and large, are only on the first page.
        let route = format!(
            "{}/compare/{}...{}?per_page=1&page=2",
            route(repository),
            encode(base),
            encode(head)
        );
        let accept = "application/vnd.github+json";
        let comparison: Comparison = json(&self.get(&route, accept, MAX_JSON).await?)?;
        let sha = comparison.merge_base_commit.sha;
        if is_commit_sha(&sha) {
            Ok(sha)
        } else {
            Err(ApiError::Shape("expected a commit SHA".to_owned()))
        }
    }
}

pub(super) fn route(repository: &RepositoryName) -> String {
    format!(
        "repos/{}/{}",
        encode(repository.owner()),
        encode(repository.name())
    )
}

/// The file's bytes: GitHub answers raw, with a media type that says so; a directory or a submodule
/// comes as JSON, and so does a file from a server that does not know the raw media type.
fn raw_or_json(response: Response) -> Result<Vec<u8>, ApiError> {
    let media_type = response.header("content-type").unwrap_or_default();
    if media_type.contains("raw") || !media_type.contains("json") {
        return Ok(response.body);
    }
    let not_a_file = |what: &str| ApiError::Shape(format!("the path is {what}, not a file"));
    let object = match serde_json::from_slice(&response.body) {
        Ok(Value::Array(_)) => return Err(not_a_file("a directory")),
        Ok(Value::Object(object)) => object,
        _ => return Ok(response.body),
    };
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    match (text("type"), text("encoding"), text("content")) {
        (Some("file"), Some("base64"), Some(content)) => {
            let compact: String = content.split_ascii_whitespace().collect();
            STANDARD
                .decode(compact)
                .map_err(|error| ApiError::Shape(format!("its content is not base64: {error}")))
        }
        (Some("file"), ..) => Err(ApiError::Shape("the file has no content".to_owned())),
        (Some("dir" | "submodule"), ..) => Err(not_a_file("a directory or a submodule")),
        // A JSON policy, from a server that sends files with their own media type.
        _ => Ok(response.body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blob_is_gits() {
        // printf 'hello\n' | git hash-object --stdin
        assert_eq!(
            File::new(b"hello\n".to_vec()).blob,
            "ce013625030ba8dba906f756967f9e9ca394464a"
        );
    }
}
