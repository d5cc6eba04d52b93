//! The Authorization API of AuthZEN 1.0: applications and the action ask in JSON.
//!
//! A question is decided as a proxy's is: the same check, record and order. Only the form of the answer differs: a
//! boolean with the status 200, also for a token that is not valid here.
//!
//! Source: OpenID AuthZEN, Authorization API 1.0.

mod explanation;
mod metadata;
mod request;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use self::explanation::{Room, answered, failed};
use self::request::{Evaluation, Evaluations, Malformed, Semantic};
use crate::answer::{Answer, problem};
use crate::bearer;
use crate::check::{Checked, Job, MAX_DECISION, permission_key};
use crate::endpoints::Endpoints;
use crate::keys::FetchKeys;

/// Maximum size of a body: a token may have 32 KB.
const MAX_BODY: usize = 64 << 10;
/// Type of the subjects that count.
const SUBJECT_TYPE: &str = "github_actions_job";

/// Returns the routes.
pub fn routes<F: FetchKeys>() -> Router<Arc<Endpoints<F>>> {
    Router::new()
        .route("/access/v1/evaluation", post(evaluation))
        .route("/access/v1/evaluations", post(evaluations))
        .route("/.well-known/authzen-configuration", get(configuration))
}

/// `POST /access/v1/evaluation`
async fn evaluation<F: FetchKeys>(
    State(endpoints): State<Arc<Endpoints<F>>>,
    request: Request,
) -> Response {
    let read = |body: &[u8]| request::evaluation(body).map(Evaluations::One);
    answer(&endpoints, request, read).await
}

/// `POST /access/v1/evaluations`
async fn evaluations<F: FetchKeys>(
    State(endpoints): State<Arc<Endpoints<F>>>,
    request: Request,
) -> Response {
    answer(&endpoints, request, request::evaluations).await
}

/// `GET /.well-known/authzen-configuration`
async fn configuration<F: FetchKeys>(State(endpoints): State<Arc<Endpoints<F>>>) -> Response {
    match metadata::of(&endpoints.checker.config.audience) {
        Some(metadata) => json_response(&metadata),
        None => problem(
            StatusCode::NOT_FOUND,
            "the audience of this server is not an https origin, so it does not know its own URL",
        ),
    }
}

async fn answer<F: FetchKeys>(
    endpoints: &Endpoints<F>,
    request: Request,
    read: impl FnOnce(&[u8]) -> Result<Evaluations, Malformed>,
) -> Response {
    let started = Instant::now();
    let (head, body) = request.into_parts();
    let asked = match body_of(&head.headers, body).await {
        Ok(body) => read(&body).map_err(|Malformed(why)| (StatusCode::BAD_REQUEST, why)),
        Err(refusal) => Err(refusal),
    };
    let mut evaluator = Evaluator::new(endpoints);
    let answered = match asked {
        Err((status, why)) => {
            endpoints.metrics.counted(status.as_u16(), "input_invalid");
            Ok(problem(status, &why))
        }
        Ok(Evaluations::One(asked)) => evaluator.one(&asked).await,
        Ok(Evaluations::Several(asked, semantic)) => evaluator.several(&asked, semantic).await,
    };
    let response = answered.unwrap_or_else(|unavailable| {
        endpoints.metrics.counted(
            unavailable.status().as_u16(),
            unavailable
                .reason()
                .map_or("unavailable", |reason| reason.code()),
        );
        unavailable.into_response()
    });
    endpoints.metrics.answered_after(started.elapsed());
    response
}

/// Reads a body of JSON.
async fn body_of(
    headers: &HeaderMap,
    body: Body,
) -> Result<axum::body::Bytes, (StatusCode, String)> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let kind = types.next().and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|value| value.split(';').next());
    let is_json = kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !is_json || types.next().is_some() {
        let message = "the `Content-Type` is not `application/json`".to_owned();
        return Err((StatusCode::BAD_REQUEST, message));
    }
    to_bytes(body, MAX_BODY).await.map_err(|_| {
        let message = format!("the body is larger than {MAX_BODY} bytes, or broke off");
        (StatusCode::PAYLOAD_TOO_LARGE, message)
    })
}

fn json_response(body: &Value) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, body.to_string()).into_response()
}

