//! Tokens that are forged, borrowed or used again. Every way to write one is a table of its own, beside the
//! verification (`crates/token/src/verify_tests/`); here is what the whole program makes of them.

use serde_json::{Value, json};
use simulator::Job;
use simulator::github::{
    Answer, Endpoint, Fault, FaultRule, Signature, SlugKeys, TestKey, TokenRecipe, key_set,
    short_jwk,
};

use super::row::{KEY, Row, count, judge, judge_on, push, row};
use crate::support::{Stage, assert_outcome, repository};

const RULE: &str = "branch: main";
/// The times of a token that is minted at this distance from now, in seconds.
const LIFETIME: i64 = 300;

fn with(token: TokenRecipe, reason: &'static str) -> Row {
    row(RULE, push("main"), reason).token(token)
}

fn token() -> TokenRecipe {
    TokenRecipe::new()
}

#[test]
fn a22_spoofed_issuers() {
    let stage = Stage::with_repository(repository());
    let (issuer, elsewhere) = (stage.github.issuer(), stage.github.elsewhere_url());
    let mut rows = vec![with(token(), "granted")];
    for spoofed in [
        "https://token.actions.githubusercontent.com".to_owned(),
        "https://token.actions.githubusercontent.com.evil.example".to_owned(),
        elsewhere.clone(),
        format!("{issuer}/"),
        format!("{issuer}?"),
        format!("{issuer}#"),
        format!("{issuer}/../token"),
        format!(" {issuer}"),
        issuer.to_uppercase(),
        issuer.replace("127.0.0.1", "localhost"),
        issuer.replace("http://", "http://evil@"),
        issuer.replace("http:", "https:"),
        issuer.replace("127.0.0.1", "127.0.0.1."),
        String::new(),
    ] {
        rows.push(with(token().claim("iss", spoofed), "token_invalid"));
    }
    rows.push(with(
        token().claim("iss", vec![issuer.clone()]),
        "token_invalid",
    ));
    // No URL out of a token is followed: the other host would be a surprise.
    for name in ["jku", "x5u", "iss"] {
        let header = token().header(name, format!("{elsewhere}/.well-known/jwks"));
        rows.push(with(
            header.signature(Signature::Rs256(TestKey::Attacker)),
            "token_invalid",
        ));
    }
    let keys =
        |fault| with(token(), "token_unavailable").fault(FaultRule::always(Endpoint::Keys, fault));
    rows.push(keys(Fault::RedirectElsewhere(302)).input("timeout", "3"));
    for input in [
        "https://token.actions.githubusercontent.com.evil.example",
        "https://evil.example/_services/token/../../keys",
        "http://evil.example/_services/token",
        "https://user@ghes.example.com/_services/token",
        "https://ghes.example.com/_services/token?x",
    ] {
        rows.push(with(token(), "input_invalid").input("issuer", input));
    }
    judge_on(&stage, rows);
}

