//! Where people read on: pages of the documentation.

use engine::decision::Reason;

/// The address of the documentation, without a slash at its end. It stands in `Cargo.toml` alone.
pub const DOCUMENTATION: &str = env!("CARGO_PKG_HOMEPAGE");

/// The page of a reason: what happened, the usual causes, what to do.
pub fn reason_page(reason: Reason) -> String {
    format!("{DOCUMENTATION}/reasons/{}.html", reason.code())
}

/// The part of a page that explains a code of the lint.
pub fn lint_page(code: &str) -> String {
    format!("{DOCUMENTATION}/lint.html#{code}")
}
