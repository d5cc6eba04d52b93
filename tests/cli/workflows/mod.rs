//! Workflow files: what the product makes of them, and what GitHub does.

mod corpus;
mod policy;
mod product;
mod reference;
