//! Carrying a query out.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::QueryFault;
use super::bill::Bill;
use super::document::{Field, Operation};
use super::object::{Object, Owner, Page, PageInfo, oid, text};
use crate::github::access::{Access, Level};
use crate::github::limits::Usage;
use crate::github::state::State;
use graphql_tools::static_graphql::query::SelectionSet;

/// What a field is.
enum Resolved {
    Leaf(Value),
    Object(Object),
    List(Vec<Object>),
}

pub(crate) struct Execution<'e> {
    state: &'e State,
    access: &'e Access,
    operation: &'e Operation,
    bill: Bill,
    usage: Option<Usage>,
    path: Vec<Value>,
    pub(crate) errors: Vec<Value>,
    /// Of the files in the answer.
    pub(crate) bytes: usize,
}

impl<'e> Execution<'e> {
    pub(crate) fn new(
        state: &'e State,
        access: &'e Access,
        operation: &'e Operation,
        bill: Bill,
        usage: Option<Usage>,
    ) -> Self {
        Self {
            state,
            access,
            operation,
            bill,
            usage,
            path: Vec::new(),
            errors: Vec::new(),
            bytes: 0,
        }
    }

    pub(crate) fn run(&mut self) -> Value {
        let operation = self.operation;
        self.object(&Object::Query, &operation.selection)
    }

    fn object(&mut self, object: &Object, selection: &'e SelectionSet) -> Value {
        if let Object::Repository(repository) = object
            && self.fault(&repository.full_name()) == Some(QueryFault::Saml)
        {
            let message = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.";
            self.error("FORBIDDEN", message, &json!({"saml_failure": true}));
            return Value::Null;
        }
        let mut answer = Map::new();
        let operation = self.operation;
        for field in operation.fields(selection, object.types()) {
            self.path.push(field.key.into());
            let value = match self.resolve(object, &field) {
                Resolved::Leaf(value) => value,
                Resolved::Object(object) => self.object(&object, field.selection),
                Resolved::List(list) => {
                    let items = list.iter().enumerate().map(|(index, item)| {
                        self.path.push(index.into());
                        let value = self.object(item, field.selection);
                        self.path.pop();
                        value
                    });
                    items.collect()
                }
            };
            self.path.pop();
            answer.insert(field.key.to_owned(), value);
        }
        Value::Object(answer)
    }

    fn resolve(&mut self, object: &Object, field: &Field<'_>) -> Resolved {
        let leaf = |value: Value| Resolved::Leaf(value);
        match (object, field.name) {
            (object, "__typename") => leaf(object.types().first().copied().into()),
            (Object::Query, "rateLimit") if self.usage.is_some() => {
                Resolved::Object(Object::RateLimit)
            }
            (Object::Query, "repositoryOwner") => {
                match self.owner(argument(field, "login").unwrap_or_default()) {
                    Some(owner) => Resolved::Object(Object::Owner(owner)),
                    None => leaf(Value::Null),
                }
            }
            (Object::RateLimit, name) => leaf(self.rate_limit(name)),
            (Object::Owner(owner), "repositories") => match self.page(owner, field) {
                Ok(page) => Resolved::Object(Object::Repositories(page)),
                Err(message) => {
                    self.error("INVALID_CURSOR_ARGUMENTS", &message, &Value::Null);
                    leaf(Value::Null)
                }
            },
            (Object::Owner(owner), "login") => leaf(owner.login.clone().into()),
            (Object::Owner(owner), "databaseId") => leaf(owner.id.into()),
            (Object::Owner(owner), _) => leaf(format!("O_{}", owner.id).into()),
            (Object::Repositories(page), "totalCount") => leaf(page.total.into()),
            (Object::Repositories(page), "pageInfo") => {
                Resolved::Object(Object::PageInfo(page.info.clone()))
            }
            (Object::Repositories(page), _) => Resolved::List(
                page.nodes
                    .iter()
                    .map(|repository| Object::Repository(Arc::clone(repository)))
                    .collect(),
            ),
            (Object::PageInfo(info), name) => leaf(match name {
                "endCursor" => info.end.clone().into(),
                "startCursor" => info.start.clone().into(),
                "hasNextPage" => info.has_next.into(),
                _ => info.has_previous.into(),
            }),
            (Object::Repository(repository), "owner") => Resolved::Object(Object::Owner(
                self.owner(&repository.owner).unwrap_or(Owner {
                    login: repository.owner.clone(),
                    id: repository.owner_id,
                    is_user: false,
                }),
            )),
            (Object::Repository(repository), "object") => self.git_object(repository, field),
            (Object::Repository(repository), name) => leaf(match name {
                "databaseId" => repository.id.into(),
                "isArchived" => repository.archived.into(),
                "isFork" => repository.fork.into(),
                "isPrivate" => repository.private.into(),
                "name" => repository.name.clone().into(),
                "nameWithOwner" => repository.full_name().into(),
                _ => format!("R_{}", repository.id).into(),
            }),
            (Object::Tree(tree), "entries") => Resolved::List(Object::entries(tree)),
            (Object::Entry(_, content), "object") => {
                Resolved::Object(Object::Blob(content.clone()))
            }
            (Object::Entry(name, content), field) => leaf(match field {
                "name" => name.clone().into(),
                "type" => "blob".into(),
                "size" => content.len().into(),
                _ => 0o100_644.into(),
            }),
            (Object::Directory(_), "object") => Resolved::Object(Object::Tree(Default::default())),
            (Object::Directory(name), field) => leaf(match field {
                "name" => name.clone().into(),
                "type" => "tree".into(),
                "size" => 0.into(),
                _ => 0o040_000.into(),
            }),
            (Object::Blob(content), name) => leaf(self.blob(content, name)),
            (_, _) => leaf(Value::Null),
        }
    }

