use super::*;
use crate::report::check::AnnotationLevel;
use engine::encoding::NotText;

fn reviewed(old: &str, new: &str, max: usize) -> Review {
    let material = Material {
        path: "policy.yml".to_owned(),
        old: Some(Ok(old.to_owned())),
        new: Some(Ok(new.to_owned())),
        ..Material::default()
    };
    review(&material, Timestamp::UNIX_EPOCH, max)
}

#[test]
fn a_page_is_truncated_at_a_line() {
    let rules: String = (0..300)
        .map(|n| format!("  - {{ permission: a:b, branch: '{n}', workflow: \"x`{n}\" }}\n"))
        .collect();
    let new = format!("version: 1\npermissions:\n{rules}");
    let old = "version: 1\npermissions: []\n";
    for max in [300, 3_000, 20_000] {
        let page = reviewed(old, &new, max).page;
        assert!(page.len() <= max, "{} of {max}", page.len());
        assert!(page.ends_with("*The page is longer than GitHub allows.*\n"));
    }
    let review = reviewed(old, &new, usize::MAX);
    assert!(review.page.contains("200 more changes are not shown"));
    assert_eq!(review.conclusion, Conclusion::Neutral);
}

#[test]
fn a_change_is_annotated_at_the_changed_line_of_its_rule() {
    let old = "version: 1\npermissions:\n  - permission: a:b\n    branch:\n      - main\n  - permission: a:c\n";
    let new = old.replace("- main\n", "- main\n      - dev\n");
    let review = reviewed(old, &new, usize::MAX);
    let notes = review.annotations.iter();
    let notes: Vec<_> = notes
        .map(|note| (note.start_line, note.annotation_level))
        .collect();
    // Pushes to `dev`, and pull requests from `main` into `dev`.
    assert_eq!(notes, [(6, AnnotationLevel::Warning); 2]);
}

#[test]
fn a_policy_that_is_not_text_fails() {
    for (why, message) in [
        (NotText::At(10), "the policy is not UTF-8 text: byte 10"),
        (NotText::Utf16, "the policy is UTF-16, save it as UTF-8"),
    ] {
        let material = Material {
            path: "policy.yml".to_owned(),
            new: Some(Err(why)),
            ..Material::default()
        };
        let review = review(&material, Timestamp::UNIX_EPOCH, usize::MAX);
        assert_eq!(review.conclusion, Conclusion::Failure);
        assert!(review.page.contains(message), "{}", review.page);
    }
}
