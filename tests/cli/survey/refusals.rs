//! What cannot be done, and why.

use insta::assert_snapshot;
use simulator::github::{Endpoint, Permissions, QueryFault};

use super::stage::{ALL, Stage, asking, timeless};
use crate::support::program::Run;

fn refused(run: Run) -> String {
    assert_eq!((run.code, &*run.out), (Some(2), ""));
    run.err
}

#[test]
fn a_token_has_to_be_there_and_to_be_enough() {
    let mut stage = Stage::new();
    stage.repository(
        "infra",
        1,
        &[("a.yml", &asking("push", ALL, "permission: 'a:b'"))],
    );
    let anonymous = Run::of(stage.command("").env_remove("GITHUB_TOKEN"));
    assert_snapshot!(refused(anonymous), @"error: no token: set `GITHUB_TOKEN` or `GH_TOKEN` to a token that may read the contents and metadata of the repositories of `acme-org`");
    let wrong = Run::of(stage.command("").env("GITHUB_TOKEN", "ghp_wrong"));
    assert_snapshot!(refused(wrong), @"error: the repositories of `acme-org` cannot be listed: GitHub answered 401 (Bad credentials); the token needs `contents: read` and `metadata: read` on all of them, and single sign-on if the organisation requires it");
    // The other variable, which comes second.
    let other = stage.token.clone();
    let run = Run::of(
        stage
            .command("")
            .env_remove("GITHUB_TOKEN")
            .env("GH_TOKEN", other),
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    stage.token = stage.github.add_token(&["acme-org"], Permissions::none());
    assert_snapshot!(refused(stage.run("")), @"error: the repositories of `acme-org` cannot be listed: GitHub answered: Resource not accessible by integration; the token needs `contents: read` and `metadata: read` on all of them, and single sign-on if the organisation requires it");
}

#[test]
fn an_owner_has_to_be_there() {
    let stage = Stage::new();
    assert_snapshot!(refused(stage.run("")), @"error: the repositories of `acme-org` cannot be listed: the organisation or user does not exist, or the token cannot see it; the token needs `contents: read` and `metadata: read` on all of them, and single sign-on if the organisation requires it");
    let mut command = stage.command("");
    let nobody = Run::of(
        command
            .args(["--format", "json"])
            .env("GITHUB_API_URL", "ftp://x"),
    );
    assert_snapshot!(refused(nobody), @"error: the variable `GITHUB_API_URL` is `ftp://x`, expected an https URL");
}

#[test]
fn arguments_are_looked_at_before_anybody_is_asked() {
    let stage = Stage::new();
    stage.write(
        "broken.yml",
        "version: 1\nrepositories: [{repository: 'a)', permissions: []}]\n",
    );
    assert_snapshot!(refused(stage.run("--policy broken.yml")), @"
    error: the regex `a)` is not valid: unopened group, at byte 1
     --> broken.yml:2:29
      |
    2 | repositories: [{repository: 'a)', permissions: []}]
      |                             ^^^^
    ");
    assert_snapshot!(refused(stage.run("--policy none.yml")), @"error: the policy `none.yml` cannot be read: No such file or directory (os error 2)");
    let evil = ("GITHUB_GRAPHQL_URL", "https://evil.example/graphql");
    let own = Run::of(stage.command("").env(evil.0, evil.1));
    let said = refused(own).replace(&stage.github.api_url(), "API");
    assert_snapshot!(said, @"error: the variable `GITHUB_GRAPHQL_URL` is `https://evil.example/graphql`, which has another host than the API, `API`");
    assert!(refused(stage.run("--page-size 101")).contains("101 is not in 1..=100"));
    assert_eq!(stage.github.requests().len(), 0);
    // An API that is given has its own.
    let api_url = format!("--api-url {}", stage.github.api_url());
    let given = Run::of(stage.command(&api_url).env(evil.0, evil.1));
    assert!(refused(given).contains("organisation or user does not exist"));
    assert_eq!(stage.github.requests_to(Endpoint::GraphQl).len(), 1);
}

#[test]
fn repositories_that_are_not_visible_are_reported() {
    let stage = Stage::new();
    let fine = asking("push", ALL, "permission: 'a:b'");
    for (name, id) in [("infra", 1), ("hidden", 2), ("secret", 3)] {
        stage.repository(name, id, &[("a.yml", &fine)]);
    }
    stage
        .github
        .set_query_fault("acme-org/hidden", Some(QueryFault::Saml));
    let run = stage.run("");
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    assert_snapshot!(timeless(&run.out), @r"
    ✗ acme-org: 2 repositories, 2 use repo-permissions: no problems in the visible ones
      1 repository not visible: GitHub answered: Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.
      2 steps use the repository's own policy
      1 request of GraphQL and 0 of REST, TIME to TIME
    ");
}
