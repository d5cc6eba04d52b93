//! What goes together with the input `server`.

use super::{DEPLOY, Gate};
use crate::support::assert_outcome;

#[test]
fn inputs_of_a_policy_are_refused_beside_a_server() {
    let gate = Gate::start("");
    let key = simulator::github::APP_PRIVATE_KEY_PKCS1;
    for (more, named) in [
        (&[("policy", "./policy.yml")][..], &["policy"][..]),
        (&[("policy", "acme-org/policies/a.yml@main")], &["policy"]),
        (&[("policy", "version: 1\n")], &["policy"]),
        (&[("review", "true")], &["review"]),
        (
            &[("app-client-id", "Iv23liGATE"), ("app-private-key", key)],
            &["app-client-id", "app-private-key"],
        ),
    ] {
        let step = gate.run(&gate.deploy(), DEPLOY, more);
        assert_outcome(&gate.stage, &step, "error", "input_invalid");
        for name in named {
            let expected = format!("leave `{name}` out");
            let message = step.output("message");
            assert!(message.contains(&expected), "{message}");
        }
    }
    assert_eq!(gate.front.evaluations().len(), 0);
    // The defaults of the action's own file.
    let defaults = [
        ("policy", ".github/repo-permissions.yml"),
        ("review", "false"),
    ];
    let step = gate.run(&gate.deploy(), DEPLOY, &defaults);
    assert_outcome(&gate.stage, &step, "allowed", "granted");
}

#[test]
fn a_server_is_an_origin_with_tls() {
    let gate = Gate::start("");
    for server in [
        "http://deploy.acme.example",
        "http://10.0.0.1:8080",
        "deploy.acme.example",
        "https://deploy.acme.example/access/v1",
        "https://deploy.acme.example?x=1",
        "https://someone:hidden@deploy.acme.example",
        // Which a parser of URLs takes for the same.
        "https:deploy.acme.example",
        "https:/someone:hidden@deploy.acme.example",
        "https:\\\\deploy.acme.example",
    ] {
        let step = gate.stage.run(
            &gate.deploy(),
            &[("permission", DEPLOY), ("server", server)],
        );
        assert_outcome(&gate.stage, &step, "error", "input_invalid");
        let message = step.output("message");
        assert!(message.contains("`https://HOST[:PORT]`"), "{message}");
        assert!(!message.contains("hidden"), "{message}");
    }
    // With and without a final slash it is the same server, and the same audience.
    let slash = format!("{}/", gate.front.origin());
    let step = gate.stage.run(
        &gate.deploy(),
        &[("permission", DEPLOY), ("server", &slash)],
    );
    assert_outcome(&gate.stage, &step, "allowed", "granted");
}
