//! Where links lead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::page::Page;
use crate::support::root;

/// The repository's own pages; the documentation names files that are not part of it by this address.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");
const DOCUMENTATION: &str = env!("CARGO_PKG_HOMEPAGE");

/// What `.ci/outside/playground` builds into the site.
const PLAYGROUND: [&str; 2] = ["/play/", "/play/matrix.html"];

pub fn problems(pages: &[Page]) -> Vec<String> {
    let by_file: BTreeMap<_, _> = pages
        .iter()
        .map(|page| (page.file.as_str(), page))
        .collect();
    let mut problems = Vec::new();
    for page in pages {
        for (line, link) in &page.links {
            if let Err(problem) = follow(page, link, &by_file) {
                problems.push(format!("{}:{line}: `{link}`: {problem}", page.file));
            }
        }
    }
    problems.extend(contents(pages));
    problems
}

fn follow(page: &Page, link: &str, pages: &BTreeMap<&str, &Page>) -> Result<(), String> {
    let (address, anchor) = match link.split_once('#') {
        Some((address, anchor)) => (address, Some(anchor)),
        None => (link, None),
    };
    let file = if let Some(path) = address.strip_prefix(DOCUMENTATION) {
        if PLAYGROUND.contains(&path) {
            return Ok(());
        }
        let path = path.trim_start_matches('/');
        match path.strip_suffix(".html") {
            Some(path) => format!("docs/{path}.md"),
            None if path.is_empty() => "docs/introduction.md".to_owned(),
            None => return Err("not a page of the documentation".to_owned()),
        }
    } else if let Some(path) = address.strip_prefix(REPOSITORY) {
        let path = ["/blob/main/", "/tree/main/"]
            .iter()
            .find_map(|kind| path.strip_prefix(kind));
        // Issues, releases, the repository itself.
        let Some(path) = path else { return Ok(()) };
        path.to_owned()
    } else if address.starts_with("https://") || address.starts_with("mailto:") {
        return Ok(());
    } else if address.contains(':') {
        return Err("expected https".to_owned());
    } else if address.is_empty() {
        page.file.clone()
    } else {
        let from = Path::new(&page.file).parent().unwrap();
        let file = normal(&from.join(address)).ok_or("leads out of the repository")?;
        // On the site there is nothing beside it.
        if page.file.starts_with("docs/") && !file.starts_with("docs/") {
            return Err(format!(
                "not on the site: write {REPOSITORY}/blob/main/{file}"
            ));
        }
        file
    };
    if !root().join(&file).exists() {
        return Err(format!("there is no {file}"));
    }
    match (anchor, pages.get(file.as_str())) {
        (Some(anchor), Some(target)) if !target.anchors.iter().any(|one| one == anchor) => {
            Err(format!("{file} has no heading for it"))
        }
        _ => Ok(()),
    }
}

fn normal(path: &Path) -> Option<String> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                normal.pop().then_some(())?;
            }
            Component::CurDir => {}
            _ => return None,
        }
    }
    normal.to_str().map(str::to_owned)
}

/// The contents of the site name every page once.
fn contents(pages: &[Page]) -> Vec<String> {
    let mut problems = Vec::new();
    let summary = pages.iter().find(|page| page.file == "docs/SUMMARY.md");
    let mut named = BTreeSet::new();
    for (_, link) in &summary.unwrap().links {
        if !named.insert(format!("docs/{link}")) {
            problems.push(format!("docs/SUMMARY.md: `{link}` twice"));
        }
    }
    let of_site = pages.iter().map(|page| page.file.as_str());
    let of_site = of_site.filter(|file| file.starts_with("docs/") && *file != "docs/SUMMARY.md");
    for file in of_site.filter(|file| !named.contains(*file)) {
        problems.push(format!("docs/SUMMARY.md: {file} is missing"));
    }
    problems
}
