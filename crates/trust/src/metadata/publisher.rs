//! The publisher: the only one whose word makes a host run something.
//!
//! A publisher may sit on another machine than the server: every operation takes the current metadata as bytes (copied
//! over in any way) and gives new bytes back. The way is not trusted. The folder remembers the root that this publisher
//! follows and the newest list it has seen, and refuses to build on anything else: otherwise a server that was taken
//! over could hand out a list with its own bundles in it and have it signed with the next good one.
//!
//! With a threshold above one, the bytes that come back lack signatures: the next publisher looks at
//! [`super::changes`], then calls [`Publisher::sign_targets`] or [`Publisher::sign_root`].

use std::{
    num::NonZeroU64,
    path::{Path, PathBuf},
};

use escadre_model::{BundleRef, Timestamp};
use tough::schema::{Role, RoleType, Root, Signed, Targets};

use super::{
    document::{self, Lifetimes, MAX_ROOT_BYTES},
    keys::{Fingerprint, PublicKey, SigningKey, is_locked},
    root::{self, RootPlan},
    targets,
};
use crate::{
    SecretString, TrustError,
    secret::{create_private_folder, read_bounded, read_if_there, write_private, write_public},
};

const KEY_FILE: &str = "publisher.pem";
const PUBLIC_FILE: &str = "publisher.pub";
const ROOT_FILE: &str = "root.json";
const SEEN_FILE: &str = "targets-seen";

/// A publisher's key, opened, with the folder that it lives in.
#[derive(Debug)]
pub struct Publisher {
    folder: PathBuf,
    key: SigningKey,
}

impl Publisher {
    /// Makes a key (Ed25519) in a folder of its own (0700): `publisher.pem`, locked if a passphrase is given, and
    /// `publisher.pub`. Never overwrites.
    pub fn create(folder: &Path, passphrase: Option<&SecretString>) -> Result<Self, TrustError> {
        create_private_folder(folder)?;
        let key = SigningKey::create(&folder.join(KEY_FILE), passphrase)?;
        write_public(
            &folder.join(PUBLIC_FILE),
            format!("{}\n", key.public()).as_bytes(),
        )?;
        Ok(Self {
            folder: folder.to_owned(),
            key,
        })
    }

    /// Opens a key that [`Publisher::create`] made. Asks for the passphrase by an error ([`Publisher::is_locked`]).
    pub fn open(folder: &Path, passphrase: Option<&SecretString>) -> Result<Self, TrustError> {
        let key = SigningKey::open(&folder.join(KEY_FILE), passphrase)?;
        Ok(Self {
            folder: folder.to_owned(),
            key,
        })
    }

    /// Whether the folder holds a publisher's key.
    pub fn exists(folder: &Path) -> bool {
        folder.join(KEY_FILE).exists()
    }

    /// Whether the key in this folder wants a passphrase.
    pub fn is_locked(folder: &Path) -> Result<bool, TrustError> {
        is_locked(&folder.join(KEY_FILE))
    }

    /// The public key of a folder, without opening the private one.
    pub fn public_key_in(folder: &Path) -> Result<PublicKey, TrustError> {
        String::from_utf8_lossy(&read_bounded(&folder.join(PUBLIC_FILE), 1024)?).parse()
    }

    /// The public key, to be named in a [`RootPlan`].
    pub fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    /// The first root and the empty first list, with this publisher's signatures; this publisher follows that root from
    /// now on. The root's fingerprint ([`Fingerprint::of`]) is what other publishers and agents pin.
    pub fn found(&self, plan: &RootPlan, now: Timestamp) -> Result<(Vec<u8>, Vec<u8>), TrustError> {
        let mut root = root::planned(plan, NonZeroU64::MIN, now)?;
        let mut list = targets::first(&plan.lifetimes, now)?;
        self.sign(&root.signed, &mut list)?;
        document::sign(&mut root, &self.key)?;
        let root = document::bytes(&root)?;
        write_private(&self.folder.join(ROOT_FILE), &root)?;
        Ok((root, document::bytes(&list)?))
    }

