//! A role's unit of work: what a step changed, written in one transaction under the epoch, again while a fault may pass.

use std::{sync::Arc, time::Duration};

use escadre_store::{StoreError, Transaction};

use crate::{shared::Shared, worker::Condition};

const PATIENCE: Duration = Duration::from_secs(1);

/// Writes what a step of a role changed; `put` refuses when another owner has a newer epoch.
pub(super) async fn write<Rows: Send + Sync + 'static>(
    shared: &Arc<Shared>,
    role: &'static str,
    rows: Rows,
    put: fn(&mut dyn Transaction, u64, &Rows) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (rows, epoch) = (Arc::new(rows), shared.epoch);
    loop {
        let these = Arc::clone(&rows);
        let written = shared.store.write(move |tx| put(tx, epoch, &these));
        match written.await {
            Ok(()) => {
                shared.workers.set(role, Condition::Well);
                return Ok(());
            }
            Err(error) if error.is_passing() => trouble(shared, role, &error).await,
            Err(error) => {
                let condition = Condition::Trouble(error.to_string());
                shared.workers.set(role, condition);
                return Err(error);
            }
        }
    }
}

/// Shows that a role has trouble, and waits a little.
pub(super) async fn trouble(shared: &Shared, role: &'static str, error: &StoreError) {
    let condition = Condition::Trouble(error.to_string());
    shared.workers.set(role, condition);
    tokio::time::sleep(PATIENCE).await;
}