/// Where an issuer with a slug has its keys is its discovery document's to say, on its own origin.
#[test]
fn a22_discovery_that_leads_elsewhere() {
    let stage = Stage::with_repository(repository());
    let acme = format!("{}/acme", stage.github.issuer());
    let ours = |token: TokenRecipe, reason| {
        let row = with(token.claim("iss", &*acme), reason);
        row.input("issuer", &acme).input("timeout", "3")
    };
    let (server, elsewhere) = (stage.github.server_url(), stage.github.elsewhere_url());
    let keys = "/_services/token/.well-known/jwks";
    stage.github.set_elsewhere_answer(Answer::json(
        200,
        &json!({"keys": [TestKey::Attacker.jwk().unwrap()]}),
    ));
    let document = |issuer: &str, keys: &str| json!({"issuer": issuer, "jwks_uri": keys});
    let good = document(&acme, &format!("{server}{keys}"));
    let documents = [
        document(&acme, &format!("{elsewhere}{keys}")),
        document(&acme, &server.replace("127.0.0.1", "localhost")),
        document(
            &acme,
            &format!("{}{keys}", server.replace("http:", "https:")),
        ),
        document(&acme, &format!("http://127.0.0.1:1{keys}")),
        document(&acme, &format!("{}{keys}", server.replace("//", "//user@"))),
        document(
            &acme,
            &format!("{server}@{}", elsewhere.replace("http://", "")),
        ),
        document(&acme, keys),
        document(&stage.github.issuer(), &format!("{server}{keys}")),
        document(&format!("{acme}/"), &format!("{server}{keys}")),
        json!({"issuer": acme}),
        json!([good]),
    ];
    for document in documents {
        stage.github.set_discovery(&document);
        let forged = ours(token().signed_by(TestKey::Attacker), "token_invalid");
        judge_on(&stage, [forged, with(token(), "granted")]);
    }
    stage.github.set_discovery(&good);
    let failing =
        |fault, reason| ours(token(), reason).fault(FaultRule::always(Endpoint::Discovery, fault));
    judge_on(
        &stage,
        [
            ours(token(), "granted"),
            failing(Fault::RedirectElsewhere(302), "token_unavailable"),
            failing(Fault::RedirectElsewhere(307), "token_unavailable"),
            failing(Fault::Huge(1 << 20), "token_unavailable"),
            failing(Fault::status(404, "Not Found"), "token_unavailable"),
            failing(Fault::status(204, ""), "token_unavailable"),
            failing(Fault::Redirect(302, keys.to_owned()), "token_unavailable"),
            failing(Fault::Garbage, "token_unavailable"),
        ],
    );
    assert_eq!(stage.github.elsewhere_requests().len(), 0);
}

/// A value that is written into the workflow file is trusted from then on.
#[test]
fn a23_advice_on_issuers() {
    let stage = Stage::with_repository(repository());
    let plain = stage.github.issuer();
    let acme = format!("{plain}/acme");
    let from = |issuer: &str| with(token().claim("iss", issuer), "token_invalid");
    let generic = "if the enterprise has its own issuer, name it in the input `issuer`";
    let rows = [
        (with(token(), "granted"), String::new()),
        (from(&acme), format!("set the input `issuer` to `{acme}`")),
        (
            from(&plain).input("issuer", &acme),
            "leave the input `issuer` out".to_owned(),
        ),
        // Of another job's token, of another host's, of what is not an issuer.
        (from(&acme).claim("run_id", "1"), generic.to_owned()),
        (from(&acme).claim("repository_id", "1"), generic.to_owned()),
        (
            from("https://evil.example/_services/token"),
            generic.to_owned(),
        ),
        (
            from("https://token.actions.githubusercontent.com/evil"),
            generic.to_owned(),
        ),
        (from(&format!("{acme}/evil")), generic.to_owned()),
        // Of what nobody verified.
        (
            with(
                token().claim("iss", &*acme).signed_by(TestKey::Attacker),
                "token_invalid",
            ),
            generic.to_owned(),
        ),
    ];
    let (rows, says): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    for (step, says) in judge_on(&stage, rows).iter().zip(says) {
        let message = step.output("message");
        assert!(message.contains(&says), "{message}: {says}");
        let advised = message.contains("to `") || message.contains("evil`; set");
        assert_eq!(advised, says.starts_with("set"), "{message}");
    }
}

#[test]
fn a23_issuers_of_an_enterprise() {
    let stage = Stage::with_repository(repository());
    let plain = stage.github.issuer();
    let acme = format!("{plain}/acme");
    let from = |issuer: &str, reason| with(token().claim("iss", issuer), reason);
    // Wherever its keys are.
    for place in [SlugKeys::Root, SlugKeys::Own] {
        stage.github.set_slug_keys(place);
        judge_on(
            &stage,
            [
                from(&acme, "granted").input("issuer", &acme),
                from(&plain, "token_invalid").input("issuer", &acme),
            ],
        );
    }
    judge_on(
        &stage,
        [
            from(&plain, "granted"),
            // One does not imply the other, in either direction.
            from(&acme, "token_invalid"),
            from(&acme, "granted").input("issuer", &acme),
            from(&plain, "token_invalid").input("issuer", &acme),
            from(&format!("{plain}/other"), "token_invalid").input("issuer", &acme),
            from(&format!("{acme}/x"), "token_invalid").input("issuer", &acme),
            from(&acme.to_uppercase(), "token_invalid").input("issuer", &acme),
        ],
    );
}

