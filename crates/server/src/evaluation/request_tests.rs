use serde_json::json;

use super::*;

fn whole() -> Value {
    json!({
        "subject": {"type": "github_actions_job", "id": "x.y.z"},
        "action": {"name": "ws:locks:create"},
        "resource": {"type": "stack", "id": "7"},
    })
}

fn read(value: &Value) -> Read<Evaluation> {
    evaluation(value.to_string().as_bytes())
}

fn read_all(value: &Value) -> Read<Evaluations> {
    evaluations(value.to_string().as_bytes())
}

fn message<T: fmt::Debug>(read: Read<T>) -> String {
    read.unwrap_err().0
}

#[test]
fn what_nobody_knows_is_ignored() {
    let expected = read(&whole()).unwrap();
    let mut more = whole();
    more["context"] = json!({"time": "1985-10-26T01:22-07:00"});
    more["foo"] = json!([{"nested": true}]);
    more["subject"]["foo"] = json!(1);
    more["subject"]["properties"] = json!({"repository": "acme-org/other"});
    more["action"]["properties"] = json!({"method": "GET"});
    assert_eq!(read(&more).unwrap(), expected);
    more["resource"]["properties"] = json!({"a": [1]});
    let properties = read(&more).unwrap().resource.properties.unwrap();
    assert_eq!(Value::from(properties), json!({"a": [1]}));
}

