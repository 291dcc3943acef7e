//! The broker: turns what roles tell each other into what pages want to know, at most four times a second.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use escadre_api::live::LiveEvent;
use escadre_bus::{Heard, Message};
use escadre_model::{HostId, RolloutId};

use crate::{shared::Shared, worker::Stop};

/// Name of the role.
pub(crate) const NAME: &str = "broker";
/// Changes of one thing within this are one event.
const TOGETHER: Duration = Duration::from_millis(250);

/// Works until it is stopped.
pub(crate) async fn run(shared: Arc<Shared>, mut stop: Stop) {
    let Ok(everything) = "*.changed".parse() else {
        return;
    };
    let mut heard = shared.bus.subscribe(everything);
    let mut gathered: BTreeSet<String> = BTreeSet::new();
    loop {
        let first = tokio::select! {
            () = stop.wait() => return,
            first = heard.next() => first,
        };
        let Some(first) = first else { return };
        gather(&shared, first, &mut gathered);
        let end = tokio::time::sleep(TOGETHER);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => break,
                event = heard.next() => match event {
                    Some(event) => gather(&shared, event, &mut gathered),
                    None => return,
                },
            }
        }
        for text in std::mem::take(&mut gathered) {
            let Ok(event) = serde_json::from_str::<LiveEvent>(&text) else {
                continue;
            };
            // Nobody may be listening.
            let _ = shared.live.send(event);
        }
    }
}

/// Adds an event, as text, which has an order.
fn gather(shared: &Shared, heard: Heard, gathered: &mut BTreeSet<String>) {
    let event = match heard {
        Heard::Lagged(_) => Some(LiveEvent::Lagged),
        Heard::Message(message) => event(shared, &message),
    };
    gathered.extend(event.and_then(|event| serde_json::to_string(&event).ok()));
}

fn event(shared: &Shared, message: &Message) -> Option<LiveEvent> {
    match message.subject.to_string().as_str() {
        "host.changed" => {
            let id: HostId = escadre_bus::decode(message).ok()?;
            Some(LiveEvent::Host {
                name: shared.directory.name(id),
            })
        }
        "rollout.changed" => {
            let id: RolloutId = escadre_bus::decode(message).ok()?;
            Some(LiveEvent::Rollout { id: id.to_string() })
        }
        "bundle.changed" => Some(LiveEvent::Bundle {
            name: escadre_bus::decode(message).ok()?,
        }),
        "account.changed" => Some(LiveEvent::Account),
        _ => None,
    }
}