#[test]
fn a24_audiences_of_other_services() {
    let mut rows = vec![
        with(token(), "granted"),
        with(token(), "granted").input("audience", "https://gate.example/?a=b&c"),
        with(token().claim("aud", "repo-permissions"), "token_invalid").input("audience", "other"),
    ];
    for audience in [
        json!("https://github.com/acme-org"),
        json!("sts.amazonaws.com"),
        json!("repo-permissions "),
        json!("Repo-Permissions"),
        json!("repo-permissions,other"),
        json!(["repo-permissions"]),
        json!(["other", "repo-permissions"]),
        json!({"repo-permissions": true}),
        json!(""),
        Value::Null,
    ] {
        rows.push(with(token().claim("aud", audience), "token_invalid"));
    }
    rows.push(with(token().without_claim("aud"), "token_invalid"));
    judge(rows);
}

#[test]
fn a25_algorithms_and_keys() {
    let der = TestKey::Signing1.public_der().unwrap();
    judge([
        with(token(), "granted"),
        with(
            token()
                .header("kid", TestKey::Signing2.kid())
                .signature(Signature::Rs256(TestKey::Signing2)),
            "granted",
        ),
        with(
            token().header("alg", "none").signature(Signature::Empty),
            "token_invalid",
        ),
        with(token().header("alg", "none"), "token_invalid"),
        with(token().signature(Signature::Empty), "token_invalid"),
        with(
            token()
                .header("alg", "HS256")
                .signature(Signature::Hs256(der.clone())),
            "token_invalid",
        ),
        with(token().signature(Signature::Hs256(der)), "token_invalid"),
        with(
            token().signature(Signature::Corrupt(TestKey::Signing1)),
            "token_invalid",
        ),
        with(
            token().signature(Signature::Rs256(TestKey::Attacker)),
            "token_invalid",
        ),
        with(token().signed_by(TestKey::Attacker), "token_invalid"),
        with(
            token().header("kid", TestKey::Signing2.kid()),
            "token_invalid",
        ),
        with(token().without_header("kid"), "token_invalid"),
        with(
            token()
                .header("jwk", TestKey::Attacker.jwk().unwrap())
                .signature(Signature::Rs256(TestKey::Attacker)),
            "token_invalid",
        ),
        with(
            token().header("crit", vec!["b64"]).header("b64", false),
            "token_invalid",
        ),
    ]);
    // Key sets that are not the issuer's usual one.
    let stage = Stage::with_repository(repository());
    let good = TestKey::Signing1.jwk().unwrap();
    let changed = |name: &str, value: &str| {
        let mut key = good.clone();
        key[name] = json!(value);
        json!({"keys": [key]})
    };
    let mut twin = TestKey::Attacker.jwk().unwrap();
    twin["kid"] = good["kid"].clone();
    let mut sets = 0;
    for keys in [
        json!({"keys": []}),
        json!({}),
        json!([good]),
        json!({"keys": [good, twin]}),
        json!({"keys": [twin]}),
        json!({"keys": [short_jwk(TestKey::Signing1.kid())]}),
        changed("use", "enc"),
        changed("alg", "RS512"),
        changed("kty", "EC"),
        changed("kid", "another"),
    ] {
        stage.github.set_keys(&keys);
        let step = stage.ask(&push("main"), "ws:locks:create");
        assert_outcome(&stage, &step, "error", "token_invalid");
        // An unknown key is asked for once more, and no more often.
        assert!(stage.github.requests_to(Endpoint::Keys).len() <= 2);
        stage.github.clear_records();
        sets += 1;
    }
    stage
        .github
        .set_keys_answer(Answer::json(200, &key_set().unwrap()));
    judge_on(
        &stage,
        [
            with(token(), "granted"),
            with(token().signed_by(TestKey::Attacker), "token_invalid"),
        ],
    );
    count(sets, 0);
}

