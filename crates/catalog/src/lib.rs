//! What packages exist: readers of the metadata of package repositories, and the catalog that they fill.
//!
//! Invariants:
//! - Pure: takes bytes or text, returns values and a list of [`escadre_model::Problem`] with file and line; opens nothing.
//! - Input comes from strangers: every reader works in time and memory proportional to its input and never panics.
//! - Order is kept: packages as in the files, alternatives as the distribution wrote them.
//!
//! Absent on purpose: choosing. Which of the packages come together is said in `solve` and `select`.

pub mod catalog;
pub mod debian;
mod error;
pub mod media_cfg;
pub mod package;
pub mod rpmmd;
pub mod synthesis;

pub use catalog::{Catalog, CatalogBuilder, Details, NameId, PackageId, RelationKind};
pub use error::CatalogError;
pub use package::{Op, Package, Property};
