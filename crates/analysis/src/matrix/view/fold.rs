//! Folds rows where nothing is lost: files whose rows say the same, environments with the same cells, and what gets
//! nothing.

use std::collections::HashMap;

use super::findings::SharedFinding;
use super::words;
use crate::matrix::{AccessMatrix, Cell, Row, RowKind};

/// Which rows to fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folding {
    /// Those that say the same, and those that get nothing.
    On,
    /// None.
    Off,
}

/// The rows of the matrix.
#[derive(Debug)]
pub struct Folded<'m, 'a> {
    /// Files that get something or have a finding, and the files that do not exist yet.
    pub blocks: Vec<Block<'m, 'a>>,
    /// Files that get nothing.
    pub nothing: Vec<Block<'m, 'a>>,
}

/// Files whose rows say the same.
#[derive(Debug)]
pub struct Block<'m, 'a> {
    /// Names of the files; none for files that do not exist yet.
    pub files: Vec<&'a str>,
    /// Rows of the first file.
    pub rows: Vec<&'m Row<'a>>,
    /// The same rows, those with the same cells together, without those that get nothing.
    pub groups: Vec<Vec<&'m Row<'a>>>,
    /// Rows that get nothing.
    pub nothing: Vec<&'m Row<'a>>,
    /// Indices of the findings about the files.
    pub findings: Vec<usize>,
    /// Whether the jobs of all files have the same names.
    pub has_same_jobs: bool,
}

impl<'m, 'a> Folded<'m, 'a> {
    /// Folds the rows of a matrix.
    pub fn new(
        matrix: &'m AccessMatrix<'a>,
        findings: &[SharedFinding<'_>],
        folding: Folding,
    ) -> Self {
        let mut blocks: Vec<Block<'m, 'a>> = Vec::new();
        let mut same: HashMap<String, usize> = HashMap::new();
        let files = matrix
            .rows
            .chunk_by(|one, next| one.kind.file() == next.kind.file());
        for rows in files {
            let block = Block::new(rows, findings, folding);
            let key = block.key();
            let known = same.get(&key).filter(|_| folding == Folding::On);
            match known.and_then(|index| blocks.get_mut(*index)) {
                Some(known) => {
                    known.files.extend(&block.files);
                    known.has_same_jobs &= known.jobs().eq(block.jobs());
                }
                None => {
                    same.insert(key, blocks.len());
                    blocks.push(block);
                }
            }
        }
        let (nothing, blocks) = blocks
            .into_iter()
            .partition(|block| folding == Folding::On && block.gets_nothing());
        Self { blocks, nothing }
    }

    /// Returns the names of the files that get nothing: those that a rule covers, and the others.
    pub fn files_with_nothing(&self) -> [Vec<&'a str>; 2] {
        [true, false].map(|covered| {
            let blocks = self.nothing.iter();
            let blocks = blocks.filter(|block| block.is_covered() == covered);
            let mut files: Vec<_> = blocks
                .flat_map(|block| block.files.iter().copied())
                .collect();
            files.sort_unstable();
            files
        })
    }
}

impl<'m, 'a> Block<'m, 'a> {
    /// Makes a block of the rows of one file.
    fn new(rows: &'m [Row<'a>], findings: &[SharedFinding<'_>], folding: Folding) -> Self {
        let mut groups: Vec<(String, Vec<&'m Row<'a>>)> = Vec::new();
        let mut nothing = Vec::new();
        for row in rows {
            if folding == Folding::Off {
                groups.push((String::new(), vec![row]));
                continue;
            }
            if row.gets_nothing() && row.kind != RowKind::Other {
                nothing.push(row);
                continue;
            }
            let key = cells_key(row);
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, group)) => group.push(row),
                None => groups.push((key, vec![row])),
            }
        }
        let concerns = |(index, finding): (usize, &SharedFinding<'_>)| {
            let mut rows = rows.iter();
            rows.any(|row| finding.concerns(row)).then_some(index)
        };
        Self {
            files: rows
                .first()
                .and_then(|row| row.kind.file())
                .into_iter()
                .collect(),
            rows: rows.iter().collect(),
            groups: groups.into_iter().map(|(_, group)| group).collect(),
            nothing,
            findings: findings.iter().enumerate().filter_map(concerns).collect(),
            has_same_jobs: true,
        }
    }

    /// Whether a rule covers one of its rows.
    fn is_covered(&self) -> bool {
        let mut cells = self.rows.iter().flat_map(|row| &row.cells);
        cells.any(|cell| !cell.hints.is_empty())
    }

    fn jobs(&self) -> impl Iterator<Item = &'m Vec<String>> {
        self.rows.iter().map(|row| &row.jobs)
    }

    /// Whether its files have neither a grant nor a finding.
    fn gets_nothing(&self) -> bool {
        self.groups.is_empty() && self.findings.is_empty()
    }

    /// Key that is equal for files about which every format says the same. The jobs may differ.
    fn key(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let kind = match &row.kind {
                RowKind::File { environment, .. } => Some(environment),
                RowKind::Unreadable { .. } | RowKind::Other => None,
            };
            let is_file = !self.files.is_empty();
            (
                is_file,
                kind,
                &row.events,
                &row.bases,
                row.id_token,
                cells_key(row),
            )
        });
        let triggers = self.rows.first().map(|row| &row.triggers);
        let rows = rows.collect::<Vec<_>>();
        format!("{:?}", (&self.findings, triggers, rows))
    }
}

/// Key that is equal for rows with the same cells. A grant shows what its rules say about its events, and about the
/// environment if only a run knows it.
fn cells_key(row: &Row<'_>) -> String {
    let cell = |cell: &Cell<'_>| {
        let grants = cell.grants.iter().map(|grant| {
            let rules = grant.rules.iter().map(|rule| (rule.line, rule.column));
            (
                rules.collect::<Vec<_>>(),
                grant.events.clone(),
                row.is_certain(grant),
            )
        });
        let hints = cell.hints.iter().map(|hint| words::hint(row, hint));
        format!(
            "{:?}",
            (grants.collect::<Vec<_>>(), hints.collect::<Vec<_>>())
        )
    };
    row.cells.iter().map(cell).collect()
}
