//! Root metadata: who the publishers are, how many must agree, which online keys count for freshness.
//!
//! Invariants, checked wherever a root is made, accepted by a server or believed by an agent:
//! - each role's threshold can be met by *different* keys: the same key under two ids counts once, so it is refused;
//! - a key of the server's is never a key of the publishers.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU64;

use escadre_model::Timestamp;
use tough::schema::{Role, RoleKeys, RoleType, Root, Signed};

use super::{
    document::{self, Lifetimes, SPECIFICATION},
    installation::{self, Members},
    keys::PublicKey,
    online::OnlinePublicKeys,
};
use crate::TrustError;

const MAX_PUBLISHERS: usize = 64;

/// What a root is to say.
#[derive(Debug, Clone)]
pub struct RootPlan {
    /// The publishers' keys.
    pub publishers: Vec<PublicKey>,
    /// How many of them must sign a root or a list of bundles.
    pub threshold: u32,
    /// The server's keys for freshness.
    pub online: OnlinePublicKeys,
    /// How long metadata lives.
    pub lifetimes: Lifetimes,
}

/// What a root says, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootSummary {
    /// Its version: 1, 2, 3, …
    pub version: u64,
    /// When it expires.
    pub expires: Timestamp,
    /// The publishers' keys, sorted.
    pub publishers: Vec<PublicKey>,
    /// How many of them must sign.
    pub threshold: u64,
    /// The server's keys for freshness.
    pub online: OnlinePublicKeys,
}

impl RootSummary {
    /// Reads a root without believing it.
    pub fn read(bytes: &[u8]) -> Result<Self, TrustError> {
        Self::of(&document::parse::<Root>(bytes)?.signed)
    }

    pub(crate) fn of(root: &Root) -> Result<Self, TrustError> {
        let one = |role| match document::role_keys(root, role).as_slice() {
            [key] => Ok(*key),
            _ => Err(TrustError::RootPlan(format!(
                "the {} role wants exactly one key",
                document::word(role)
            ))),
        };
        let mut publishers = document::role_keys(root, RoleType::Targets);
        publishers.sort();
        Ok(Self {
            version: root.version.get(),
            expires: root.expires,
            publishers,
            threshold: root
                .roles
                .get(&RoleType::Targets)
                .map_or(0, |role| role.threshold.get()),
            online: OnlinePublicKeys {
                snapshot: one(RoleType::Snapshot)?,
                timestamp: one(RoleType::Timestamp)?,
            },
        })
    }
}

/// Whether a root has all signatures that it needs to follow `current` (or to be the first, without one).
pub fn is_complete_root(current: Option<&[u8]>, offered: &[u8]) -> Result<bool, TrustError> {
    let offered = document::parse::<Root>(offered)?;
    let current = current.map(document::parse::<Root>).transpose()?;
    match check_succession(current.as_ref(), &offered) {
        Ok(()) => Ok(true),
        Err(TrustError::MetadataSignature { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// An unsigned root of the given version, of the installation with this name.
pub(crate) fn planned(
    plan: &RootPlan,
    version: NonZeroU64,
    name: Members,
    now: Timestamp,
) -> Result<Signed<Root>, TrustError> {
    let publishers = distinct_publishers(plan)?;
    let mut keys = HashMap::new();
    let mut role = |members: &[PublicKey], threshold: u32| -> Result<RoleKeys, TrustError> {
        let threshold = NonZeroU64::new(threshold.into())
            .ok_or_else(|| TrustError::RootPlan("the threshold must be at least 1".to_owned()))?;
        let mut keyids = Vec::new();
        for member in members {
            let id = member.key_id()?;
            keys.insert(id.clone(), member.tuf());
            keyids.push(id);
        }
        Ok(RoleKeys {
            keyids,
            threshold,
            _extra: HashMap::new(),
        })
    };
    let roles = HashMap::from([
        (RoleType::Root, role(&publishers, plan.threshold)?),
        (RoleType::Targets, role(&publishers, plan.threshold)?),
        (RoleType::Snapshot, role(&[plan.online.snapshot], 1)?),
        (RoleType::Timestamp, role(&[plan.online.timestamp], 1)?),
    ]);
    let root = Root {
        spec_version: SPECIFICATION.to_owned(),
        consistent_snapshot: true,
        version,
        expires: document::expiry(now, plan.lifetimes.root)?,
        keys,
        roles,
        _extra: name,
    };
    check_roles(&root)?;
    Ok(Signed {
        signed: root,
        signatures: Vec::new(),
    })
}

/// The publishers' keys, sorted.
fn distinct_publishers(plan: &RootPlan) -> Result<Vec<PublicKey>, TrustError> {
    let publishers: BTreeSet<PublicKey> = plan.publishers.iter().copied().collect();
    if publishers.len() != plan.publishers.len() {
        return Err(TrustError::RootPlan(
            "a publisher's key is named twice".to_owned(),
        ));
    }
    if publishers.len() > MAX_PUBLISHERS {
        return Err(TrustError::RootPlan(format!(
            "more than {MAX_PUBLISHERS} publishers"
        )));
    }
    Ok(publishers.into_iter().collect())
}

/// The invariants of the module's head.
pub(crate) fn check_roles(root: &Root) -> Result<(), TrustError> {
    let refused = |reason: String| Err(TrustError::RootPlan(reason));
    let mut of_publishers = BTreeSet::new();
    for role in [
        RoleType::Root,
        RoleType::Targets,
        RoleType::Snapshot,
        RoleType::Timestamp,
    ] {
        let word = document::word(role);
        let Some(named) = root.roles.get(&role) else {
            return refused(format!("the {word} role is missing"));
        };
        let keys = document::role_keys(root, role);
        let different: BTreeSet<PublicKey> = keys.iter().copied().collect();
        if keys.len() != named.keyids.len() || different.len() != keys.len() {
            return refused(format!(
                "the {word} role names a key twice, or one that is missing or not Ed25519"
            ));
        }
        if named.threshold.get() > different.len() as u64 {
            return refused(format!(
                "the {word} role wants {} of {} keys",
                named.threshold,
                different.len()
            ));
        }
        match role {
            RoleType::Root | RoleType::Targets => of_publishers.extend(different),
            _ if different.is_disjoint(&of_publishers) => {}
            _ => return refused(format!("a publisher's key is also the server's {word} key")),
        }
    }
    if !root.consistent_snapshot {
        return refused("it does not ask for versioned file names".to_owned());
    }
    Ok(())
}

/// The version of the root that comes after this one; of the first one without.
pub(crate) fn version_after(current: Option<&Signed<Root>>) -> Result<u64, TrustError> {
    match current {
        Some(current) => Ok(document::next_version(&current.signed)?.get()),
        None => Ok(1),
    }
}

/// A new root follows the old one: of the same installation, one version on, signed by a threshold of both.
pub(crate) fn check_succession(
    current: Option<&Signed<Root>>,
    offered: &Signed<Root>,
) -> Result<(), TrustError> {
    check_roles(&offered.signed)?;
    let wanted = version_after(current)?;
    if offered.signed.version().get() != wanted {
        let offered = offered.signed.version().get();
        return Err(TrustError::MetadataVersion {
            role: "root",
            offered,
            wanted,
        });
    }
    if let Some(current) = current {
        installation::check_root(&current.signed, &offered.signed)?;
        document::verify(&current.signed, offered)?;
    }
    document::verify(&offered.signed, offered)
}