    fn fault(&self, full_name: &str) -> Option<QueryFault> {
        self.state.capacity.faults.get(full_name).copied()
    }

    fn git_object(
        &mut self,
        repository: &crate::github::Repository,
        field: &Field<'_>,
    ) -> Resolved {
        let may_read =
            !repository.private || self.access.permissions.level("contents") >= Level::Read;
        let failed = match self.fault(&repository.full_name()) {
            Some(QueryFault::Timeout) => Some((
                "",
                "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug.",
            )),
            Some(QueryFault::ResourceLimits) => Some((
                "RESOURCE_LIMITS_EXCEEDED",
                "Resource limits for this query exceeded.",
            )),
            _ if !may_read => Some(("FORBIDDEN", "Resource not accessible by integration")),
            _ => None,
        };
        if let Some((kind, message)) = failed {
            self.error(kind, message, &Value::Null);
            return Resolved::Leaf(Value::Null);
        }
        let found =
            argument(field, "expression").and_then(|expression| Object::at(repository, expression));
        found.map_or(Resolved::Leaf(Value::Null), Resolved::Object)
    }

    fn blob(&mut self, content: &[u8], name: &str) -> Value {
        let (text, is_cut) = text(content);
        match name {
            "byteSize" => content.len().into(),
            "isBinary" => text.is_none().into(),
            "isTruncated" => is_cut.into(),
            "text" => {
                self.bytes += text.as_ref().map_or(0, String::len);
                text.into()
            }
            _ => oid(content).into(),
        }
    }

    fn rate_limit(&self, name: &str) -> Value {
        let Some(usage) = self.usage else {
            return Value::Null;
        };
        match name {
            "cost" => self.bill.points.into(),
            "nodeCount" => self.bill.nodes.into(),
            "limit" => usage.limit.into(),
            "remaining" => usage.remaining().into(),
            "used" => usage.used.into(),
            _ => usage.reset.strftime("%FT%TZ").to_string().into(),
        }
    }

    fn owner(&self, login: &str) -> Option<Owner> {
        let repositories = self.state.repositories.iter();
        let of_repositories =
            repositories.map(|repository| (&*repository.owner, repository.owner_id));
        let organizations = self.state.organizations.iter();
        let mut known = organizations
            .map(|organization| (organization.login(), organization.id()))
            .chain(of_repositories);
        let (login, id) = known.find(|(known, _)| known.eq_ignore_ascii_case(login))?;
        let is_user = self
            .state
            .users
            .iter()
            .any(|user| user.eq_ignore_ascii_case(login));
        Some(Owner {
            login: login.to_owned(),
            id,
            is_user,
        })
    }

    /// The repositories that the token can see, in the order in which they were created.
    fn page(&self, owner: &Owner, field: &Field<'_>) -> Result<Page, String> {
        let order = field.arguments.get("orderBy");
        if order != Some(&json!({"field": "CREATED_AT", "direction": "ASC"})) {
            return Err("only the order of creation is modelled".to_owned());
        }
        let first = field.arguments.get("first").and_then(Value::as_u64);
        let first = first
            .and_then(|first| usize::try_from(first).ok())
            .unwrap_or_default();
        let after = match argument(field, "after") {
            Some(cursor) => place(cursor)
                .ok_or_else(|| format!("`{cursor}` does not appear to be a valid cursor."))?,
            None => 0,
        };
        let visible = self.state.repositories.iter().filter(|repository| {
            repository.owner.eq_ignore_ascii_case(&owner.login)
                && (!repository.private || self.access.covers(repository))
        });
        let visible: Vec<_> = visible.collect();
        let organizations = self.state.organizations.iter();
        let organizations: Vec<_> = organizations
            .filter(|organization| organization.login().eq_ignore_ascii_case(&owner.login))
            .filter(|organization| self.access.covers_owner(organization.login()))
            .collect();
        let made: usize = organizations
            .iter()
            .map(|organization| organization.count())
            .sum();
        let total = visible.len() + made;
        let nodes: Vec<_> = (after..total.min(after.saturating_add(first)))
            .filter_map(|index| match visible.get(index) {
                Some(repository) => Some(Arc::new((*repository).clone())),
                None => {
                    let mut number = index - visible.len();
                    organizations.iter().find_map(|organization| {
                        if number < organization.count() {
                            return Some(Arc::new(organization.repository(number)));
                        }
                        number -= organization.count();
                        None
                    })
                }
            })
            .collect();
        let end = after + nodes.len();
        let is_empty = nodes.is_empty();
        Ok(Page {
            info: PageInfo {
                start: (!is_empty).then(|| cursor(after + 1)),
                end: (!is_empty).then(|| cursor(end)),
                has_next: end < total,
                has_previous: after > 0,
            },
            nodes,
            total,
        })
    }

    fn error(&mut self, kind: &str, message: &str, extensions: &Value) {
        let mut error = Map::new();
        error.insert("path".into(), self.path.clone().into());
        error.insert("message".into(), message.into());
        if !kind.is_empty() {
            error.insert("type".into(), kind.into());
        }
        if !extensions.is_null() {
            error.insert("extensions".into(), extensions.clone());
        }
        self.errors.push(error.into());
    }
}

fn argument<'f>(field: &'f Field<'_>, name: &str) -> Option<&'f str> {
    field.arguments.get(name)?.as_str()
}

/// Clients are not to look into it.
fn cursor(place: usize) -> String {
    STANDARD.encode(format!("cursor:v2:{place}"))
}

fn place(cursor: &str) -> Option<usize> {
    let bytes = STANDARD.decode(cursor).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.strip_prefix("cursor:v2:")?.parse().ok()
}
