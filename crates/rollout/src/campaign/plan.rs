//! What a rollout is to be, before it begins.

use std::collections::BTreeSet;

use escadre_model::{BundleRef, DeliveryId, HostId, RolloutId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Condition, Gate};

/// Stages of one rollout.
const MAX_STAGES: usize = 100;

/// A rollout as it is made: nothing in it changes afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its id.
    pub id: RolloutId,
    /// What is shipped.
    pub bundle: BundleRef,
    /// When.
    pub window: Window,
    /// To whom, one stage after the other.
    pub stages: Vec<Stage>,
}

/// When deliveries may begin.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    /// Not before.
    pub not_before: Option<Timestamp>,
    /// Not begun after.
    pub expires: Option<Timestamp>,
}

/// Hosts that get the bundle together.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Stage {
    /// For people; may be empty.
    pub name: String,
    /// Who.
    pub assignments: Vec<Assignment>,
    /// What must hold before the next stage, and for the rollout to go on at all.
    pub gate: Gate,
}

/// One delivery to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// Its id, drawn by the caller.
    pub delivery: DeliveryId,
    /// To whom.
    pub host: HostId,
}

/// Why a plan is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nobody would get it.
    #[error("the rollout names no host")]
    NoHost,
    /// A stage without hosts would open its gate at once.
    #[error("stage {0} names no host")]
    EmptyStage(usize),
    /// More than anyone could follow.
    #[error("the rollout has {0} stages, at most {MAX_STAGES} are allowed")]
    Stages(usize),
    /// A host can have the bundle only once.
    #[error("host {0} is named twice")]
    HostTwice(HostId),
    /// Ids are never used again.
    #[error("delivery {0} is named twice")]
    DeliveryTwice(DeliveryId),
    /// It could never begin.
    #[error("the window ends ({expires}) before it begins ({not_before})")]
    Window {
        /// Begin.
        not_before: Timestamp,
        /// End.
        expires: Timestamp,
    },
    /// It is over already.
    #[error("the window has already ended ({0})")]
    Over(Timestamp),
    /// A share beyond everything.
    #[error("a gate wants {0} % of hosts; at most 100 can succeed")]
    Percent(u8),
}

impl Plan {
    pub(super) fn check(&self, now: Timestamp) -> Result<(), PlanError> {
        if self.stages.is_empty() {
            return Err(PlanError::NoHost);
        }
        if self.stages.len() > MAX_STAGES {
            return Err(PlanError::Stages(self.stages.len()));
        }
        match (self.window.not_before, self.window.expires) {
            (_, Some(expires)) if expires <= now => return Err(PlanError::Over(expires)),
            (Some(not_before), Some(expires)) if expires <= not_before => {
                return Err(PlanError::Window {
                    not_before,
                    expires,
                });
            }
            _ => {}
        }
        let (mut hosts, mut deliveries) = (BTreeSet::new(), BTreeSet::new());
        for (number, stage) in self.stages.iter().enumerate() {
            if stage.assignments.is_empty() {
                return Err(PlanError::EmptyStage(number + 1));
            }
            for condition in &stage.gate.conditions {
                if let Condition::MinimumSucceeded { percent } = *condition
                    && percent > 100
                {
                    return Err(PlanError::Percent(percent));
                }
            }
            for assignment in &stage.assignments {
                if !hosts.insert(assignment.host) {
                    return Err(PlanError::HostTwice(assignment.host));
                }
                if !deliveries.insert(assignment.delivery) {
                    return Err(PlanError::DeliveryTwice(assignment.delivery));
                }
            }
        }
        Ok(())
    }
}
