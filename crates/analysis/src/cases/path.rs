//! Resolves names in files of cases to paths in the repository.

use engine::policy::quoted;

/// A name in a file of cases that is not the path of a file in the repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {problem}", quoted(name))]
pub struct InvalidName {
    name: String,
    problem: &'static str,
}

/// Returns the path of `name` in a file of cases at the path `file`. The name is relative to the file's directory.
/// Both paths are relative to the root of the repository and use `/`.
///
/// # Errors
/// The path is outside the repository, or is not a valid path in a repository.
pub fn in_repository(file: &str, name: &str) -> Result<String, InvalidName> {
    let wrong = |problem| {
        let name = name.to_owned();
        Err(InvalidName { name, problem })
    };
    if name.starts_with('/') {
        return wrong(
            "is an absolute path, expected one relative to the directory of the file of cases",
        );
    }
    if name.chars().any(|c| c.is_control() || c == '\\') {
        return wrong("has a control character or a backslash");
    }
    let mut path: Vec<_> = file.split('/').collect();
    path.pop();
    let mut is_file = false;
    for segment in name.split('/') {
        is_file = !matches!(segment, "" | "." | "..");
        if is_file {
            path.push(segment);
        } else if segment == ".." && path.pop().is_none() {
            return wrong("is outside the repository");
        }
    }
    if is_file {
        Ok(path.join("/"))
    } else {
        wrong("is a directory, expected a file")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_from_the_directory_of_the_cases() {
        for (file, name, path) in [
            ("cases.yml", "policy.yml", "policy.yml"),
            (".github/a.tests.yml", "a.yml", ".github/a.yml"),
            (".github/a.tests.yml", "./b//./c.json", ".github/b/c.json"),
            (
                "examples/tests/a.yml",
                "../policies/a.yml",
                "examples/policies/a.yml",
            ),
            ("a/b/c.yml", "../../d.yml", "d.yml"),
            ("a/b/c.yml", "x/../../d.yml", "a/d.yml"),
            ("a.yml", "..b/...", "..b/..."),
        ] {
            assert_eq!(in_repository(file, name).as_deref(), Ok(path), "{name}");
        }
    }

    #[test]
    fn nothing_leaves_the_repository() {
        for (file, name) in [
            ("cases.yml", "../policy.yml"),
            ("a/b.yml", "../../policy.yml"),
            ("a/b.yml", "x/../../../a/policy.yml"),
            ("a/b.yml", "/etc/passwd"),
            ("a/b.yml", ""),
            ("a/b.yml", "."),
            ("a/b.yml", ".."),
            ("a/b.yml", "c/"),
            ("a/b.yml", "c/.."),
            ("a/b.yml", "c\\d"),
            ("a/b.yml", "c\nd"),
        ] {
            assert!(in_repository(file, name).is_err(), "{name}");
        }
    }
}
