//! Check runs with GitHub's validation: the REST page "Check runs".

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::access::{AppIdentity, Level};
use super::authorize::authorize;
use super::check_run::{CheckRun, annotations, text};
use super::http::{Answer, Request};
use super::route::Route;
use super::state::State;

/// Maximum size of `summary` and `text` in bytes, although the documentation says characters (github/docs#35252).
const MAX_TEXT_BYTES: usize = 65_535;
const MAX_ANNOTATIONS: usize = 50;
const MAX_MESSAGE_BYTES: usize = 64 << 10;
const MAX_TITLE_CHARACTERS: usize = 255;

const STATUSES: [&str; 3] = ["queued", "in_progress", "completed"];
/// Conclusions that a request can set; only GitHub sets `stale`.
const CONCLUSIONS: [&str; 7] = [
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "success",
    "skipped",
    "timed_out",
];
const LEVELS: [&str; 3] = ["notice", "warning", "failure"];

pub(crate) fn create(
    state: &mut State,
    route: &Route,
    request: &Request,
) -> Result<Answer, Answer> {
    let (repository, access) = authorize(
        state,
        request,
        (&route.owner, &route.repository),
        "checks",
        Level::Write,
    )?;
    let body = body(request)?;
    let mut problems = Problems::default();
    let name = problems.required(&body, "name");
    let head_sha = problems.required(&body, "head_sha");
    problems.fields(&body);
    problems.finish()?;
    if !repository.knows(&head_sha) {
        return Err(Answer::error(
            422,
            &format!("No commit found for SHA: {head_sha}"),
        ));
    }
    let id = state.next_id();
    let mut run = CheckRun {
        id,
        repository: repository.full_name(),
        name,
        head_sha,
        status: "queued".into(),
        conclusion: None,
        title: String::new(),
        summary: String::new(),
        text: None,
        annotations: Vec::new(),
        external_id: None,
        details_url: None,
        html_url: format!("{}/{}/runs/{id}", state.server_url, repository.full_name()),
        app: access.map_or_else(AppIdentity::github_actions, |access| access.app),
        requests: Vec::new(),
    };
    run.apply(body);
    let answer = Answer::json(201, &run.to_json(&state.api_url()));
    state.check_runs.push(run);
    Ok(answer)
}

pub(crate) fn update(
    state: &mut State,
    route: &Route,
    request: &Request,
) -> Result<Answer, Answer> {
    let (repository, access) = authorize(
        state,
        request,
        (&route.owner, &route.repository),
        "checks",
        Level::Write,
    )?;
    let body = body(request)?;
    let mut problems = Problems::default();
    problems.fields(&body);
    problems.finish()?;
    let full_name = repository.full_name();
    let run = state
        .check_runs
        .iter_mut()
        .find(|run| run.id.to_string() == route.rest && run.repository == full_name)
        .ok_or_else(|| Answer::error(404, "Not Found"))?;
    let app = access.map_or(0, |access| access.app.id);
    if app != run.app.id {
        return Err(Answer::error(
            403,
            &format!(
                "Invalid app_id `{app}` - check run can only be modified by the GitHub App that created it."
            ),
        ));
    }
    run.apply(body);
    let run = run.clone();
    Ok(Answer::json(200, &run.to_json(&state.api_url())))
}

fn body(request: &Request) -> Result<Map<String, Value>, Answer> {
    match request.json() {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(Answer::error(400, "Problems parsing JSON")),
    }
}

/// The `errors` of a 422.
#[derive(Default)]
struct Problems(Vec<Value>);

impl Problems {
    fn add(&mut self, field: &str, message: &str) {
        self.0.push(
            json!({"resource": "CheckRun", "code": "custom", "field": field, "message": message}),
        );
    }