#[test]
fn a26_clocks() {
    // Each second around the leeway is in the table of the verification; a program's start takes some here.
    judge([
        with(token(), "granted"),
        with(token().shifted(-LIFETIME - 45), "granted"),
        with(token().shifted(-LIFETIME - 61), "token_invalid"),
        with(token().shifted(-6 * 3600), "token_invalid"),
        with(token().shifted(45), "granted"),
        with(token().shifted(90), "token_invalid"),
        with(
            token()
                .shifted(0)
                .claim("exp", jiff::Timestamp::now().as_second() + 21_600),
            "granted",
        ),
        with(
            token()
                .shifted(0)
                .claim("nbf", jiff::Timestamp::now().as_second() + 90),
            "token_invalid",
        ),
        with(token().without_claim("exp"), "token_invalid"),
        with(token().without_claim("iat"), "token_invalid"),
        with(token().claim("exp", i64::MAX), "token_invalid"),
        with(token().claim("exp", "4102444800"), "token_invalid"),
        with(token().without_claim("nbf"), "granted"),
    ]);
}

#[test]
fn a27_tokens_that_are_used_again() {
    let stage = Stage::with_policy(
        "version: 1\npermissions: [{ permission: ws:deployments:create, environment: production }]\n",
    );
    let sibling = push("main").with_environment("production");
    let step = stage.ask(&sibling, KEY);
    assert_outcome(&stage, &step, "allowed", "granted");
    let [stolen] = &stage.github.minted_tokens()[..] else {
        panic!("one token")
    };
    stage.github.set_token(TokenRecipe::new().raw_token(stolen));
    // In the job that it was minted for it is good until it expires: there is no store of used ones.
    assert_outcome(&stage, &stage.ask(&sibling, KEY), "allowed", "granted");
    let mut jobs: Vec<Job> = Vec::new();
    let mut other = |change: fn(&mut Job)| {
        let mut job = push("main");
        change(&mut job);
        jobs.push(job);
    };
    other(|job| job.check_run_id += 1);
    other(|job| job.run_id += 1);
    other(|job| job.run_attempt += 1);
    other(|job| job.sha = simulator::github::CommitSha::derived("another"));
    other(|job| job.event_name = "workflow_dispatch".into());
    let attacks = jobs.len();
    for job in jobs {
        let step = stage.ask(&job, KEY);
        assert_outcome(&stage, &step, "error", "token_mismatch");
    }
    count(attacks, 2);
}

#[test]
fn a28_a_token_that_is_left_behind() {
    let stage = Stage::with_policy(
        "version: 1\npermissions: [{ permission: ws:deployments:create, branch: main }]\n",
    );
    // However the step ends.
    for (recipe, reason) in [
        (token(), "granted"),
        (token().claim("ref", "refs/heads/x"), "no_rule_matches"),
        (token().claim("run_id", "1"), "token_mismatch"),
        (token().shifted(-3600), "token_invalid"),
        (token().header("kid", "x"), "token_invalid"),
    ] {
        stage.github.set_token(recipe);
        let step = stage.ask(&push("main"), KEY);
        assert_outcome(&stage, &step, super::row::decision_of(reason), reason);
        super::earlier_steps::assert_no_secret(&stage.github, &step, &[]);
        let stolen = stage.github.minted_tokens().pop().unwrap();
        let masked = step
            .commands()
            .iter()
            .position(|command| command.name == "add-mask" && command.data == stolen);
        let said = step
            .commands()
            .iter()
            .position(|command| command.name != "add-mask");
        assert!(
            masked.unwrap() < said.unwrap(),
            "the token is masked before anything is said"
        );
    }
    count(4, 1);
}
