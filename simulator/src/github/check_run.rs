//! A check run, and the request body that changes it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::access::AppIdentity;

/// A check run in its current state.
#[derive(Debug, Clone)]
pub struct CheckRun {
    /// Numeric id.
    pub id: u64,
    /// `OWNER/REPO`.
    pub repository: String,
    /// From the request.
    pub name: String,
    /// The commit that shows it.
    pub head_sha: String,
    /// `queued`, `in_progress` or `completed`.
    pub status: String,
    /// Its conclusion, if it is completed.
    pub conclusion: Option<String>,
    /// `output.title`, empty without an output.
    pub title: String,
    /// `output.summary`, Markdown.
    pub summary: String,
    /// `output.text`, Markdown.
    pub text: Option<String>,
    /// `output.annotations` of all requests.
    pub annotations: Vec<CheckAnnotation>,
    /// From the request.
    pub external_id: Option<String>,
    /// From the request. GitHub ignores it for check runs of the job's own token.
    pub details_url: Option<String>,
    /// URL of its page.
    pub html_url: String,
    /// The App that created it.
    pub app: AppIdentity,
    /// Bodies of all requests, the POST first.
    pub requests: Vec<Value>,
}

/// An annotation of a check run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckAnnotation {
    /// Path in the repository.
    pub path: String,
    /// From 1.
    pub start_line: u64,
    /// From 1.
    pub end_line: u64,
    /// `notice`, `warning` or `failure`.
    pub level: String,
    /// Plain text.
    pub message: String,
    /// Plain text, may be empty.
    pub title: String,
}

impl CheckRun {
    pub(crate) fn apply(&mut self, body: Map<String, Value>) {
        let given = |name: &str| text(&body, name).map(str::to_owned);
        if let Some(status) = given("status") {
            self.status = status;
        }
        if let Some(conclusion) = given("conclusion") {
            self.status = "completed".into();
            self.conclusion = Some(conclusion);
        }
        if let Some(name) = given("name") {
            self.name = name;
        }
        self.external_id = given("external_id").or(self.external_id.take());
        self.details_url = given("details_url").or(self.details_url.take());
        if let Some(output) = body.get("output").and_then(Value::as_object) {
            self.title = text(output, "title").unwrap_or_default().into();
            self.summary = text(output, "summary").unwrap_or_default().into();
            self.text = text(output, "text").map(str::to_owned).or(self.text.take());
            self.annotations.extend(
                annotations(output)
                    .iter()
                    .filter_map(Value::as_object)
                    .map(CheckAnnotation::from_json),
            );
        }
        self.requests.push(Value::Object(body));
    }

    pub(crate) fn to_json(&self, api_url: &str) -> Value {
        let url = format!("{api_url}/repos/{}/check-runs/{}", self.repository, self.id);
        let now = Timestamp::now().strftime("%FT%TZ").to_string();
        json!({
            "id": self.id, "node_id": format!("CR_{}", self.id), "name": self.name, "head_sha": self.head_sha,
            "external_id": self.external_id.clone().unwrap_or_default(),
            "url": url, "html_url": self.html_url,
            // With the job's token, the link leads to the check run itself, whatever the request contains.
            "details_url": if self.app == AppIdentity::github_actions() { Some(self.html_url.clone()) } else { self.details_url.clone() },
            "status": self.status, "conclusion": self.conclusion,
            "started_at": now, "completed_at": self.conclusion.as_ref().map(|_| now.clone()),
            "output": {
                "title": self.title, "summary": self.summary, "text": self.text,
                "annotations_count": self.annotations.len(), "annotations_url": format!("{url}/annotations"),
            },
            "check_suite": {"id": 5},
            "app": {"id": self.app.id, "slug": self.app.slug, "name": self.app.slug},
            "pull_requests": [],
        })
    }
}

impl CheckAnnotation {
    fn from_json(annotation: &Map<String, Value>) -> Self {
        let of = |name: &str| text(annotation, name).unwrap_or_default().to_owned();
        let line = |name: &str| {
            annotation
                .get(name)
                .and_then(Value::as_u64)
                .unwrap_or_default()
        };
        Self {
            path: of("path"),
            start_line: line("start_line"),
            end_line: line("end_line"),
            level: of("annotation_level"),
            message: of("message"),
            title: of("title"),
        }
    }
}

pub(crate) fn annotations(output: &Map<String, Value>) -> &[Value] {
    output
        .get("annotations")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

pub(crate) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}
