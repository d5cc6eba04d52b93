//! GitHub's APIs: the only place that sees octocrab.

mod about;
mod api;
mod app;
mod check_run;
mod contents;
mod graphql;
mod rate_limit;
mod repository;
mod status;

pub use about::{About, Origin, Owner};
pub use api::{Api, ApiError};
pub use app::{App, AppError, InstallationToken};
pub use check_run::{
    Annotation, AnnotationLevel, CheckRun, Conclusion, CreatedCheckRun, MAX_ANNOTATIONS, MAX_TEXT,
    Output,
};
pub use contents::File;
pub use graphql::{
    FileText, ListedFile, ListedRepository, NoFiles, PageQuery, QueryError, RepositoryPage,
};
pub use rate_limit::{Limited, RateLimit};
pub use repository::{RepositoryName, is_commit_sha};
pub use status::{CommitStatus, MAX_DESCRIPTION, State};
