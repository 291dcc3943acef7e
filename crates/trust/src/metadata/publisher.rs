//! The publisher: the only one whose word makes a host run something.
//!
//! A publisher may sit on another machine than the server: every operation takes the current metadata as bytes (copied
//! over in any way) and gives new bytes back. The way is not trusted. The folder remembers, for each installation that
//! this publisher serves, the root that it follows and the newest list it has seen (see `followed`), and refuses to
//! build on anything else: otherwise a server that was taken over could hand out a list with its own bundles in it and
//! have it signed with the next good one.
//!
//! Which installation is meant, the bytes say: a taken server may show those of another one that this publisher serves,
//! and so obtain a bundle for that fleet. It is of use only to who rules over both servers; two keys exclude it.
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
    document::{self, Lifetimes},
    followed::{self, Followed},
    installation,
    keys::{Fingerprint, PublicKey, SigningKey, is_locked},
    root::{self, RootPlan},
    targets,
};
use crate::{
    SecretString, TrustError,
    secret::{create_private_folder, read_bounded, write_public},
};

const KEY_FILE: &str = "publisher.pem";
const PUBLIC_FILE: &str = "publisher.pub";

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

    /// The first root and the empty first list of a new installation, with this publisher's signatures; this publisher
    /// follows that root from now on, beside those of other installations. Where more publishers must sign, they do it by
    /// [`Publisher::sign_root`], [`Publisher::pin_root`] and [`Publisher::sign_first_targets`]. The complete root's fingerprint ([`Fingerprint::of`]) is what other publishers and agents pin.
    pub fn found(&self, plan: &RootPlan, now: Timestamp) -> Result<(Vec<u8>, Vec<u8>), TrustError> {
        let name = installation::draw()?;
        let mut root = root::planned(plan, NonZeroU64::MIN, name.clone(), now)?;
        let mut list = targets::first(&plan.lifetimes, name, now)?;
        self.sign(&root.signed, &mut list)?;
        document::sign(&mut root, &self.key)?;
        let root = document::bytes(&root)?;
        Followed::begin(&self.folder, &root)?;
        Ok((root, document::bytes(&list)?))
    }

    /// Follows this root, because a person compared its fingerprint with the other publishers'. An installation that is
    /// followed already is caught up with; any other is followed too from now on.
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
        match Followed::find(&self.folder, &parsed.signed)? {
            None => Followed::begin(&self.folder, root),
            Some(mut known) => {
                followed::check_pin(&known.root().signed, &parsed.signed)?;
                known.advance(parsed, root)
            }
        }
    }

    /// A new root (other publishers, threshold, online keys, or only a later expiry), with this publisher's signature.
    pub fn next_root(
        &self,
        current: &[u8],
        plan: &RootPlan,
        now: Timestamp,
    ) -> Result<Vec<u8>, TrustError> {
        let followed = self.follow(current)?;
        let current = followed.root();
        let version = document::next_version(&current.signed)?;
        let mut next = root::planned(plan, version, installation::name_of(&current.signed), now)?;
        self.sign_as_root(current, &mut next)?;
        document::bytes(&next)
    }

    /// Adds this publisher's signature to a root that another one made. `current` is nothing for a first root.
    pub fn sign_root(&self, current: Option<&[u8]>, offered: &[u8]) -> Result<Vec<u8>, TrustError> {
        let mut next = document::parse::<Root>(offered)?;
        root::check_roles(&next.signed)?;
        let followed = current.map(|current| self.follow(current)).transpose()?;
        let known = followed.as_ref().map(Followed::root);
        check_version(&next.signed, root::version_after(known)?)?;
        let known = known.unwrap_or(&next).clone();
        installation::check_root(&known.signed, &next.signed)?;
        self.sign_as_root(&known, &mut next)?;
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
        let (followed, list) = self.current(current)?;
        let mut next = targets::next(&list.signed, lifetimes, now)?;
        self.sign_for(followed.root(), next_root, &mut next)?;
        document::bytes(&next)
    }

    /// Adds this publisher's signature to the empty list of an installation that another publisher founds.
    pub fn sign_first_targets(&self, root: &[u8], offered: &[u8]) -> Result<Vec<u8>, TrustError> {
        let followed = self.follow(root)?;
        let mut list = document::parse::<Targets>(offered)?;
        check_version(&followed.root().signed, 1)?;
        check_version(&list.signed, 1)?;
        check_seen(&followed, &list.signed)?;
        if let Some(bundle) = targets::listed(&list.signed)?.into_keys().next() {
            return Err(TrustError::MetadataText {
                role: "targets",
                reason: format!("the first list is to be empty, and it names {bundle}"),
            });
        }
        self.sign(&followed.root().signed, &mut list)?;
        document::bytes(&list)
    }

    /// Adds this publisher's signature to a list that another one made; with `next_root`, to one that is renewed for that
    /// root. Read [`super::changes`] first.
    pub fn sign_targets(
        &self,
        current: (&[u8], &[u8]),
        next_root: Option<&[u8]>,
        offered: &[u8],
    ) -> Result<Vec<u8>, TrustError> {
        let (followed, list) = self.current(current)?;
        let mut next = document::parse::<Targets>(offered)?;
        check_version(&next.signed, document::next_version(&list.signed)?.get())?;
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
        self.sign_for(followed.root(), next_root, &mut next)?;
        document::bytes(&next)
    }

    fn next_targets(
        &self,
        current: (&[u8], &[u8]),
        lifetimes: &Lifetimes,
        now: Timestamp,
        change: impl FnOnce(&mut Targets) -> Result<(), TrustError>,
    ) -> Result<Vec<u8>, TrustError> {
        let (followed, list) = self.current(current)?;
        let mut next = targets::next(&list.signed, lifetimes, now)?;
        change(&mut next.signed)?;
        self.sign(&followed.root().signed, &mut next)?;
        document::bytes(&next)
    }

    /// The root and list to build on, believed only as far as this publisher's own memory goes.
    fn current(
        &self,
        (root, list): (&[u8], &[u8]),
    ) -> Result<(Followed, Signed<Targets>), TrustError> {
        let followed = self.follow(root)?;
        let root = &followed.root().signed;
        let list = document::parse::<Targets>(list)?;
        installation::check_list(root, &list.signed)?;
        document::verify(root, &list)?;
        targets::listed(&list.signed)?;
        check_seen(&followed, &list.signed)?;
        followed.see(list.signed.version.get())?;
        Ok((followed, list))
    }

    /// Takes a root if it is one that this publisher follows, or that one's complete successor.
    fn follow(&self, offered: &[u8]) -> Result<Followed, TrustError> {
        let new = document::parse::<Root>(offered)?;
        let Some(mut followed) = Followed::find(&self.folder, &new.signed)? else {
            return Err(TrustError::RootUnknown {
                reason: "this publisher does not follow this installation yet".to_owned(),
            });
        };
        if followed.root().signed == new.signed {
            document::verify(&new.signed, &new)?;
            return Ok(followed);
        }
        root::check_succession(Some(followed.root()), &new).map_err(|error| match error {
            TrustError::MetadataVersion {
                offered, wanted, ..
            } => TrustError::RootUnknown {
                reason: format!("root {offered} is offered, {} is followed", wanted - 1),
            },
            other => other,
        })?;
        followed.advance(new, offered)?;
        Ok(followed)
    }

    fn sign_for(
        &self,
        root: &Signed<Root>,
        next_root: Option<&[u8]>,
        list: &mut Signed<Targets>,
    ) -> Result<(), TrustError> {
        match next_root {
            Some(bytes) => self.sign(&document::parse::<Root>(bytes)?.signed, list),
            None => self.sign(&root.signed, list),
        }
    }

    fn sign(&self, root: &Root, list: &mut Signed<Targets>) -> Result<(), TrustError> {
        installation::check_list(root, &list.signed)?;
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

/// No list older than the newest one seen.
fn check_seen(followed: &Followed, list: &Targets) -> Result<(), TrustError> {
    check_version(list, followed.seen()?.max(list.version.get()))
}

fn check_version<T: Role>(offered: &T, wanted: u64) -> Result<(), TrustError> {
    let version = offered.version().get();
    if version == wanted {
        return Ok(());
    }
    Err(TrustError::MetadataVersion {
        role: document::word(T::TYPE),
        offered: version,
        wanted,
    })
}