/// Evaluates the questions of one request.
struct Evaluator<'e, F> {
    endpoints: &'e Endpoints<F>,
    /// The jobs so far, by their tokens: each is verified once.
    jobs: Vec<(String, Result<Job, Answer>)>,
    /// The time that is left for decisions.
    time: Duration,
    room: Room,
}

impl<'e, F: FetchKeys> Evaluator<'e, F> {
    fn new(endpoints: &'e Endpoints<F>) -> Self {
        Self {
            endpoints,
            jobs: Vec::new(),
            time: MAX_DECISION,
            room: Room::default(),
        }
    }

    /// Answers a single question. An error is that of the whole request.
    async fn one(&mut self, asked: &Evaluation) -> Result<Response, Answer> {
        let checked = self.check(asked).await?;
        match checked.answer.is_unavailable() {
            true => Err(checked.answer),
            false => Ok(json_response(&self.answered(asked, &checked))),
        }
    }

    /// Answers a list. What cannot be decided is denied, unless that is so for all of them.
    async fn several(
        &mut self,
        asked: &[Result<Evaluation, Malformed>],
        semantic: Semantic,
    ) -> Result<Response, Answer> {
        let mut answers = Vec::new();
        let (mut unavailable, mut is_decided) = (None, false);
        for asked in asked {
            let (is_granted, answer) = match asked {
                Err(Malformed(why)) => {
                    self.endpoints.metrics.counted(400, "input_invalid");
                    is_decided = true;
                    (false, failed(StatusCode::BAD_REQUEST, why))
                }
                Ok(asked) => {
                    let checked = self.check(asked).await?;
                    let answer = self.answered(asked, &checked);
                    let is_granted = matches!(checked.answer, Answer::Granted { .. });
                    match checked.answer.is_unavailable() {
                        true => unavailable = Some(checked.answer),
                        false => is_decided = true,
                    }
                    (is_granted, answer)
                }
            };
            answers.push(answer);
            if semantic.ends_after(is_granted) {
                break;
            }
        }
        match unavailable {
            Some(unavailable) if !is_decided => Err(unavailable),
            _ => Ok(json_response(&json!({"evaluations": answers}))),
        }
    }

    fn answered(&mut self, asked: &Evaluation, checked: &Checked) -> Value {
        let status = match checked.answer.is_unavailable() {
            true => 503,
            false => 200,
        };
        let reason = checked.answer.reason();
        let reason = reason.map_or("unavailable", |reason| reason.code());
        self.endpoints.metrics.counted(status, reason);
        let detail = self.endpoints.checker.config.detail;
        answered(&asked.action, checked, detail, &mut self.room)
    }

    /// Checks as for a proxy: the permission, the token, the owner, then the policy. An answer without a reason means
    /// that no record can be kept, so nothing else of the request is decided either.
    async fn check(&mut self, asked: &Evaluation) -> Result<Checked, Answer> {
        let Some(permission) = permission_key(&asked.action) else {
            let message = "`action.name` is not a permission key, such as `ws:deployments:create`";
            return Ok(Answer::refused(message).into());
        };
        if asked.subject_type != SUBJECT_TYPE {
            return Ok(Answer::NoToken.into());
        }
        let index = self.job(&asked.subject).await;
        let job = match self.jobs.get(index) {
            Some((_, Ok(job))) => job,
            Some((_, Err(answer))) => return Ok(answer.clone().into()),
            None => return Ok(Answer::NoToken.into()),
        };
        let checker = &self.endpoints.checker;
        let resource = Some(&asked.resource);
        let checked = checker
            .decide(&permission, job, resource, &mut self.time)
            .await;
        match checked.answer.reason() {
            // Nobody decides without a record.
            None => Err(checked.answer),
            Some(_) => Ok(checked),
        }
    }

    /// Returns the place of a token's job, and verifies the token on the first call.
    async fn job(&mut self, token: &str) -> usize {
        if let Some(index) = self.jobs.iter().position(|(of, _)| of == token) {
            return index;
        }
        let job = match bearer::checked(token) {
            Ok(checked) => self.endpoints.checker.identify(checked).await,
            Err(answer) => Err(answer),
        };
        self.jobs.push((token.to_owned(), job));
        self.jobs.len() - 1
    }
}
