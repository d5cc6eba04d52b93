//! The objects that a query walks over.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::github::Repository;
use crate::github::repository::blob_sha;

/// GitHub cuts a blob's text here.
const MAX_TEXT: usize = 512_000;

/// An object of the schema.
pub(crate) enum Object {
    Query,
    Owner(Owner),
    Repositories(Page),
    PageInfo(PageInfo),
    Repository(Arc<Repository>),
    Tree(BTreeMap<String, Vec<u8>>),
    Entry(String, Vec<u8>),
    /// A directory in a directory.
    Directory(String),
    Blob(Vec<u8>),
    RateLimit,
}

/// Who has repositories.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) login: String,
    pub(crate) id: u64,
    pub(crate) is_user: bool,
}

/// One page of repositories.
pub(crate) struct Page {
    pub(crate) nodes: Vec<Arc<Repository>>,
    pub(crate) total: usize,
    pub(crate) info: PageInfo,
}

#[derive(Clone)]
pub(crate) struct PageInfo {
    pub(crate) start: Option<String>,
    pub(crate) end: Option<String>,
    pub(crate) has_next: bool,
    pub(crate) has_previous: bool,
}

impl Object {
    /// Its type and the interfaces of that.
    pub(crate) fn types(&self) -> &'static [&'static str] {
        match self {
            Self::Query => &["Query"],
            Self::Owner(owner) if owner.is_user => &["User", "RepositoryOwner"],
            Self::Owner(_) => &["Organization", "RepositoryOwner"],
            Self::Repositories(_) => &["RepositoryConnection"],
            Self::PageInfo(_) => &["PageInfo"],
            Self::Repository(_) => &["Repository"],
            Self::Tree(_) => &["Tree", "GitObject"],
            Self::Entry(..) | Self::Directory(_) => &["TreeEntry"],
            Self::Blob(_) => &["Blob", "GitObject"],
            Self::RateLimit => &["RateLimit"],
        }
    }

    /// What `expression` names at the tip of the default branch: `HEAD:PATH`.
    pub(crate) fn at(repository: &Repository, expression: &str) -> Option<Self> {
        let (reference, path) = expression.split_once(':')?;
        let tree = repository.tree(&repository.resolve(Some(reference))?);
        if let Some(content) = tree.get(path) {
            return Some(Self::Blob(content.clone()));
        }
        let prefix = format!("{path}/");
        let inside: BTreeMap<_, _> = tree
            .into_iter()
            .filter_map(|(file, content)| Some((file.strip_prefix(&prefix)?.to_owned(), content)))
            .collect();
        (!inside.is_empty()).then_some(Self::Tree(inside))
    }

    /// The entries of a tree: files, and each directory once.
    pub(crate) fn entries(tree: &BTreeMap<String, Vec<u8>>) -> Vec<Self> {
        let mut entries = BTreeMap::new();
        for (path, content) in tree {
            match path.split_once('/') {
                Some((name, _)) => entries.insert(name, Self::Directory(name.to_owned())),
                None => entries.insert(path, Self::Entry(path.clone(), content.clone())),
            };
        }
        entries.into_values().collect()
    }
}

/// The text of a blob, and whether that is not all of it; `None` when it is binary.
pub(crate) fn text(content: &[u8]) -> (Option<String>, bool) {
    let is_cut = content.len() > MAX_TEXT;
    let start = content.get(..MAX_TEXT).unwrap_or(content);
    let is_text = !start.contains(&0) && (is_cut || std::str::from_utf8(start).is_ok());
    let text = is_text.then(|| String::from_utf8_lossy(start).into_owned());
    (text, is_cut)
}

/// The object name of a blob.
pub(crate) fn oid(content: &[u8]) -> String {
    blob_sha(content)
}
