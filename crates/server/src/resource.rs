//! What a question is about, beside the job and the permission.

use serde_json::{Map, Value, json};

use engine::context::Context;

/// Type of a resource that is a repository.
const REPOSITORY: &str = "repository";

/// A resource of AuthZEN. It does not decide, except that a repository has to be the job's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its type.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its properties.
    pub properties: Option<Map<String, Value>>,
}

impl Resource {
    /// Returns whether it is another repository than the job's. A repository is named as `OWNER/NAME`, in any case,
    /// or by its id in digits; a name has a `/` and an id has none.
    pub fn is_other_repository(&self, context: &Context) -> bool {
        let is_name = |name: &String| name.eq_ignore_ascii_case(&self.id);
        let is_this = context.repository.as_ref().is_some_and(is_name)
            || context.repository_id.as_ref() == Some(&self.id);
        self.kind == REPOSITORY && !is_this
    }

    /// Returns its JSON, for the audit record.
    pub fn to_json(&self) -> Value {
        let mut resource = json!({"type": self.kind, "id": self.id});
        if let (Some(resource), Some(properties)) = (resource.as_object_mut(), &self.properties) {
            resource.insert("properties".to_owned(), properties.clone().into());
        }
        resource
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_to_be_the_jobs() {
        let context = Context {
            repository: Some("acme-org/infra".to_owned()),
            repository_id: Some("123".to_owned()),
            ..Context::default()
        };
        for (kind, id, is_other) in [
            ("repository", "acme-org/infra", false),
            ("repository", "Acme-Org/Infra", false),
            ("repository", "123", false),
            ("repository", "0123", true),
            ("repository", "acme-org/infra ", true),
            ("repository", "acme-org/other", true),
            ("repository", "", true),
            ("stack", "acme-org/other", false),
            // Another type, which nobody compares.
            ("Repository", "acme-org/other", false),
        ] {
            let (kind, id) = (kind.to_owned(), id.to_owned());
            let properties = None;
            let resource = Resource {
                kind,
                id,
                properties,
            };
            assert_eq!(
                resource.is_other_repository(&context),
                is_other,
                "{resource:?}"
            );
            let unknown = resource.is_other_repository(&Context::default());
            assert_eq!(unknown, resource.kind == "repository", "{resource:?}");
        }
    }
}