    /// Follows this root, because a person compared its fingerprint with the other publishers'.
    pub fn pin_root(&self, root: &[u8], fingerprint: &Fingerprint) -> Result<(), TrustError> {
        if Fingerprint::of(root) != *fingerprint {
            let reason = format!(
                "the root's fingerprint is {}, not {fingerprint}",
                Fingerprint::of(root)
            );
            return Err(TrustError::RootUnknown { reason });
        }
        let parsed = document::parse::<Root>(root)?;
        root::check_roles(&parsed.signed)?;
        document::verify(&parsed.signed, &parsed)?;
        write_private(&self.folder.join(ROOT_FILE), root)
    }

    /// A new root (other publishers, threshold, online keys, or only a later expiry), with this publisher's signature.
    pub fn next_root(
        &self,
        current: &[u8],
        plan: &RootPlan,
        now: Timestamp,
    ) -> Result<Vec<u8>, TrustError> {
        let current = self.follow(current)?;
        let mut next = root::planned(plan, document::next_version(&current.signed)?, now)?;
        self.sign_as_root(&current, &mut next)?;
        document::bytes(&next)
    }

    /// Adds this publisher's signature to a root that another one made. `current` is nothing for a first root.
    pub fn sign_root(&self, current: Option<&[u8]>, offered: &[u8]) -> Result<Vec<u8>, TrustError> {
        let mut next = document::parse::<Root>(offered)?;
        root::check_roles(&next.signed)?;
        match current {
            Some(current) => {
                let current = self.follow(current)?;
                let wanted = document::next_version(&current.signed)?.get();
                if next.signed.version().get() != wanted {
                    let offered = next.signed.version().get();
                    return Err(TrustError::MetadataVersion {
                        role: "root",
                        offered,
                        wanted,
                    });
                }
                self.sign_as_root(&current, &mut next)?;
            }
            None => {
                let itself = next.clone();
                self.sign_as_root(&itself, &mut next)?;
            }
        }
        document::bytes(&next)
    }

