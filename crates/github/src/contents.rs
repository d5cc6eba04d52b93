//! Files of a repository, and the commits to read them at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::ETAG;
use http::{HeaderValue, StatusCode};
use ring::digest::{Context as Digest, SHA1_FOR_LEGACY_USE_ONLY};
use serde::Deserialize;
use serde_json::Value;

use super::api::{Api, ApiError, MAX_JSON, encode, json};
use super::repository::{RepositoryKey, route};
use crate::http::Response;
use engine::{RepositoryName, is_commit_sha};

/// Maximum size of a directory listing in bytes: GitHub lists up to 1,000 files.
const MAX_DIRECTORY: usize = 4 << 20;

/// A file with its git blob SHA, computed from the bytes and not copied from the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The result of `git hash-object` for these bytes.
    pub blob: String,
}

/// Tag of a version of a file, which GitHub compares with its own (RFC 9110, section 8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etag(HeaderValue);

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
    /// Reads a file with the contents API, without a ref from the default branch.
    ///
    /// # Errors
    /// The request failed, the path is not a file, or the file is larger than `cap` bytes or possibly truncated.
    pub async fn file(
        &self,
        repository: impl Into<RepositoryKey<'_>>,
        path: &str,
        reference: Option<&str>,
        cap: usize,
    ) -> Result<File, ApiError> {
        let read = self.file_unless(repository, path, reference, cap, None);
        match read.await? {
            Some((file, _)) => Ok(file),
            None => Err(ApiError::Shape("expected a file".to_owned())),
        }
    }

    /// Reads a file, unless it is still the version with this tag. Returns the file with its own tag, if GitHub gives
    /// it one, or `None` for the known version, which costs no point of the primary rate limit.
    ///
    /// Source: docs.github.com, "Best practices for using the REST API".
    ///
    /// # Errors
    /// As for [`Api::file`].
    pub async fn file_unless(
        &self,
        repository: impl Into<RepositoryKey<'_>>,
        path: &str,
        reference: Option<&str>,
        cap: usize,
        known: Option<&Etag>,
    ) -> Result<Option<(File, Option<Etag>)>, ApiError> {
        let segments: Vec<_> = path.split('/').map(encode).collect();
        let mut route = format!(
            "{}/contents/{}",
            repository.into().route(),
            segments.join("/")
        );
        if let Some(reference) = reference {
            route = format!("{route}?ref={}", encode(reference));
        }
        // The JSON form stops at 1 MB, the raw form does not. Base64 in JSON is a third longer than the file.
        let accept = "application/vnd.github.raw+json";
        let cap_of_json = cap + cap / 2 + MAX_JSON;
        let response = self
            .get_unless(&route, accept, cap_of_json, known.map(|known| &known.0))
            .await?;
        if response.status == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        // A truncated policy can grant more than the complete one, because the last rule lacks conditions.
        if !response.is_delimited() {
            let message = "it has neither a length nor chunks, so it may be truncated";
            return Err(ApiError::Shape(message.to_owned()));
        }
        let tag = response.headers.get(ETAG).cloned().map(Etag);
        let bytes = raw_or_json(response)?;
        if bytes.len() > cap {
            return Err(crate::http::HttpError::TooLarge {
                host: "GitHub".to_owned(),
                limit: cap,
            }
            .into());
        }
        Ok(Some((File::new(bytes), tag)))
    }

    /// Returns the commit that a ref points to; `HEAD` is the default branch.
    ///
    /// # Errors
    /// The request failed, or the response is not a commit SHA.
    pub async fn commit(
        &self,
        repository: impl Into<RepositoryKey<'_>>,
        reference: &str,
    ) -> Result<String, ApiError> {
        let route = format!(
            "{}/commits/{}",
            repository.into().route(),
            encode(reference)
        );
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
    /// Lists the names of the files in a directory; a missing directory has none.
    ///
    /// # Errors
    /// The request failed, or the response is not a list.
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

    /// Returns the merge base of two commits, from which a pull request's changes count.
    ///
    /// # Errors
    /// The request failed, or the response is not a comparison.
    pub async fn merge_base(
        &self,
        repository: impl Into<RepositoryKey<'_>>,
        base: &str,
        head: &str,
    ) -> Result<String, ApiError> {
        #[derive(Deserialize)]
        struct CommitComparison {
            merge_base_commit: Commit,
        }
        #[derive(Deserialize)]
        struct Commit {
            sha: String,
        }
        // Only the first page has the changed files, which can be many and large.
        let route = format!(
            "{}/compare/{}...{}?per_page=1&page=2",
            repository.into().route(),
            encode(base),
            encode(head)
        );
        let accept = "application/vnd.github+json";
        let comparison: CommitComparison = json(&self.get(&route, accept, MAX_JSON).await?)?;
        let sha = comparison.merge_base_commit.sha;
        if is_commit_sha(&sha) {
            Ok(sha)
        } else {
            Err(ApiError::Shape("expected a commit SHA".to_owned()))
        }
    }
}

/// Returns the file's bytes. GitHub sends a file raw, with a media type that contains `raw`. It sends a
/// directory or a submodule as JSON, and so do servers without the raw media type for a file.
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
        // A JSON policy from a server that sends files with their own media type.
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