    fn finish(self) -> Result<(), Answer> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Answer::invalid(&Value::Array(self.0)))
        }
    }

    fn required(&mut self, body: &Map<String, Value>, name: &str) -> String {
        let value = text(body, name).filter(|value| !value.is_empty());
        if value.is_none() {
            self.0
                .push(json!({"resource": "CheckRun", "code": "missing_field", "field": name}));
        }
        value.unwrap_or_default().to_owned()
    }

    fn fields(&mut self, body: &Map<String, Value>) {
        self.one_of(body, "status", &STATUSES);
        self.one_of(body, "conclusion", &CONCLUSIONS);
        let completed =
            text(body, "status") == Some("completed") || body.contains_key("completed_at");
        if completed && !body.contains_key("conclusion") {
            self.0.push(
                json!({"resource": "CheckRun", "code": "missing_field", "field": "conclusion"}),
            );
        }
        if body.contains_key("conclusion")
            && text(body, "status").is_some_and(|status| status != "completed")
        {
            self.add(
                "conclusion",
                "conclusion is given but status is not completed",
            );
        }
        for time in ["started_at", "completed_at"] {
            if body.get(time).is_some_and(|value| {
                value
                    .as_str()
                    .is_none_or(|text| text.parse::<Timestamp>().is_err())
            }) {
                self.add(time, &format!("{time} is not a date and time"));
            }
        }
        if text(body, "details_url")
            .is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://"))
        {
            self.add("details_url", "details_url must use http or https scheme");
        }
        match body.get("output") {
            None => {}
            Some(Value::Object(output)) => self.output(output),
            Some(_) => self.add("output", "output is not an object"),
        }
        self.actions(body);
    }

    fn output(&mut self, output: &Map<String, Value>) {
        for name in ["title", "summary"] {
            if text(output, name).is_none_or(str::is_empty) {
                self.0.push(json!({"resource": "CheckRun", "code": "missing_field", "field": format!("output.{name}")}));
            }
        }
        for name in ["summary", "text"] {
            if text(output, name).is_some_and(|value| value.len() > MAX_TEXT_BYTES) {
                self.add(
                    name,
                    &format!("{name} exceeds a maximum bytesize of {MAX_TEXT_BYTES}"),
                );
            }
        }
        let annotations = annotations(output);
        if annotations.len() > MAX_ANNOTATIONS {
            self.add(
                "annotations",
                &format!("No more than {MAX_ANNOTATIONS} annotations are allowed"),
            );
        }
        for annotation in annotations {
            match annotation.as_object() {
                Some(annotation) => self.annotation(annotation),
                None => self.add("annotations", "an annotation is not an object"),
            }
        }
    }

    fn annotation(&mut self, annotation: &Map<String, Value>) {
        for name in ["path", "message", "annotation_level"] {
            if text(annotation, name).is_none_or(str::is_empty) {
                self.add(name, &format!("annotation without {name}"));
            }
        }
        self.one_of(annotation, "annotation_level", &LEVELS);
        let number = |name: &str| {
            annotation
                .get(name)
                .and_then(Value::as_u64)
                .filter(|number| *number > 0)
        };
        match (number("start_line"), number("end_line")) {
            (Some(start), Some(end)) if start > end => {
                self.add("end_line", "end_line is before start_line")
            }
            (Some(start), Some(end)) => {
                let columns = annotation.contains_key("start_column")
                    || annotation.contains_key("end_column");
                if columns && start != end {
                    self.add("start_column", "columns are allowed on one line only");
                }
            }
            _ => self.add("start_line", "annotation without start_line and end_line"),
        }
        if number("start_column")
            .zip(number("end_column"))
            .is_some_and(|(start, end)| start > end)
        {
            self.add("end_column", "end_column is before start_column");
        }
        for name in ["message", "raw_details"] {
            if text(annotation, name).is_some_and(|value| value.len() > MAX_MESSAGE_BYTES) {
                self.add(
                    name,
                    &format!("{name} exceeds a maximum bytesize of {MAX_MESSAGE_BYTES}"),
                );
            }
        }
        if text(annotation, "title")
            .is_some_and(|value| value.chars().count() > MAX_TITLE_CHARACTERS)
        {
            self.add(
                "title",
                &format!("title is too long (maximum is {MAX_TITLE_CHARACTERS} characters)"),
            );
        }
    }

    fn actions(&mut self, body: &Map<String, Value>) {
        let Some(actions) = body.get("actions").and_then(Value::as_array) else {
            return;
        };
        if actions.len() > 3 {
            self.add("actions", "No more than 3 actions are allowed");
        }
        for action in actions.iter().filter_map(Value::as_object) {
            for (name, limit) in [("label", 20), ("description", 40), ("identifier", 20)] {
                if text(action, name).is_none_or(|value| value.chars().count() > limit) {
                    self.add(
                        name,
                        &format!("{name} is missing or too long (maximum is {limit} characters)"),
                    );
                }
            }
        }
    }

    fn one_of(&mut self, body: &Map<String, Value>, name: &str, allowed: &[&str]) {
        if body
            .get(name)
            .is_some_and(|value| value.as_str().is_none_or(|value| !allowed.contains(&value)))
        {
            self.add(
                name,
                &format!("{name} is not one of {}", allowed.join(", ")),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields_in_error(body: Value) -> Vec<String> {
        let mut problems = Problems::default();
        problems.fields(body.as_object().unwrap());
        problems
            .0
            .iter()
            .map(|problem| problem["field"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_good_body_has_no_problems() {
        let body = json!({"status": "completed", "conclusion": "success", "output": {"title": "t", "summary": "s", "annotations": [
            {"path": "a", "start_line": 1, "end_line": 1, "start_column": 2, "end_column": 3, "annotation_level": "notice", "message": "m"}]}});
        assert!(fields_in_error(body).is_empty());
    }

    #[test]
    fn limits_are_bytes_for_text_and_characters_for_titles() {
        let output = |summary: String| json!({"output": {"title": "t", "summary": summary}});
        assert!(fields_in_error(output("é".repeat(32_767))).is_empty());
        assert_eq!(fields_in_error(output("é".repeat(32_768))), ["summary"]);
        let title = |title: String| {
            json!({"output": {"title": "t", "summary": "s", "annotations": [
                {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m", "title": title}]}})
        };
        assert!(fields_in_error(title("é".repeat(255))).is_empty());
        assert_eq!(fields_in_error(title("é".repeat(256))), ["title"]);
    }

    #[test]
    fn wrong_values_are_named() {
        assert_eq!(
            fields_in_error(json!({"status": "completed"})),
            ["conclusion"]
        );
        assert_eq!(
            fields_in_error(json!({"conclusion": "stale"})),
            ["conclusion"]
        );
        assert_eq!(
            fields_in_error(json!({"output": {"title": "t"}})),
            ["output.summary"]
        );
        let columns = json!({"output": {"title": "t", "summary": "s", "annotations": [
            {"path": "a", "start_line": 1, "end_line": 2, "start_column": 2, "annotation_level": "notice", "message": "m"}]}});
        assert_eq!(fields_in_error(columns), ["start_column"]);
    }
}
