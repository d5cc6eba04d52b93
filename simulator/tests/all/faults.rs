//! Every fault, seen from the client's end of the connection.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use crate::client::{Received, exchange, send};
use simulator::GitHub;
use simulator::github::{Endpoint, Fault, FaultRule, Permissions, Repository};

struct World {
    github: GitHub,
    token: String,
}

fn world(fault: Fault) -> World {
    let github = GitHub::start().unwrap();
    github.add_repository(Repository::new("o/r", 1, 2).with_file("main", "f", "0123456789"));
    let token = github
        .register_job(1, serde_json::Map::new(), Permissions::usual())
        .github_token;
    github.add_fault(FaultRule::always(Endpoint::Contents, fault));
    World { github, token }
}

impl World {
    fn bytes(&self) -> std::io::Result<Vec<u8>> {
        exchange(
            "GET",
            &self.url(),
            &[("Accept", "application/vnd.github.raw+json")],
            "",
        )
    }

    fn answer(&self) -> Received {
        send(
            "GET",
            &self.url(),
            &[("Accept", "application/vnd.github.raw+json")],
            "",
        )
        .unwrap()
    }

    fn url(&self) -> String {
        format!("{}/repos/o/r/contents/f", self.github.api_url())
    }
}

#[test]
fn answers_can_be_replaced() {
    let answer = world(Fault::too_many_requests(7)).answer();
    assert_eq!(answer.status, 429);
    assert!(answer.head.contains("Retry-After: 7"));
    let answer = world(Fault::ContentType("text/html".into())).answer();
    assert_eq!(answer.text(), "0123456789");
    assert!(answer.head.contains("Content-Type: text/html"));
    let long = "x".repeat(100_000);
    let headers = vec![("X-Long".to_owned(), long.clone())];
    let answer = world(Fault::Headers(headers)).answer();
    assert_eq!(answer.text(), "0123456789");
    assert!(answer.head.contains(&format!("X-Long: {long}\r\n")));
}

#[test]
fn bodies_can_be_cut_huge_or_slow() {
    let cut = world(Fault::Truncate).answer();
    assert_eq!(cut.text(), "01234");
    assert!(cut.head.contains("Content-Length: 10"));
    let unframed = world(Fault::TruncateUnframed).answer();
    assert_eq!(unframed.text(), "01234");
    assert!(!unframed.head.to_lowercase().contains("content-length"));
    assert_eq!(world(Fault::Huge(1_000_000)).answer().body.len(), 1_000_000);
    let started = Instant::now();
    assert_eq!(
        world(Fault::Trickle(Duration::from_millis(10)))
            .answer()
            .text(),
        "0123456789"
    );
    assert!(started.elapsed() >= Duration::from_millis(100));
    let started = Instant::now();
    assert_eq!(
        world(Fault::Delay(Duration::from_millis(50)))
            .answer()
            .status,
        200
    );
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[test]
fn connections_can_break() {
    let reset = world(Fault::Reset).bytes();
    assert_eq!(reset.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let stalled = world(Fault::Stall).bytes();
    assert!(matches!(
        stalled.unwrap_err().kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    assert!(!world(Fault::Garbage).bytes().unwrap().starts_with(b"HTTP"));
}

#[test]
fn a_lost_answer_has_still_done_its_work() {
    let world = world(Fault::Reset);
    world
        .github
        .add_fault(FaultRule::first(Endpoint::Status, 1, Fault::ResetAfter));
    let sha = world
        .github
        .repository("o/r")
        .unwrap()
        .branch_sha("main")
        .unwrap();
    let url = format!("{}/repos/o/r/statuses/{sha}", world.github.api_url());
    let authorization = format!("Bearer {}", world.token);
    let post = || {
        send(
            "POST",
            &url,
            &[("Authorization", &authorization)],
            r#"{"state":"success"}"#,
        )
    };
    assert!(post().is_err());
    assert_eq!(world.github.statuses().len(), 1);
    assert_eq!(post().unwrap().status, 201);
    let statuses: Vec<_> = world
        .github
        .requests_to(Endpoint::Status)
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(statuses, [Some(201), Some(201)]);
}

#[test]
fn redirects_lead_where_they_say() {
    let redirecting = world(Fault::RedirectElsewhere(302));
    let head = redirecting.answer().head;
    assert!(head.contains(&format!(
        "Location: {}/api/v3/repos/o/r/contents/f",
        redirecting.github.elsewhere_url()
    )));
    assert!(redirecting.github.elsewhere_requests().is_empty());
    send(
        "GET",
        &format!("{}/x", redirecting.github.elsewhere_url()),
        &[("Authorization", "Bearer t")],
        "",
    )
    .unwrap();
    let leaked = redirecting.github.elsewhere_requests();
    assert_eq!(leaked[0].request.header("authorization"), Some("Bearer t"));
    let head = world(Fault::Redirect(301, "/api/v3/other".into()))
        .answer()
        .head;
    assert!(head.starts_with("HTTP/1.1 301"));
    let turning = world(Fault::RedirectLoop(308));
    let url = format!("{}?ref=main", turning.url());
    let head = send("GET", &url, &[], "").unwrap().head;
    assert!(head.starts_with("HTTP/1.1 308"));
    assert!(head.contains("Location: /api/v3/repos/o/r/contents/f?ref=main\r\n"));
}

#[test]
fn round_trips_cost_time() {
    let github = GitHub::builder()
        .round_trip(Duration::from_millis(30))
        .start()
        .unwrap();
    let started = Instant::now();
    send(
        "GET",
        &format!("{}/.well-known/jwks", github.issuer()),
        &[],
        "",
    )
    .unwrap();
    assert!(started.elapsed() >= Duration::from_millis(60));
}
