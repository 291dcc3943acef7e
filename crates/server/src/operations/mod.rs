//! Every operation, by subject. Each checks its actor; what changes something, or was refused, is in the audit log.

mod accounts;
mod allowed;
mod audience;
mod bundles;
mod changes;
mod checks;
mod content;
mod deliveries;
mod hosts;
mod installation;
mod problems;
mod rollouts;
mod sign_in;
mod timeline;
mod tokens;
mod upload;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use escadre_api::{
    Actor, ApiResult, Operations, account::*, bundle::*, check::*, health::*, host::*,
    live::LiveEvent, rollout::*,
};
use escadre_model::{
    BundleRef, DeliveryId, RolloutId, Timestamp, id::TokenId, inventory::InstalledPackage,
};
use escadre_store::tables::audit;
use escadre_watch::Event;
use futures_util::stream::BoxStream;
use tokio::sync::oneshot;

use crate::{
    error::{internal, of_store},
    roles::{conductor, scheduler},
    shared::Shared,
};

pub(crate) use changes::inventory_changes;

/// The operations of a running server.
pub(crate) struct ServerOperations {
    shared: Arc<Shared>,
}

impl ServerOperations {
    /// Over what the roles share.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// See [`crate::Server::one_time_sign_in`].
    pub(crate) async fn first_sign_in(&self) -> ApiResult<Option<String>> {
        sign_in::first_sign_in(&self.shared).await
    }
}

/// Has the engine take an event; answers when the outcome is on disk.
pub(crate) async fn command_engine(
    shared: &Arc<Shared>,
    event: Event,
    audit: Option<audit::Line>,
) -> ApiResult<()> {
    let (done, answered) = oneshot::channel();
    let command = scheduler::Command { event, audit, done };
    shared
        .scheduler
        .send(command)
        .await
        .map_err(|_| stopping())?;
    answered.await.map_err(|_| stopping())?.map_err(of_store)
}

/// Has the conductor do something; answers when the outcome is on disk.
async fn command_campaigns(
    shared: &Arc<Shared>,
    wish: conductor::Wanted,
    audit: Option<audit::Line>,
) -> ApiResult<()> {
    let (done, answered) = oneshot::channel();
    let command = conductor::Command { wish, audit, done };
    shared
        .conductor
        .send(command)
        .await
        .map_err(|_| stopping())?;
    answered.await.map_err(|_| stopping())?.map_err(of_store)
}

fn stopping() -> escadre_api::ApiError {
    let kind = escadre_api::ErrorKind::Unavailable;
    escadre_api::ApiError::new(kind, "server.stopping", "the server is stopping")
}

/// A random id.
fn random_id<T>(make: fn([u8; 16]) -> T) -> ApiResult<T> {
    escadre_trust::secret::random().map(make).map_err(internal)
}

#[async_trait]
impl Operations for ServerOperations {
    async fn sign_in(&self, name: &str, password: &str, address: &str) -> ApiResult<SessionMade> {
        sign_in::sign_in(&self.shared, name, password, address).await
    }

    async fn sign_in_once(&self, secret: &str, address: &str) -> ApiResult<SessionMade> {
        sign_in::sign_in_once(&self.shared, secret, address).await
    }

    async fn session(&self, secret: &str, address: &str) -> ApiResult<Actor> {
        sign_in::session(&self.shared, secret, address).await
    }

    async fn sign_out(&self, secret: &str) -> ApiResult<()> {
        sign_in::sign_out(&self.shared, secret).await
    }

    async fn token_actor(&self, secret: &str, address: &str) -> ApiResult<Actor> {
        sign_in::token_actor(&self.shared, secret, address).await
    }

    async fn about(&self) -> ApiResult<About> {
        installation::about(&self.shared).await
    }

    async fn inbox(&self, actor: &Actor) -> ApiResult<Inbox> {
        installation::inbox(&self.shared, actor).await
    }

    async fn healthcheck(&self, actor: &Actor) -> ApiResult<Vec<Finding>> {
        installation::healthcheck(&self.shared, actor).await
    }

