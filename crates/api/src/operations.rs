//! Everything that people and programs can do with a server. One list: REST, both UIs and tests call these.

use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use escadre_model::{
    BundleRef, DeliveryId, RolloutId, Timestamp, id::TokenId, inventory::InstalledPackage,
};
use futures_util::stream::BoxStream;

use crate::{
    ApiResult, account::*, bundle::*, check::*, health::*, host::*, live::LiveEvent, rollout::*,
};

/// The operations. Each checks the actor's role, and what changes something writes the audit log.
#[async_trait]
pub trait Operations: Send + Sync + 'static {
    // === Who asks ===

    /// Name and password to a session; rate-limited by name and by address.
    async fn sign_in(&self, name: &str, password: &str, address: &str) -> ApiResult<SessionMade>;
    /// A one-time secret to a session.
    async fn sign_in_once(&self, secret: &str, address: &str) -> ApiResult<SessionMade>;
    /// The actor of a session's cookie. Slides its expiry.
    async fn session(&self, secret: &str, address: &str) -> ApiResult<Actor>;
    /// Ends a session.
    async fn sign_out(&self, secret: &str) -> ApiResult<()>;
    /// The actor of an API token.
    async fn token_actor(&self, secret: &str, address: &str) -> ApiResult<Actor>;

    // === The installation ===

    /// What this server is.
    async fn about(&self) -> ApiResult<About>;
    /// The first page.
    async fn inbox(&self, actor: &Actor) -> ApiResult<Inbox>;
    /// Every finding of the healthcheck, worst first.
    async fn healthcheck(&self, actor: &Actor) -> ApiResult<Vec<Finding>>;
    /// What changes from now on.
    fn live(&self) -> BoxStream<'static, LiveEvent>;
    /// Prometheus text.
    async fn metrics(&self) -> ApiResult<String>;
    /// Settings.
    async fn settings(&self, actor: &Actor) -> ApiResult<Settings>;
    /// Changes them. Administrator.
    async fn settings_edit(&self, actor: &Actor, settings: Settings) -> ApiResult<Settings>;

    // === Hosts ===

    /// Hosts by name.
    async fn hosts(&self, actor: &Actor, filter: HostFilter) -> ApiResult<Vec<HostSummary>>;
    /// One host.
    async fn host(&self, actor: &Actor, name: &str) -> ApiResult<HostDetail>;
    /// Its packages.
    async fn host_packages(&self, actor: &Actor, name: &str) -> ApiResult<Vec<InstalledPackage>>;
    /// Its time line, newest first.
    async fn host_timeline(
        &self,
        actor: &Actor,
        name: &str,
        before: Option<Timestamp>,
        limit: u32,
    ) -> ApiResult<Vec<TimelineEntry>>;
    /// Changes site, tags, notes. Operator.
    async fn host_edit(&self, actor: &Actor, name: &str, edit: HostEdit) -> ApiResult<HostDetail>;
    /// Forgets a host and refuses its certificate from now on. Administrator.
    async fn host_remove(&self, actor: &Actor, name: &str) -> ApiResult<()>;

    // === Checks ===

    /// Checks, most urgent first.
    async fn checks(&self, actor: &Actor, filter: CheckFilter) -> ApiResult<Vec<CheckSummary>>;
    /// One check.
    async fn check(&self, actor: &Actor, host: &str, name: &str) -> ApiResult<CheckDetail>;
    /// Its history, newest first.
    async fn check_history(
        &self,
        actor: &Actor,
        host: &str,
        name: &str,
        limit: u32,
    ) -> ApiResult<Vec<HistoryEntry>>;
    /// Its performance data between two times, at most `points` a series.
    async fn check_perf(
        &self,
        actor: &Actor,
        host: &str,
        name: &str,
        from: Timestamp,
        until: Timestamp,
        points: u32,
    ) -> ApiResult<Vec<PerfSeries>>;
    /// Runs it at once. Operator.
    async fn check_run(&self, actor: &Actor, host: &str, name: &str) -> ApiResult<()>;
    /// Takes a problem. Operator.
    async fn check_acknowledge(
        &self,
        actor: &Actor,
        host: &str,
        name: &str,
        comment: &str,
    ) -> ApiResult<CheckDetail>;
    /// Gives it back. Operator.
    async fn check_unacknowledge(
        &self,
        actor: &Actor,
        host: &str,
        name: &str,
    ) -> ApiResult<CheckDetail>;
    /// Plans a downtime. Operator.
    async fn downtime_add(&self, actor: &Actor, downtime: DowntimeNew) -> ApiResult<Downtime>;
    /// Ends it. Operator.
    async fn downtime_remove(&self, actor: &Actor, number: u64) -> ApiResult<()>;

    // === Bundles ===

    /// Bundles by name, newest version first.
    async fn bundles(&self, actor: &Actor) -> ApiResult<Vec<BundleSummary>>;
    /// One bundle.
    async fn bundle(&self, actor: &Actor, bundle: &BundleRef) -> ApiResult<BundleDetail>;
    /// Which of these chunks (BLAKE3 in hexadecimal) are not here. Publisher.
    async fn chunks_missing(&self, actor: &Actor, hashes: Vec<String>) -> ApiResult<Vec<String>>;
    /// Takes a chunk, compressed with zstd; its content must hash to its name. Publisher.
    async fn chunk_put(&self, actor: &Actor, hash: &str, compressed: Bytes) -> ApiResult<()>;
    /// A file of the trust metadata by its TUF name.
    async fn trust_file(&self, actor: &Actor, name: &str) -> ApiResult<Bytes>;
    /// Makes a bundle known. Publisher.
    async fn bundle_publish(
        &self,
        actor: &Actor,
        publish: BundlePublish,
    ) -> ApiResult<BundleDetail>;
    /// Signs an unsigned bundle with new targets, or replaces the root with a newer one. Publisher.
    async fn trust_put(&self, actor: &Actor, name: &str, metadata: Bytes) -> ApiResult<()>;
    /// Takes a bundle out. Publisher.
    async fn bundle_remove(
        &self,
        actor: &Actor,
        bundle: &BundleRef,
        withdraw: BundleWithdraw,
    ) -> ApiResult<()>;
    /// Checks every byte of it here.
    async fn bundle_verify(
        &self,
        actor: &Actor,
        bundle: &BundleRef,
    ) -> ApiResult<BundleVerification>;
    /// Makes a bundle of an archive that lies in a file of the server (which it takes and deletes). Publisher.
    async fn bundle_upload(
        &self,
        actor: &Actor,
        upload: UploadNew,
        file_name: &str,
        file: PathBuf,
    ) -> ApiResult<UploadState>;
    /// How far an upload is.
    async fn upload_state(&self, actor: &Actor, bundle: &BundleRef) -> ApiResult<UploadState>;

    // === Rollouts ===

    /// Rollouts, newest first.
    async fn rollouts(&self, actor: &Actor) -> ApiResult<Vec<RolloutSummary>>;
    /// One rollout, by id or by name (`hello@1.0#3`).
    async fn rollout(&self, actor: &Actor, name: &str) -> ApiResult<RolloutSummary>;
    /// Who would get it.
    async fn rollout_preview(
        &self,
        actor: &Actor,
        rollout: RolloutNew,
    ) -> ApiResult<RolloutPreview>;
    /// Makes it. Publisher.
    async fn rollout_create(&self, actor: &Actor, rollout: RolloutNew)
    -> ApiResult<RolloutSummary>;
    /// Stops it for now. Operator.
    async fn rollout_pause(&self, actor: &Actor, id: RolloutId) -> ApiResult<RolloutSummary>;
    /// Goes on. Operator.
    async fn rollout_resume(&self, actor: &Actor, id: RolloutId) -> ApiResult<RolloutSummary>;
    /// Stops it for good. Operator.
    async fn rollout_abort(&self, actor: &Actor, id: RolloutId) -> ApiResult<RolloutSummary>;
    /// Deliveries, newest first.
    async fn deliveries(&self, actor: &Actor, filter: DeliveryFilter) -> ApiResult<Vec<Delivery>>;
    /// One delivery with its steps.
    async fn delivery(&self, actor: &Actor, id: DeliveryId) -> ApiResult<Delivery>;

    // === Accounts ===

    /// Tokens of both kinds, newest first. Administrator.
    async fn tokens(&self, actor: &Actor) -> ApiResult<Vec<Token>>;
    /// Makes a token. Administrator.
    async fn token_create(&self, actor: &Actor, token: TokenNew) -> ApiResult<TokenMade>;
    /// Revokes it. Administrator.
    async fn token_revoke(&self, actor: &Actor, id: TokenId) -> ApiResult<()>;
    /// Users by name. Administrator.
    async fn users(&self, actor: &Actor) -> ApiResult<Vec<User>>;
    /// Makes a user. Administrator.
    async fn user_create(&self, actor: &Actor, user: UserNew) -> ApiResult<UserMade>;
    /// Changes one. Administrator; one's own password: anyone.
    async fn user_edit(&self, actor: &Actor, name: &str, edit: UserEdit) -> ApiResult<User>;
    /// Removes one, with its sessions; never the last administrator. Administrator.
    async fn user_remove(&self, actor: &Actor, name: &str) -> ApiResult<()>;
    /// A new one-time sign-in path for a user. Administrator.
    async fn user_sign_in_path(&self, actor: &Actor, name: &str) -> ApiResult<String>;
    /// The audit log, newest first. Administrator.
    async fn audit(&self, actor: &Actor, filter: AuditFilter) -> ApiResult<Vec<AuditEntry>>;
}
