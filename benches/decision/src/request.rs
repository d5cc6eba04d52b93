//! What is asked: random, the same for everyone, allowed and denied both.

use crate::policy::{LIBRARIES, PERMISSIONS, Policy, name};

#[derive(Clone, Debug)]
pub struct Request {
    pub repository: String,
    pub permission: &'static str,
    pub workflow: &'static str,
    pub branch: &'static str,
    pub environment: Option<&'static str>,
}

/// A xorshift generator: the same requests on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 32).unwrap_or(0) % limit
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// Requests about the policy: of repositories that it names, of libraries and of others.
pub fn requests(policy: Policy, count: usize) -> Vec<Request> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let request = |_| Request {
        repository: match random.below(10) {
            0 => format!("acme/other-{}", random.below(1000)),
            1 => format!("{LIBRARIES}{}", random.below(1000)),
            _ => name(random.below(policy.named_repositories())),
        },
        permission: random.one_of(&PERMISSIONS),
        workflow: random.one_of(&["deploy.yml", "deploy.yml", "drift.yml", "test.yml"]),
        branch: random.one_of(&[
            "main",
            "main",
            "develop",
            "feature/x",
            "hotfix/1",
            "mainz",
            "my-feature/x",
        ]),
        environment: random.one_of(&[
            None,
            Some("production"),
            Some("production"),
            Some("staging"),
        ]),
    };
    (0..count).map(request).collect()
}

/// One that the second last rule of the last named repository allows: no engine can stop early.
pub fn first_request(policy: Policy) -> Request {
    Request {
        repository: name(policy.named_repositories() - 1),
        permission: "ws:locks:delete",
        workflow: "test.yml",
        branch: "hotfix/1",
        environment: None,
    }
}