    fn live(&self) -> BoxStream<'static, LiveEvent> {
        installation::live(&self.shared)
    }

    async fn metrics(&self) -> ApiResult<String> {
        installation::metrics(&self.shared).await
    }

    async fn settings(&self, actor: &Actor) -> ApiResult<Settings> {
        installation::settings(&self.shared, actor).await
    }

    async fn settings_edit(&self, actor: &Actor, settings: Settings) -> ApiResult<Settings> {
        installation::settings_edit(&self.shared, actor, settings).await
    }

    async fn hosts(&self, actor: &Actor, filter: HostFilter) -> ApiResult<Vec<HostSummary>> {
        hosts::hosts(&self.shared, actor, filter).await
    }

    async fn host(&self, actor: &Actor, name: &str) -> ApiResult<HostDetail> {
        hosts::host(&self.shared, actor, name).await
    }

    async fn host_packages(&self, actor: &Actor, name: &str) -> ApiResult<Vec<InstalledPackage>> {
        hosts::host_packages(&self.shared, actor, name).await
    }

    async fn host_timeline(
        &self,
        actor: &Actor,
        name: &str,
        before: Option<Timestamp>,
        limit: u32,
    ) -> ApiResult<Vec<TimelineEntry>> {
        hosts::host_timeline(&self.shared, actor, name, before, limit).await
    }

    async fn host_edit(&self, actor: &Actor, name: &str, edit: HostEdit) -> ApiResult<HostDetail> {
        hosts::host_edit(&self.shared, actor, name, edit).await
    }

    async fn host_remove(&self, actor: &Actor, name: &str) -> ApiResult<()> {
        hosts::host_remove(&self.shared, actor, name).await
    }

    async fn checks(&self, actor: &Actor, filter: CheckFilter) -> ApiResult<Vec<CheckSummary>> {
        checks::checks(&self.shared, actor, filter).await
    }

    async fn check(&self, actor: &Actor, host: &str, name: &str) -> ApiResult<CheckDetail> {
        checks::check(&self.shared, actor, host, name).await
    }

    async fn check_history(
        &self,
        actor: &Actor,
        host: &str,
        name: &str,
        limit: u32,
    ) -> ApiResult<Vec<HistoryEntry>> {
        checks::check_history(&self.shared, actor, host, name, limit).await
    }

    async fn check_perf(
        &self,
        actor: &Actor,
        host: &str,
        name: &str,
        from: Timestamp,
        until: Timestamp,
        points: u32,
    ) -> ApiResult<Vec<PerfSeries>> {
        checks::check_perf(&self.shared, actor, host, name, from, until, points).await
    }

    async fn check_run(&self, actor: &Actor, host: &str, name: &str) -> ApiResult<()> {
        problems::check_run(&self.shared, actor, host, name).await
    }

    async fn check_acknowledge(
        &self,
        actor: &Actor,
        host: &str,
        name: &str,
        comment: &str,
    ) -> ApiResult<CheckDetail> {
        problems::check_acknowledge(&self.shared, actor, host, name, comment).await
    }

    async fn check_unacknowledge(
        &self,
        actor: &Actor,
        host: &str,
        name: &str,
    ) -> ApiResult<CheckDetail> {
        problems::check_unacknowledge(&self.shared, actor, host, name).await
    }

    async fn downtime_add(&self, actor: &Actor, downtime: DowntimeNew) -> ApiResult<Downtime> {
        problems::downtime_add(&self.shared, actor, downtime).await
    }

    async fn downtime_remove(&self, actor: &Actor, number: u64) -> ApiResult<()> {
        problems::downtime_remove(&self.shared, actor, number).await
    }

    async fn bundles(&self, actor: &Actor) -> ApiResult<Vec<BundleSummary>> {
        bundles::bundles(&self.shared, actor).await
    }

    async fn bundle(&self, actor: &Actor, bundle: &BundleRef) -> ApiResult<BundleDetail> {
        bundles::bundle(&self.shared, actor, bundle).await
    }

    async fn chunks_missing(&self, actor: &Actor, hashes: Vec<String>) -> ApiResult<Vec<String>> {
        content::chunks_missing(&self.shared, actor, hashes).await
    }

    async fn chunk_put(&self, actor: &Actor, hash: &str, compressed: Bytes) -> ApiResult<()> {
        content::chunk_put(&self.shared, actor, hash, compressed).await
    }

    async fn trust_file(&self, actor: &Actor, name: &str) -> ApiResult<Bytes> {
        content::trust_file(&self.shared, actor, name).await
    }

    async fn bundle_publish(
        &self,
        actor: &Actor,
        publish: BundlePublish,
    ) -> ApiResult<BundleDetail> {
        bundles::bundle_publish(&self.shared, actor, publish).await
    }

    async fn trust_put(&self, actor: &Actor, name: &str, metadata: Bytes) -> ApiResult<()> {
        bundles::trust_put(&self.shared, actor, name, metadata).await
    }

    async fn bundle_remove(
        &self,
        actor: &Actor,
        bundle: &BundleRef,
        withdraw: BundleWithdraw,
    ) -> ApiResult<()> {
        bundles::bundle_remove(&self.shared, actor, bundle, withdraw).await
    }

    async fn bundle_verify(
        &self,
        actor: &Actor,
        bundle: &BundleRef,
    ) -> ApiResult<BundleVerification> {
        content::bundle_verify(&self.shared, actor, bundle).await
    }

    async fn bundle_upload(
        &self,
        actor: &Actor,
        upload: UploadNew,
        file_name: &str,
        file: PathBuf,
    ) -> ApiResult<UploadState> {
        upload::bundle_upload(&self.shared, actor, upload, file_name, file).await
    }

    async fn upload_state(&self, actor: &Actor, bundle: &BundleRef) -> ApiResult<UploadState> {
        upload::upload_state(&self.shared, actor, bundle).await
    }

    async fn rollouts(&self, actor: &Actor) -> ApiResult<Vec<RolloutSummary>> {
        deliveries::rollouts(&self.shared, actor).await
    }

    async fn rollout(&self, actor: &Actor, name: &str) -> ApiResult<RolloutSummary> {
        deliveries::rollout(&self.shared, actor, name).await
    }

    async fn rollout_preview(
        &self,
        actor: &Actor,
        rollout: RolloutNew,
    ) -> ApiResult<RolloutPreview> {
        audience::rollout_preview(&self.shared, actor, rollout).await
    }

    async fn rollout_create(
        &self,
        actor: &Actor,
        rollout: RolloutNew,
    ) -> ApiResult<RolloutSummary> {
        rollouts::rollout_create(&self.shared, actor, rollout).await
    }

    async fn rollout_pause(&self, actor: &Actor, id: RolloutId) -> ApiResult<RolloutSummary> {
        rollouts::rollout_pause(&self.shared, actor, id).await
    }

    async fn rollout_resume(&self, actor: &Actor, id: RolloutId) -> ApiResult<RolloutSummary> {
        rollouts::rollout_resume(&self.shared, actor, id).await
    }

    async fn rollout_abort(&self, actor: &Actor, id: RolloutId) -> ApiResult<RolloutSummary> {
        rollouts::rollout_abort(&self.shared, actor, id).await
    }

    async fn deliveries(&self, actor: &Actor, filter: DeliveryFilter) -> ApiResult<Vec<Delivery>> {
        deliveries::deliveries(&self.shared, actor, filter).await
    }

    async fn delivery(&self, actor: &Actor, id: DeliveryId) -> ApiResult<Delivery> {
        deliveries::delivery(&self.shared, actor, id).await
    }

    async fn tokens(&self, actor: &Actor) -> ApiResult<Vec<Token>> {
        tokens::tokens(&self.shared, actor).await
    }

    async fn token_create(&self, actor: &Actor, token: TokenNew) -> ApiResult<TokenMade> {
        tokens::token_create(&self.shared, actor, token).await
    }

    async fn token_revoke(&self, actor: &Actor, id: TokenId) -> ApiResult<()> {
        tokens::token_revoke(&self.shared, actor, id).await
    }

    async fn users(&self, actor: &Actor) -> ApiResult<Vec<User>> {
        accounts::users(&self.shared, actor).await
    }

    async fn user_create(&self, actor: &Actor, user: UserNew) -> ApiResult<UserMade> {
        accounts::user_create(&self.shared, actor, user).await
    }

    async fn user_edit(&self, actor: &Actor, name: &str, edit: UserEdit) -> ApiResult<User> {
        accounts::user_edit(&self.shared, actor, name, edit).await
    }

    async fn user_remove(&self, actor: &Actor, name: &str) -> ApiResult<()> {
        accounts::user_remove(&self.shared, actor, name).await
    }

    async fn user_sign_in_path(&self, actor: &Actor, name: &str) -> ApiResult<String> {
        accounts::user_sign_in_path(&self.shared, actor, name).await
    }

    async fn audit(&self, actor: &Actor, filter: AuditFilter) -> ApiResult<Vec<AuditEntry>> {
        tokens::audit(&self.shared, actor, filter).await
    }
}
