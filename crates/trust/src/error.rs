//! What can go wrong in this crate, named by the step that failed.

use std::{io, path::PathBuf};

use escadre_model::BundleRef;

use crate::metadata::PublicKey;

/// An error of this crate. What an agent refuses is not here but in `model::delivery::Refusal`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A key would have been overwritten.
    #[error("{} is there already; keys are never overwritten: choose another folder, or move it away", path.display())]
    AlreadyThere {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("no random bytes from the system: {0}")]
    Random(getrandom::Error),
    /// A key file is not what it should be.
    #[error("{} is no usable key: {reason}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The key is locked and no passphrase was given.
    #[error("{} is locked by a passphrase, and none was given", path.display())]
    PassphraseWanted {
        /// The key file.
        path: PathBuf,
    },
    /// The passphrase does not open the key.
    #[error("the passphrase does not open {}", path.display())]
    PassphraseWrong {
        /// The key file.
        path: PathBuf,
    },
    /// A certificate could not be made or understood.
    #[error("{what}: {reason}")]
    Certificate {
        /// Which certificate.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A certificate request of an agent is not acceptable.
    #[error("the certificate request is refused: {0}")]
    Request(String),
    /// A verified certificate names no host of ours.
    #[error("the certificate names no host of this installation: {0}")]
    PeerIdentity(String),
    /// A TLS configuration could not be built.
    #[error("the TLS configuration cannot be built: {0}")]
    Tls(String),
    /// A password could not be hashed or a stored hash not understood.
    #[error("password hash: {0}")]
    PasswordHash(String),
    /// A token or an enrolment text is not one.
    #[error("this is no {kind}: {reason}")]
    TokenText {
        /// What was wanted.
        kind: &'static str,
        /// What is wrong, so that a slip of the hand is told from a wrong token.
        reason: String,
    },
    /// A fingerprint or public key is not one.
    #[error("`{text}` is no {kind}: wants 64 hexadecimal digits")]
    HexText {
        /// What was wanted.
        kind: &'static str,
        /// What was given.
        text: String,
    },
    /// Trust metadata could not be understood.
    #[error("the {role} metadata cannot be read: {reason}")]
    MetadataText {
        /// Which role.
        role: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Trust metadata lacks signatures.
    #[error("the {role} metadata is not signed as it must be: {reason}")]
    MetadataSignature {
        /// Which role.
        role: &'static str,
        /// What is missing.
        reason: String,
    },
    /// Somebody else published in between, or old metadata is offered again.
    #[error(
        "the {role} metadata has version {offered}, {wanted} is wanted: fetch the current one and sign again"
    )]
    MetadataVersion {
        /// Which role.
        role: &'static str,
        /// What was offered.
        offered: u64,
        /// What fits.
        wanted: u64,
    },
    /// What was signed for one installation is offered in another that shares a publisher with it.
    #[error(
        "the {role} metadata belongs to another installation, and counts there alone: check which server it came from"
    )]
    OtherInstallation {
        /// Which role.
        role: &'static str,
    },
    /// Trust metadata is past its expiry.
    #[error("the {role} metadata expired on {at}: have a publisher renew it")]
    MetadataExpired {
        /// Which role.
        role: &'static str,
        /// When.
        at: String,
    },
    /// Keys, thresholds or roles of a root do not make sense.
    #[error("the root plan is refused: {0}")]
    RootPlan(String),
    /// The key at hand has no say in this.
    #[error("the key {key} is not among the publishers of this installation")]
    NotAPublisher {
        /// The key at hand.
        key: PublicKey,
    },
    /// The publisher's folder knows no root, or another one.
    #[error(
        "{reason}: check the root's fingerprint with the other publishers, then pin it with `escadre publisher pin FINGERPRINT`"
    )]
    RootUnknown {
        /// What is wrong.
        reason: String,
    },
    /// The server's online keys are not those that the root names.
    #[error(
        "the root names other online keys than this server's: have a publisher sign a root with {0}"
    )]
    OnlineKeys(String),
    /// A published bundle never changes.
    #[error("{bundle} is published already with other content: give it a new version")]
    BundleChanged {
        /// Which.
        bundle: BundleRef,
    },
    /// The signed list names no such bundle.
    #[error("{bundle} is not published")]
    NotPublished {
        /// Which.
        bundle: BundleRef,
    },
    /// A bundle is in the signed list, and its manifest was not handed over.
    #[error("{bundle} is signed, but its manifest is not stored (or is another): store it first")]
    ManifestMissing {
        /// Which.
        bundle: BundleRef,
    },
}

impl TrustError {
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }

    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }
}
