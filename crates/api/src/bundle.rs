//! Documents about bundles. Content travels as chunks, authority as signed trust metadata.

use escadre_model::{BundleRef, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A bundle in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BundleSummary {
    /// `name@version`.
    #[schema(value_type = String)]
    pub name: BundleRef,
    /// `signed`, or `unsigned` while an upload waits for the publisher's signature.
    pub status: BundleStatus,
    /// What it does, in a line (`launch install.sh --quiet`).
    pub action: String,
    /// Size of the content.
    pub size: u64,
    /// Size of its chunks as stored.
    pub stored: u64,
    /// Files in it.
    pub files: u32,
    /// Who signed: key ids.
    pub signers: Vec<String>,
    /// Made.
    #[schema(value_type = String)]
    pub created: Timestamp,
    /// End of life.
    #[schema(value_type = Option<String>)]
    pub expires: Option<Timestamp>,
    /// Deliveries that use it and are not final.
    pub in_use: u32,
}

/// Whether agents would take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BundleStatus {
    /// In the signed targets.
    Signed,
    /// Content and manifest are here; the publisher has not signed them yet.
    Unsigned,
}

/// A bundle with its manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BundleDetail {
    /// As in the list.
    #[serde(flatten)]
    pub summary: BundleSummary,
    /// The manifest, as signed.
    #[schema(value_type = Object)]
    pub manifest: serde_json::Value,
}

/// Makes a bundle known: its manifest, and the publisher's new targets that name it. Its chunks must be here.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BundlePublish {
    /// Canonical bytes of the manifest, as text.
    pub manifest: String,
    /// New signed targets metadata, as text; none leaves the bundle unsigned.
    #[serde(default)]
    pub targets: Option<String>,
}

/// Takes a bundle out: the publisher's new targets without it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BundleWithdraw {
    /// New signed targets metadata, as text; not wanted for an unsigned bundle.
    #[serde(default)]
    pub targets: Option<String>,
}

/// Where a bundle's content and signatures stand, after a check of every byte here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BundleVerification {
    /// `name@version`.
    #[schema(value_type = String)]
    pub name: BundleRef,
    /// All is well.
    pub good: bool,
    /// Chunks that were checked.
    pub chunks: u64,
    /// What is wrong, a sentence each.
    pub findings: Vec<String>,
}

/// An upload from a browser: a folder archive, to be cut and (if the key is here) signed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UploadNew {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// What to do with the content.
    pub action: UploadAction,
    /// For people.
    #[serde(default)]
    pub description: String,
}

/// What an uploaded bundle does.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadAction {
    /// Runs a program of the content: command line without shell.
    Launch(String),
    /// Runs a command inside the content's folder.
    Execute(String),
    /// Puts the content into a folder of the host.
    Store(String),
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UploadState {
    /// `name@version`.
    #[schema(value_type = String)]
    pub name: BundleRef,
    /// `receiving`, `cutting`, `signing`, `done`, `unsigned`, `failed`.
    pub phase: String,
    /// Bytes done of the phase.
    pub done: u64,
    /// Bytes in all, when known.
    pub total: Option<u64>,
    /// What went wrong, or what is to do next.
    pub message: String,
}
