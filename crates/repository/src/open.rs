//! Opening a source: plan, look for the index of that state, otherwise bring the files and build.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use escadre_catalog::{Catalog, Details};
use escadre_model::{Problem, Timestamp};
use reqwest::Client;

use crate::{
    apt,
    build::{self, Plan},
    cache::Place,
    debian,
    decompress::Limits,
    error::RepositoryError,
    location::Location,
    mandriva, rpmmd,
    signature::Trust,
    web,
};

/// The largest index that is fetched when the metadata give no size.
const INDEX_LIMIT: u64 = 2 << 30;

/// A source of packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// What apt has in the lists of the system whose root is this folder (`/`).
    AptLists(PathBuf),
    /// A Debian mirror.
    Debian {
        /// Its root, which holds `dists` and `pool`.
        root: Location,
        /// Suite or codename.
        suite: String,
        /// Components; empty for all.
        components: Vec<String>,
        /// Architectures; empty for all.
        architectures: Vec<String>,
    },
    /// A flat Debian repository: `Packages` and `Release` beside the packages.
    DebianFlat(Location),
    /// An rpm-md repository: `repodata/` beside the packages.
    RpmMd(Location),
    /// A Mandriva tree with `media_info/`, or one synthesis file.
    Mandriva(Location),
}

/// How a source is opened.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// The explicit word: metadata that nobody signed are accepted, and marked as such.
    pub allow_unsigned: bool,
    /// Keyrings to trust; the system's own when none are given.
    pub keyrings: Option<Vec<PathBuf>>,
    /// Folder for the index on disk; without one each opening builds.
    pub cache: Option<PathBuf>,
    /// How far a file may unfold.
    pub limits: Limits,
    /// The time, by which metadata expire; never without it.
    pub now: Option<Timestamp>,
    /// Read the file lists of rpm-md too, for paths that a package requires and `primary` does not list.
    pub filelists: bool,
}

/// An opened source.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its packages.
    pub catalog: Arc<Catalog>,
    /// What was wrong with it.
    pub problems: Vec<Problem>,
    /// Who vouches for each of its parts: root and trust.
    pub trust: Vec<(String, Trust)>,
    /// The catalog came from the index on disk.
    pub from_index: bool,
    details: Arc<LazyDetails>,
}

#[derive(Debug)]
struct LazyDetails {
    loaded: OnceLock<Arc<Details>>,
    path: Option<PathBuf>,
}

impl Opened {
    /// Summaries, paths and checksums; read from disk when first asked for.
    pub fn details(&self) -> Result<Arc<Details>, RepositoryError> {
        if let Some(details) = self.details.loaded.get() {
            return Ok(Arc::clone(details));
        }
        let path = self.details.path.clone().unwrap_or_default();
        let bytes = std::fs::read(&path).map_err(RepositoryError::file("read", &path))?;
        let details = Arc::new(Details::from_bytes(bytes)?);
        Ok(Arc::clone(self.details.loaded.get_or_init(|| details)))
    }

    /// Whether somebody known vouches for all of it.
    pub fn is_signed(&self) -> bool {
        self.trust
            .iter()
            .all(|(_, trust)| matches!(trust, Trust::Signed(_)))
    }
}

/// Opens a source.
pub async fn open(source: &Source, options: &OpenOptions) -> Result<Opened, RepositoryError> {
    open_all(std::slice::from_ref(source), options).await
}

/// Opens several sources as one catalog. All have to hold packages of one kind; the options, the word about unsigned ones
/// too, go for each of them. A package that two sources have in the same version is taken from the one named first.
pub async fn open_all(
    sources: &[Source],
    options: &OpenOptions,
) -> Result<Opened, RepositoryError> {
    let client = web::client()?;
    let plan = joint_plan(sources, &client, options).await?;
    let place = options
        .cache
        .as_deref()
        .map(|folder| Place::new(folder, &plan))
        .transpose()?;
    if let Some(place) = &place {
        let at = place.clone();
        if let Some((catalog, record)) = blocking(move || Ok(at.load())).await? {
            return Ok(Opened {
                catalog: Arc::new(catalog),
                problems: record.problems,
                trust: record.trust,
                from_index: true,
                details: Arc::new(LazyDetails {
                    loaded: OnceLock::new(),
                    path: Some(place.details()),
                }),
            });
        }
    }
    let folder =
        tempfile::tempdir().map_err(RepositoryError::file("create", std::env::temp_dir()))?;
    let files = bring(&plan, folder.path(), &client).await?;
    let limits = options.limits;
    let (plan, catalog, details, problems) = blocking(move || {
        let (catalog, details, problems) = build::build(&plan, &files, limits)?;
        if let Some(place) = &place {
            place.store(&plan, &catalog, &details, &problems)?;
        }
        drop(folder);
        Ok((plan, catalog, details, problems))
    })
    .await?;
    tracing::info!(source = %plan.identity, packages = catalog.len(), problems = problems.len(), "catalog built");
    let details = LazyDetails {
        loaded: OnceLock::from(Arc::new(details)),
        path: None,
    };
    Ok(Opened {
        catalog: Arc::new(catalog),
        problems,
        trust: plan.trust,
        from_index: false,
        details: Arc::new(details),
    })
}

async fn joint_plan(
    sources: &[Source],
    client: &Client,
    options: &OpenOptions,
) -> Result<Plan, RepositoryError> {
    let mut joint: Option<Plan> = None;
    for source in sources {
        let more = plan(source, client, options).await?;
        match &mut joint {
            None => joint = Some(more),
            Some(joint) => joint.join(more)?,
        }
    }
    joint.ok_or_else(|| RepositoryError::Missing {
        place: "an empty list of sources".to_owned(),
        wanted: "at least one source".to_owned(),
    })
}

async fn plan(
    source: &Source,
    client: &Client,
    options: &OpenOptions,
) -> Result<Plan, RepositoryError> {
    match source {
        Source::AptLists(root) => {
            let (root, options) = (root.clone(), options.clone());
            blocking(move || apt::plan(&root, &options)).await
        }
        Source::Debian {
            root,
            suite,
            components,
            architectures,
        } => {
            let folder = format!("dists/{suite}");
            debian::plan(
                debian::Part {
                    root,
                    folder: &folder,
                    components,
                    architectures,
                },
                client,
                options,
            )
            .await
        }
        Source::DebianFlat(root) => {
            let part = debian::Part {
                root,
                folder: "",
                components: &[],
                architectures: &[],
            };
            debian::plan(part, client, options).await
        }
        Source::RpmMd(root) => rpmmd::plan(root, client, options).await,
        Source::Mandriva(root) => mandriva::plan(root, client, options).await,
    }
}

/// The files of the plan's indexes: those of folders where they lie, those of servers in `folder`.
async fn bring(
    plan: &Plan,
    folder: &Path,
    client: &Client,
) -> Result<Vec<PathBuf>, RepositoryError> {
    let mut files = Vec::with_capacity(plan.indexes.len());
    for (number, index) in plan.indexes.iter().enumerate() {
        match &index.location {
            Location::Folder(path) => files.push(path.clone()),
            Location::Web(url) => {
                let path = folder.join(number.to_string());
                let size = index
                    .check
                    .and_then(|check| check.size)
                    .unwrap_or(INDEX_LIMIT);
                web::download(client, url, &path, size, |_| {}).await?;
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Runs blocking work beside the caller's tasks.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RepositoryError> + Send + 'static,
) -> Result<T, RepositoryError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(RepositoryError::Program {
            program: "a blocking task",
            message: error.to_string(),
        }),
    }
}
