//! Workflow files: what the product makes of them, and what GitHub does.

mod corpus;
mod generate;
mod policy;
mod product;
mod property;
mod proposal;
mod reference;
mod repositories;
mod rows;
