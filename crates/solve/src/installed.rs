//! What is installed, found again in the catalog, or added to it where the repositories no longer have it.

use std::borrow::Cow;

use escadre_catalog::{Catalog, CatalogBuilder, CatalogError, Package, PackageId};

/// A catalog that knows every installed package.
#[derive(Debug, Clone)]
pub struct InstalledBase<'c> {
    /// The catalog as given, or with the packages appended that it lacked. Ids stay what they were.
    pub catalog: Cow<'c, Catalog>,
    /// The installed packages.
    pub installed: Vec<PackageId>,
}

/// Finds each installed package by name, version and architecture; appends those that no repository has.
pub fn with_installed<'c>(
    catalog: &'c Catalog,
    packages: &[Package],
) -> Result<InstalledBase<'c>, CatalogError> {
    let mut builder: Option<CatalogBuilder> = None;
    let mut installed = Vec::with_capacity(packages.len());
    for package in packages {
        let arch = (!package.arch.is_empty()).then_some(package.arch.as_str());
        if let Some(id) = catalog.find(&package.name, Some(&package.evr()), arch) {
            installed.push(id);
            continue;
        }
        let builder = match &mut builder {
            Some(builder) => builder,
            empty => {
                let mut fresh = CatalogBuilder::continuing(catalog);
                fresh.begin_source("installed")?;
                empty.insert(fresh)
            }
        };
        installed.push(builder.owned(package)?);
    }
    let catalog = match builder {
        Some(builder) => Cow::Owned(builder.finish()?.0),
        None => Cow::Borrowed(catalog),
    };
    Ok(InstalledBase { catalog, installed })
}
