//! Links to the documentation.

use engine::decision::Reason;

/// URL of the documentation, without a final slash. Only `Cargo.toml` contains it.
pub const DOCUMENTATION: &str = env!("CARGO_PKG_HOMEPAGE");

/// Returns the page of a reason: what happened, the usual causes, what to do.
pub fn reason_page(reason: Reason) -> String {
    format!("{DOCUMENTATION}/reasons/{}.html", reason.code())
}

/// Returns the link to the explanation of a lint.
pub fn lint_page(code: &str) -> String {
    format!("{DOCUMENTATION}/lint.html#{code}")
}