#[test]
fn each_member_has_one_type() {
    for (pointer, required) in [
        ("/subject", true),
        ("/subject/type", true),
        ("/subject/id", true),
        ("/subject/properties", false),
        ("/action", true),
        ("/action/name", true),
        ("/action/properties", false),
        ("/resource", true),
        ("/resource/type", true),
        ("/resource/id", true),
        ("/resource/properties", false),
        ("/context", false),
    ] {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        for wrong in [json!(null), json!(true), json!(1), json!([])] {
            let mut request = whole();
            request.pointer_mut(parent).unwrap()[name] = wrong;
            let name = pointer.trim_start_matches('/').replace('/', ".");
            let message = message(read(&request));
            assert!(message.starts_with(&format!("`{name}` is ")), "{message}");
        }
        let mut request = whole();
        let members = request.pointer_mut(parent).unwrap().as_object_mut();
        members.unwrap().remove(name);
        assert_eq!(read(&request).is_err(), required, "{pointer}");
    }
    for body in ["", "[]", "7", "{} {}", "{\"subject\": {}, \"subject\": {}}"] {
        assert!(evaluation(body.as_bytes()).is_err(), "{body}");
        assert!(evaluations(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_list_has_defaults() {
    let mut request = whole();
    request["evaluations"] = json!([
        {},
        {"action": {"name": "ws:locks:delete"}},
        {"resource": {"id": "8", "properties": {"a": 1}}},
        {"subject": {"type": "user", "id": "alice"}, "resource": {"type": "record", "id": "1"}},
        {"subject": "alice"},
        {"resource": {"id": 8}},
    ]);
    request["resource"]["properties"] = json!({"b": 2});
    let Evaluations::Several(all, Semantic::ExecuteAll) = read_all(&request).unwrap() else {
        panic!();
    };
    let of = |index: usize| all[index].clone().unwrap();
    let properties = |index: usize| of(index).resource.properties.map(Value::from);
    assert_eq!(of(0).action, "ws:locks:create");
    assert_eq!(properties(0), Some(json!({"b": 2})));
    assert_eq!(of(1).action, "ws:locks:delete");
    // An object replaces the default one, but for the members that it has to have.
    assert_eq!((&*of(2).resource.kind, &*of(2).resource.id), ("stack", "8"));
    assert_eq!(properties(2), Some(json!({"a": 1})));
    assert_eq!(properties(3), None);
    assert_eq!(of(3).subject, "alice");
    assert_eq!(
        message(all[4].clone()),
        "`subject` is a string, expected an object"
    );
    assert_eq!(
        message(all[5].clone()),
        "`resource.id` is a number, expected a string"
    );
}

#[test]
fn without_a_list_it_is_one_evaluation() {
    let expected = Evaluations::One(read(&whole()).unwrap());
    assert_eq!(read_all(&whole()).unwrap(), expected);
    let mut request = whole();
    request["evaluations"] = json!([]);
    assert_eq!(read_all(&request).unwrap(), expected);
    request["subject"] = json!(null);
    assert!(read_all(&request).is_err());
    for wrong in [json!(null), json!({}), json!([1]), json!([{}, "a"])] {
        let mut request = whole();
        request["evaluations"] = wrong;
        assert!(read_all(&request).is_err(), "{request}");
    }
    // Defaults have to be objects even if nothing uses them.
    let mut request = whole();
    request["evaluations"] = json!([whole()]);
    request["context"] = json!("now");
    assert!(read_all(&request).is_err());
}

#[test]
fn the_semantic_is_one_of_three() {
    let with = |options: Value| {
        let mut request = whole();
        request["options"] = options;
        request["evaluations"] = json!([{}]);
        read_all(&request)
    };
    for (name, semantic) in [
        ("execute_all", Semantic::ExecuteAll),
        ("deny_on_first_deny", Semantic::DenyOnFirstDeny),
        ("permit_on_first_permit", Semantic::PermitOnFirstPermit),
    ] {
        let read = with(json!({"evaluations_semantic": name, "other": 1})).unwrap();
        assert!(matches!(read, Evaluations::Several(_, of) if of == semantic));
    }
    assert!(with(json!({})).is_ok());
    for wrong in [json!("Execute_All"), json!(null), json!(true), json!("")] {
        assert!(with(json!({"evaluations_semantic": wrong})).is_err());
    }
    assert!(with(json!([])).is_err());
}

#[test]
fn sizes_have_limits() {
    let many = |count: usize| {
        let mut request = whole();
        request["evaluations"] = vec![json!({}); count].into();
        read_all(&request)
    };
    assert!(many(MAX_EVALUATIONS).is_ok());
    assert!(message(many(MAX_EVALUATIONS + 1)).contains("51 members, the limit is 50"));
    let large = |length: usize| {
        let mut request = whole();
        request["resource"]["properties"] = json!({"a": "x".repeat(length)});
        read(&request)
    };
    assert!(large(4_000).is_ok());
    assert!(large(4_100).is_err());
}

/// Reads a question in the plainest way, from a text in which nothing occurs twice.
fn plainly(text: &[u8]) -> Option<[String; 5]> {
    let request: Value = serde_json::from_slice(text).ok()?;
    let member = |pointer: &str| request.pointer(pointer)?.as_str().map(str::to_owned);
    Some([
        member("/subject/type")?,
        member("/subject/id")?,
        member("/action/name")?,
        member("/resource/type")?,
        member("/resource/id")?,
    ])
}

#[test]
fn mutated_requests_are_read_as_they_are_written_or_not_at_all() {
    use proptest::prelude::*;
    let text = whole().to_string().replace("x.y.z", "x.y\\u002ez");
    let members = [
        "\"subject\"",
        "\"id\"",
        "\"name\"",
        "\"a\":",
        "null",
        "{}",
        "[]",
        ",",
        "\"",
        "\\",
        "}",
        "1e9",
    ];
    let place = 0..text.len();
    let mutation = (place, 0..8_usize, 0..members.len());
    let mutations = proptest::collection::vec(mutation, 1..4);
    let mut config = proptest::test_runner::Config::with_cases(20_000);
    config.failure_persistence = None;
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let read_count = std::cell::Cell::new(0);
    let checked = runner.run(&mutations, |mutations| {
        let mut bytes = text.clone().into_bytes();
        for (at, removed, inserted) in mutations {
            let at = at.min(bytes.len());
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, members[inserted].bytes());
        }
        let plain = plainly(&bytes);
        if let Ok(read) = evaluation(&bytes) {
            read_count.set(read_count.get() + 1);
            let Evaluation {
                subject_type,
                subject,
                action,
                resource,
            } = read;
            let seen = [subject_type, subject, action, resource.kind, resource.id];
            prop_assert_eq!(Some(seen), plain);
        }
        Ok(())
    });
    checked.unwrap();
    assert!(read_count.get() > 100, "{}", read_count.get());
}