    /// The next list, with one bundle more.
    pub fn add_target(
        &self,
        current: (&[u8], &[u8]),
        bundle: &BundleRef,
        manifest: &[u8],
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<Vec<u8>, TrustError> {
        self.next_targets(current, lifetimes, now, |list| {
            targets::add(list, bundle, manifest)
        })
    }

    /// The next list, with one bundle less: a recall. Agents that have not run it yet refuse it from then on.
    pub fn remove_target(
        &self,
        current: (&[u8], &[u8]),
        bundle: &BundleRef,
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<Vec<u8>, TrustError> {
        self.next_targets(current, lifetimes, now, |list| {
            targets::remove(list, bundle)
        })
    }

    /// The next list with the same bundles and a later expiry. With `next_root`, signed for that root: needed when the
    /// publishers change, since the list must be signed by those of the new root.
    pub fn renew_targets(
        &self,
        current: (&[u8], &[u8]),
        next_root: Option<&[u8]>,
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<Vec<u8>, TrustError> {
        let (root, list) = self.current(current)?;
        let mut next = targets::next(&list.signed, lifetimes, now)?;
        self.sign_for(&root.signed, next_root, &mut next)?;
        document::bytes(&next)
    }

    /// Adds this publisher's signature to a list that another one made; with `next_root`, to one that is renewed for that
    /// root. Read [`super::changes`] first.
    pub fn sign_targets(
        &self,
        current: (&[u8], &[u8]),
        next_root: Option<&[u8]>,
        offered: &[u8],
    ) -> Result<Vec<u8>, TrustError> {
        let (root, list) = self.current(current)?;
        let mut next = document::parse::<Targets>(offered)?;
        let wanted = document::next_version(&list.signed)?.get();
        if next.signed.version.get() != wanted {
            let offered = next.signed.version.get();
            return Err(TrustError::MetadataVersion {
                role: "targets",
                offered,
                wanted,
            });
        }
        let (before, after) = (
            targets::listed(&list.signed)?,
            targets::listed(&next.signed)?,
        );
        let altered = after
            .iter()
            .find(|(bundle, target)| before.get(bundle).is_some_and(|old| old != *target));
        if let Some((bundle, _)) = altered {
            return Err(TrustError::BundleChanged {
                bundle: bundle.clone(),
            });
        }
        self.sign_for(&root.signed, next_root, &mut next)?;
        document::bytes(&next)
    }

    fn next_targets(
        &self,
        current: (&[u8], &[u8]),
        lifetimes: &Lifetimes,
        now: Timestamp,
        change: impl FnOnce(&mut Targets) -> Result<(), TrustError>,
    ) -> Result<Vec<u8>, TrustError> {
        let (root, list) = self.current(current)?;
        let mut next = targets::next(&list.signed, lifetimes, now)?;
        change(&mut next.signed)?;
        self.sign(&root.signed, &mut next)?;
        document::bytes(&next)
    }

    /// The root and list to build on, believed only as far as this publisher's own memory goes.
    fn current(
        &self,
        (root, list): (&[u8], &[u8]),
    ) -> Result<(Signed<Root>, Signed<Targets>), TrustError> {
        let root = self.follow(root)?;
        let list = document::parse::<Targets>(list)?;
        document::verify(&root.signed, &list)?;
        targets::listed(&list.signed)?;
        let seen_file = self.folder.join(SEEN_FILE);
        let seen = read_if_there(&seen_file, 64)?
            .and_then(|text| String::from_utf8_lossy(&text).trim().parse::<u64>().ok())
            .unwrap_or(0);
        let offered = list.signed.version.get();
        if offered < seen {
            return Err(TrustError::MetadataVersion {
                role: "targets",
                offered,
                wanted: seen,
            });
        }
        if offered > seen {
            write_private(&seen_file, format!("{offered}\n").as_bytes())?;
        }
        Ok((root, list))
    }

    /// Takes a root if it is the one that this publisher follows, or that one's complete successor.
    fn follow(&self, offered: &[u8]) -> Result<Signed<Root>, TrustError> {
        let Some(known) = read_if_there(&self.folder.join(ROOT_FILE), MAX_ROOT_BYTES)? else {
            return Err(TrustError::RootUnknown {
                reason: "this publisher follows no root yet".to_owned(),
            });
        };
        let (known, new) = (
            document::parse::<Root>(&known)?,
            document::parse::<Root>(offered)?,
        );
        if known.signed == new.signed {
            document::verify(&new.signed, &new)?;
            return Ok(new);
        }
        root::check_succession(Some(&known), &new).map_err(|error| match error {
            TrustError::MetadataVersion {
                offered, wanted, ..
            } => TrustError::RootUnknown {
                reason: format!("root {offered} is offered, {} is followed", wanted - 1),
            },
            other => other,
        })?;
        write_private(&self.folder.join(ROOT_FILE), offered)?;
        Ok(new)
    }

    fn sign_for(
        &self,
        root: &Root,
        next_root: Option<&[u8]>,
        list: &mut Signed<Targets>,
    ) -> Result<(), TrustError> {
        match next_root {
            Some(bytes) => self.sign(&document::parse::<Root>(bytes)?.signed, list),
            None => self.sign(root, list),
        }
    }

    fn sign(&self, root: &Root, list: &mut Signed<Targets>) -> Result<(), TrustError> {
        self.wanted_in(&[root], RoleType::Targets)?;
        document::sign(list, &self.key)
    }

    fn sign_as_root(
        &self,
        current: &Signed<Root>,
        next: &mut Signed<Root>,
    ) -> Result<(), TrustError> {
        self.wanted_in(&[&current.signed, &next.signed], RoleType::Root)?;
        document::sign(next, &self.key)
    }

    fn wanted_in(&self, roots: &[&Root], role: RoleType) -> Result<(), TrustError> {
        let key = self.public_key();
        if roots
            .iter()
            .any(|root| document::role_keys(root, role).contains(&key))
        {
            return Ok(());
        }
        Err(TrustError::NotAPublisher { key })
    }
}
