//! Bytes from outside, damaged in every way that chance finds: an error or the truth, never a panic.

use std::sync::OnceLock;

use escadre_model::HostId;
use escadre_trust::{
    AgentKey, Authority, PeerIdentity,
    authority::certificate_from_pem,
    metadata::{RootSummary, changes, is_complete_root, is_complete_targets},
};
use proptest::prelude::*;
use rustls::pki_types::CertificateDer;

use crate::fleet::{Fleet, start};

struct Samples {
    authority: Authority,
    request: String,
    certificate: Vec<u8>,
    root: Vec<u8>,
    list: Vec<u8>,
    _home: tempfile::TempDir,
}

fn samples() -> &'static Samples {
    static SAMPLES: OnceLock<Samples> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let home = tempfile::tempdir().expect("a temporary folder");
        let authority = Authority::create(&home.path().join("ca"), start()).expect("a CA");
        let request = AgentKey::create(&home.path().join("key"))
            .and_then(|key| key.request())
            .expect("a request");
        let pem = authority
            .issue_agent(&request, HostId::from_random([1; 16]), start())
            .expect("issued");
        let certificate = certificate_from_pem(&pem).expect("one").to_vec();
        let fleet = Fleet::with("hello@1.0");
        Samples {
            authority,
            request,
            certificate,
            root: fleet.root(),
            list: fleet.list(),
            _home: home,
        }
    })
}

fn damaged(
    sample: &[u8],
    places: &[(prop::sample::Index, u8)],
    cut: Option<prop::sample::Index>,
) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for (place, byte) in places {
        let place = place.index(bytes.len());
        bytes[place] = *byte;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(sample.len()));
    }
    bytes
}

fn damage() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>)>
{
    (
        prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..4),
        any::<Option<prop::sample::Index>>(),
    )
}

proptest! {
    #[test]
    fn certificates((places, cut) in damage()) {
        let _ = PeerIdentity::of(&CertificateDer::from(damaged(&samples().certificate, &places, cut)));
    }

    #[test]
    fn requests((places, cut) in damage()) {
        let text = damaged(samples().request.as_bytes(), &places, cut);
        let text = String::from_utf8_lossy(&text);
        let host = HostId::from_random([2; 16]);
        if let Ok(pem) = samples().authority.issue_agent(&text, host, start()) {
            let certificate = certificate_from_pem(&pem).expect("our own");
            prop_assert_eq!(PeerIdentity::of(&certificate).map(|peer| peer.host).ok(), Some(host));
        }
    }

    /// A root or list that still counts as complete says what the undamaged one says.
    #[test]
    fn metadata((places, cut) in damage()) {
        let (root, list) = (&samples().root, &samples().list);
        let bad_root = damaged(root, &places, cut);
        if is_complete_root(None, &bad_root).unwrap_or(false) {
            prop_assert_eq!(RootSummary::read(&bad_root).ok(), RootSummary::read(root).ok());
        }
        let bad_list = damaged(list, &places, cut);
        if is_complete_targets(root, &bad_list).unwrap_or(false) {
            prop_assert_eq!(changes(list, &bad_list).ok(), Some(Vec::new()));
        }
        let _ = (is_complete_targets(&bad_root, list), changes(&bad_list, list));
    }
}
