use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::*;

const QUERY: PageQuery<'_> = PageQuery {
    login: "acme-org",
    first: 2,
    after: None,
    texts: true,
};

fn page_of(status: u16, body: &str, query: &PageQuery<'_>) -> Result<RepositoryPage, QueryError> {
    let response = Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: body.as_bytes().to_vec(),
    };
    page(&response, query)
}

fn node(name: &str, workflows: Value) -> Value {
    json!({"databaseId": 1, "nameWithOwner": name, "isArchived": false, "isFork": false,
        "isPrivate": true, "workflows": workflows})
}

fn with(nodes: &[Value], errors: Value) -> String {
    let answer = json!({
        "data": {"repositoryOwner": {"login": "acme-org", "databaseId": 7, "repositories": {
            "totalCount": 9, "pageInfo": {"hasNextPage": true, "endCursor": "x"}, "nodes": nodes,
        }}, "rateLimit": {"cost": 1}},
        "errors": errors,
    });
    answer.to_string()
}

#[test]
fn a_page_has_the_text_of_each_file() {
    let entries = json!({"entries": [
        {"name": "a.yml", "object": {"isTruncated": false, "text": "on: push"}},
        {"name": "large.yml", "object": {"isTruncated": true, "text": "on: pu"}},
        {"name": "binary.yml", "object": {"isTruncated": false, "text": null}},
        {"name": "directory", "object": {}},
        {"name": "submodule", "object": null},
    ]});
    let nodes = [
        node("o/a", entries),
        node("o/none", Value::Null),
        node("o/file", json!({})),
    ];
    let page = page_of(200, &with(&nodes, json!([])), &QUERY).unwrap();
    let files: Vec<_> = page
        .repositories
        .iter()
        .map(|listed| listed.files.clone().unwrap())
        .collect();
    let texts: Vec<_> = files[0]
        .iter()
        .map(|file| (&*file.name, file.text.clone()))
        .collect();
    assert_eq!(
        texts,
        [
            ("a.yml", FileText::Complete("on: push".into())),
            ("large.yml", FileText::Truncated),
            ("binary.yml", FileText::NotText),
            ("directory", FileText::NotText),
            ("submodule", FileText::NotText),
        ]
    );
    assert!(files[1].is_empty() && files[2].is_empty());
    assert_eq!(
        (page.total, page.next.as_deref(), page.points),
        (9, Some("x"), Some(1))
    );
    assert_eq!((page.owner_id, page.hidden.len()), (Some(7), 0));
}

#[test]
fn an_invisible_repository_is_not_an_absent_one() {
    let at = |index: usize, kind: &str, message: &str| {
        json!([{"type": kind, "message": message,
            "path": ["repositoryOwner", "repositories", "nodes", index, "workflows"]}])
    };
    let nodes = [node("o/a", Value::Null), Value::Null];
    let page = page_of(200, &with(&nodes, at(0, "FORBIDDEN", "no")), &QUERY).unwrap();
    let refused = FilesUnavailable::Denied("GitHub answered: no".to_owned());
    assert_eq!(page.repositories[0].files.clone().unwrap_err(), refused);
    assert_eq!(page.hidden, ["GitHub gives no reason"]);
    let page = page_of(200, &with(&nodes, at(1, "FORBIDDEN", "SAML")), &QUERY).unwrap();
    assert_eq!(page.hidden, ["GitHub answered: SAML"]);

    let without = PageQuery {
        texts: false,
        ..QUERY
    };
    let page = page_of(200, &with(&nodes[..1], json!([])), &without).unwrap();
    let files = page.repositories[0].files.clone();
    assert_eq!(files.unwrap_err(), FilesUnavailable::NotFetched);

    // Of several repositories fewer are asked for, of one its files in another way.
    let one = PageQuery { first: 1, ..QUERY };
    for (kind, message) in [
        (
            "RESOURCE_LIMITS_EXCEEDED",
            "Resource limits for this query exceeded.",
        ),
        (
            "",
            "Something went wrong while executing your query. This may be the result of a timeout",
        ),
    ] {
        let answer = with(&nodes[..1], at(0, kind, message));
        let error = page_of(200, &answer, &QUERY).unwrap_err();
        assert_eq!(
            error,
            QueryError::TooLarge(format!("GitHub answered: {message}"))
        );
        let page = page_of(200, &answer, &one).unwrap();
        let files = page.repositories[0].files.clone();
        assert_eq!(files.unwrap_err(), FilesUnavailable::NotFetched);
    }
}

#[test]
fn failures_tell_whether_a_retry_can_help() {
    let error = |status, body: &str| match page_of(status, body, &QUERY).unwrap_err() {
        QueryError::TooLarge(why) => format!("too much: {why}"),
        QueryError::Limited(limited, why) => format!("{limited:?}: {why}"),
        QueryError::Transient(why) => format!("failed: {why}"),
        QueryError::NoOwner => "no owner".to_owned(),
        QueryError::Permanent(why) => format!("refused: {why}"),
    };
    let error_body = |kind: &str, message: &str| {
        json!({"data": {"repositoryOwner": null}, "errors": [{"type": kind, "message": message}]})
            .to_string()
    };
    for (status, body, expected) in [
        (502, "<html>".into(), "too much: GitHub answered 502"),
        (504, "".into(), "too much: GitHub answered 504"),
        (500, "".into(), "failed: GitHub answered 500"),
        (200, "<html>".into(), "failed: GitHub's answer is not as documented: expected value at line 1 column 1"),
        (200, "{}".into(), "failed: GitHub's answer is incomplete"),
        (200, r#"{"data": {"repositoryOwner": {"login": "o", "databaseId": 1, "repositories": null}}}"#.into(), "failed: GitHub's answer is incomplete"),
        (401, r#"{"message": "Bad credentials"}"#.into(), "refused: GitHub answered 401 (Bad credentials)"),
        (403, r#"{"message": "You have exceeded a secondary rate limit."}"#.into(), "For(None): GitHub answered 403 (You have exceeded a secondary rate limit.)"),
        (200, error_body("RATE_LIMIT", "x"), "For(None): GitHub answered: x"),
        (200, error_body("", "You have exceeded a secondary rate limit."), "For(None): GitHub answered: You have exceeded a secondary rate limit."),
        (200, error_body("", "We couldn't respond to your request in time."), "too much: GitHub answered: We couldn't respond to your request in time."),
        (200, error_body("NOT_FOUND", "x"), "no owner"),
        (200, r#"{"data": {"repositoryOwner": null}}"#.into(), "no owner"),
        (200, error_body("FORBIDDEN", "SAML"), "refused: GitHub answered: SAML"),
        (200, error_body("undefinedField", "Field 'x' doesn't exist"), "refused: GitHub answered: Field 'x' doesn't exist"),
    ] {
        let body: String = body;
        assert_eq!(error(status, &body), expected, "{body}");
    }
}
