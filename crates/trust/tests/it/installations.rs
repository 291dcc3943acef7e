//! One publisher's key for several installations: each has its memory, and nothing of one counts in another.

use std::{collections::BTreeMap, fs, path::Path};

use escadre_trust::{
    AgentTrust, Fingerprint, MetadataFolder, Publisher, TrustError,
    metadata::{is_complete_root, is_complete_targets},
};
use tough::schema::{Root, Signed, Targets};

use crate::fleet::{Fleet, LIVES, bundle, forge, start};

/// All that a publisher remembers.
fn memory(keys: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for folder in fs::read_dir(keys.join("followed")).expect("readable") {
        for file in fs::read_dir(folder.expect("an entry").path()).expect("readable") {
            let path = file.expect("an entry").path();
            let content = fs::read_to_string(&path).expect("readable");
            files.insert(path.to_string_lossy().into_owned(), content);
        }
    }
    files
}

fn add(by: &Publisher, root: &[u8], list: &[u8]) -> Result<Vec<u8>, TrustError> {
    by.add_target((root, list), &bundle("new@1"), b"new@1", &LIVES, start())
}

/// The complete next root of an installation with one publisher.
fn next_root(fleet: &Fleet) -> Vec<u8> {
    let plan = fleet.plan(&[&fleet.publisher], 1);
    let next = fleet.publisher.next_root(&fleet.root(), &plan, start());
    next.expect("signed")
}

/// Puts the memory of one installation where it lay when there was only one.
fn to_old_layout(keys: &Path) {
    let followed = keys.join("followed");
    let entries = fs::read_dir(&followed).expect("readable");
    let [entry] = &entries
        .map(|entry| entry.expect("an entry").path())
        .collect::<Vec<_>>()[..]
    else {
        panic!("one installation is followed");
    };
    for file in ["root.json", "targets-seen"] {
        fs::rename(entry.join(file), keys.join(file)).expect("moved");
    }
    fs::remove_dir_all(&followed).expect("removed");
}

#[tokio::test]
async fn one_key_serves_two_installations() {
    let one = Fleet::with("hello@1.0");
    one.publish("hello@1.1", start());
    let two = one.beside();
    two.publish("other@1", start());
    one.publish("hello@1.2", start());
    two.publish("other@2", start());
    for (fleet, name) in [(&one, "hello@1.2"), (&two, "other@2")] {
        let mut agent = fleet.agent("agent");
        let view = fleet.link().update(&mut agent, start()).await;
        assert!(view.expect("good").entry(&bundle(name)).is_ok());
    }
    // The second one's state is deleted, and founded anew with the same key.
    let old = two.list();
    fs::remove_dir_all(two.key_file("server")).expect("the state is deleted");
    let anew = one.beside();
    anew.publish("third@1", start());
    one.publish("hello@1.3", start());
    assert_eq!(
        fs::read_dir(one.keys.join("followed"))
            .map(Iterator::count)
            .ok(),
        Some(3)
    );
    // The list of the deleted state is no list of the new one's.
    assert!(matches!(
        add(&anew.publisher, &anew.root(), &old),
        Err(TrustError::OtherInstallation { role: "targets" })
    ));
}

/// The server of one installation has the metadata of another with the same publisher, and shows it.
#[test]
fn a_taken_server_switches_no_memories() {
    let one = Fleet::with("hello@1.0");
    let two = one.beside();
    for name in ["a@1", "b@1", "c@1"] {
        two.publish(name, start());
    }
    one.publish("hello@1.1", start());
    let key = &one.publisher;
    for fleet in [&one, &two] {
        add(key, &fleet.root(), &fleet.list()).expect("the newest is seen");
    }
    let before = memory(&one.keys);
    let refused = [
        ("its list", add(key, &one.root(), &two.list())),
        ("its root", add(key, &two.root(), &one.list())),
        (
            "its list to co-sign",
            key.sign_targets((&one.root(), &one.list()), None, &relabelled(&one, &two)),
        ),
        (
            "its root to co-sign",
            key.sign_root(Some(&one.root()), &next_root(&two)),
        ),
        (
            "a list for its root",
            key.renew_targets(
                (&one.root(), &one.list()),
                Some(&two.root()),
                &LIVES,
                start(),
            ),
        ),
    ];
    for (what, outcome) in refused {
        let is_refused = matches!(outcome, Err(TrustError::OtherInstallation { .. }));
        assert!(is_refused, "{what}: {outcome:?}");
        assert_eq!(memory(&one.keys), before, "{what}");
    }
    // Nor does the server take any of it, and whoever follows the first alone does not slide into the other.
    let publish = |root: Option<&[u8]>, list: &[u8]| {
        one.server
            .publish(root, Some(list), &one.online, &LIVES, start())
    };
    assert!(matches!(
        publish(None, &relabelled(&one, &two)),
        Err(TrustError::OtherInstallation { role: "targets" })
    ));
    assert!(matches!(
        publish(Some(&next_root(&two)), &two.list()),
        Err(TrustError::OtherInstallation { role: "root" })
    ));
    let other = Fleet::new();
    let plan = two.plan(&[&two.publisher, &other.publisher], 1);
    let both = two.publisher.next_root(&two.root(), &plan, start());
    let outcome = add(&other.publisher, &both.expect("signed"), &two.list());
    let told = outcome.map_err(|error| error.to_string());
    assert_eq!(
        told.err().as_deref(),
        Some(
            "this publisher does not follow this installation yet: check the root's fingerprint with the other \
             publishers, then pin it with `escadre publisher pin FINGERPRINT`"
        )
    );
}

/// A list of `theirs`, with the version that comes next in `ours`.
fn relabelled(ours: &Fleet, theirs: &Fleet) -> Vec<u8> {
    let version = |fleet: &Fleet| -> Signed<Targets> {
        serde_json::from_slice(&fleet.list()).expect("a list")
    };
    let mut list = version(theirs);
    list.signed.version = version(ours).signed.version.saturating_add(1);
    forge(list.signed, &[&ours.keys.join("publisher.pem")])
}

/// The agents of one installation take nothing of the other, though the same publisher signed it.
#[tokio::test]
async fn agents_take_nothing_of_another_installation() {
    let one = Fleet::with("hello@1.0");
    let two = one.beside();
    for name in ["a@1", "b@1", "c@1"] {
        two.publish(name, start());
    }
    let mut agent = one.agent("agent");
    let update = one.link().update(&mut agent, start()).await;
    update.expect("good");
    let link = one.link();
    link.sign_as_server(&one, &two.list(), 4, 1_900_000_000, start());
    let refusal = link.refusal(&mut agent, start()).await;
    assert!(refusal.to_string().contains("another installation"));
    // A root with the other's name, the right version and the right signatures.
    let link = one.link();
    let plan = one.plan(&[&one.publisher], 1);
    let next = two.publisher.next_root(&two.root(), &plan, start());
    link.set("2.root.json", next.expect("signed"));
    let refusal = link.refusal(&mut agent, start()).await;
    assert!(refusal.to_string().contains("another installation"));
    let view = one.link().update(&mut agent, start()).await;
    assert_eq!(view.expect("nothing of it stayed").root_version(), 1);
    let reopened = AgentTrust::open(&one.key_file("agent")).expect("opens");
    assert!(reopened.stored().expect("readable").is_some());
}

#[test]
fn a_folder_with_one_memory_is_taken_up() {
    let one = Fleet::with("hello@1.0");
    let old = one.list();
    one.publish("hello@1.1", start());
    add(&one.publisher, &one.root(), &one.list()).expect("the newest is seen");
    let before = memory(&one.keys);
    to_old_layout(&one.keys);
    let check = || {
        let outcome = add(&one.same_key(), &one.root(), &old);
        assert!(
            matches!(outcome, Err(TrustError::MetadataVersion { wanted: 3, .. })),
            "{outcome:?}"
        );
        add(&one.same_key(), &one.root(), &one.list()).expect("goes on");
        assert_eq!(memory(&one.keys), before, "nothing is lost");
        assert!(!one.keys.join("root.json").exists() && !one.keys.join("targets-seen").exists());
    };
    check();
    // Founding first, and a crash in the middle of the move: the old files are there still, even older ones.
    to_old_layout(&one.keys);
    let two = one.beside();
    two.publish("other@1", start());
    assert_eq!(
        before
            .iter()
            .find(|(path, content)| fs::read_to_string(path).ok().as_ref() != Some(*content)),
        None
    );
    one.publish("hello@1.2", start());
    let now = memory(&one.keys);
    fs::write(one.keys.join("root.json"), one.root()).expect("written");
    fs::write(one.keys.join("targets-seen"), "1\n").expect("written");
    let outcome = add(&one.same_key(), &one.root(), &old);
    assert!(matches!(outcome, Err(TrustError::MetadataVersion { .. })));
    assert_eq!(memory(&one.keys), now);
}

/// A root that was followed further is not set back by its first version beside the key.
#[test]
fn an_old_folder_sets_no_root_back() {
    let fleet = Fleet::with("hello@1.0");
    let first = fleet.root();
    let next = next_root(&fleet);
    fleet
        .server
        .publish(Some(&next), None, &fleet.online, &LIVES, start())
        .expect("accepted");
    fleet.publish("hello@1.1", start());
    fs::write(fleet.keys.join("root.json"), &first).expect("written");
    let outcome = add(&fleet.publisher, &first, &fleet.list());
    assert!(matches!(outcome, Err(TrustError::RootUnknown { .. })));
    fleet.publish("hello@1.2", start());
}

/// Metadata from before installations had names: told apart by the server's key.
#[test]
fn installations_without_names() {
    let one = Fleet::new();
    let two = one.beside();
    let key = one.keys.join("publisher.pem");
    let nameless = |fleet: &Fleet| {
        let mut root: Signed<Root> = serde_json::from_slice(&fleet.root()).expect("a root");
        let mut list: Signed<Targets> = serde_json::from_slice(&fleet.list()).expect("a list");
        root.signed._extra.clear();
        list.signed._extra.clear();
        (forge(root.signed, &[&key]), forge(list.signed, &[&key]))
    };
    fs::remove_dir_all(one.keys.join("followed")).expect("forgotten");
    let (first, second) = (nameless(&one), nameless(&two));
    fs::write(one.keys.join("root.json"), &first.0).expect("an old folder");
    let key = one.same_key();
    assert!(matches!(
        add(&key, &second.0, &second.1),
        Err(TrustError::RootUnknown { .. })
    ));
    key.pin_root(&second.0, &Fingerprint::of(&second.0))
        .expect("compared");
    for (root, list) in [&first, &second, &first] {
        let next = add(&key, root, list).expect("signed");
        assert_eq!(is_complete_targets(root, &next).ok(), Some(true));
    }
    let plan = one.plan(&[&key], 1);
    let next = key.next_root(&first.0, &plan, start()).expect("signed");
    assert_eq!(is_complete_root(Some(&first.0), &next).ok(), Some(true));
    let outcome = add(&key, &one.root(), &first.1);
    assert!(matches!(outcome, Err(TrustError::RootUnknown { .. })));
}

#[test]
fn pinning_catches_up_and_never_goes_back() {
    let fleet = Fleet::with("hello@1.0");
    let other = Fleet::new();
    let pin = |root: &[u8]| other.publisher.pin_root(root, &Fingerprint::of(root));
    let first = fleet.root();
    let old_list = fleet.list();
    pin(&first).expect("compared");
    // Two roots while the other publisher is away: one step is followed, two are pinned.
    for _ in 0..2 {
        let plan = fleet.plan(&[&fleet.publisher, &other.publisher], 1);
        let next = fleet.publisher.next_root(&fleet.root(), &plan, start());
        let next = next.expect("signed");
        let accepted = fleet
            .server
            .publish(Some(&next), None, &fleet.online, &LIVES, start());
        accepted.expect("complete");
    }
    fleet.publish("hello@1.1", start());
    let away = add(&other.publisher, &fleet.root(), &fleet.list());
    assert!(matches!(away, Err(TrustError::RootUnknown { .. })));
    pin(&fleet.root()).expect("compared");
    add(&other.publisher, &fleet.root(), &fleet.list()).expect("caught up");
    assert!(matches!(
        pin(&first),
        Err(TrustError::MetadataVersion { role: "root", .. })
    ));
    pin(&fleet.root()).expect("the same again");
    let old = add(&other.publisher, &fleet.root(), &old_list);
    assert!(matches!(old, Err(TrustError::MetadataVersion { .. })));
    assert_eq!(
        fs::read_dir(other.keys.join("followed"))
            .map(Iterator::count)
            .ok(),
        Some(2),
        "its own installation, and this one once"
    );
    // A first root that borrows the name of an installation that is followed.
    let mut borrowed: Signed<Root> = serde_json::from_slice(&other.root()).expect("a root");
    let known = other.beside();
    let named: Signed<Root> = serde_json::from_slice(&known.root()).expect("a root");
    borrowed.signed._extra = named.signed._extra;
    let borrowed = forge(borrowed.signed, &[&other.keys.join("publisher.pem")]);
    assert!(matches!(
        pin(&borrowed),
        Err(TrustError::OtherInstallation { role: "root" })
    ));
}

/// Two publishers found together: neither root nor first list counts before both have signed.
#[test]
fn two_publishers_found_together() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let fleet = Fleet::new();
    let other = Publisher::create(&home.path().join("other"), None).expect("a key");
    let plan = fleet.plan(&[&fleet.publisher, &other], 2);
    let (root, list) = fleet.publisher.found(&plan, start()).expect("one of two");
    let server = MetadataFolder::open(&home.path().join("server")).expect("a folder");
    let publish = |root: &[u8], list: &[u8]| {
        server.publish(Some(root), Some(list), &fleet.online, &LIVES, start())
    };
    let early = other.sign_first_targets(&root, &list);
    assert!(
        matches!(early, Err(TrustError::RootUnknown { .. })),
        "it follows nothing yet: {early:?}"
    );
    let root = other.sign_root(None, &root).expect("the second signature");
    other
        .pin_root(&root, &Fingerprint::of(&root))
        .expect("complete");
    assert!(matches!(
        publish(&root, &list),
        Err(TrustError::MetadataSignature {
            role: "targets",
            ..
        })
    ));
    let whole = other.sign_first_targets(&root, &list).expect("signed");
    publish(&root, &whole).expect("complete");
    let next = add(&fleet.publisher, &root, &whole).expect("the founder goes on");
    let next = other
        .sign_targets((&root, &whole), None, &next)
        .expect("signed");
    assert_eq!(is_complete_targets(&root, &next).ok(), Some(true));
    // Nothing but an empty list in an installation's first state is signed without a list to compare with.
    let mut full: Signed<Targets> = serde_json::from_slice(&next).expect("a list");
    full.signed.version = 1.try_into().expect("not zero");
    let pem = fleet.keys.join("publisher.pem");
    let full = forge(full.signed, &[&pem]);
    assert!(matches!(
        other.sign_first_targets(&root, &full),
        Err(TrustError::MetadataText { .. })
    ));
    other
        .sign_targets((&root, &next), None, &next)
        .expect_err("its version is seen now");
    assert!(matches!(
        other.sign_first_targets(&root, &list),
        Err(TrustError::MetadataVersion {
            role: "targets",
            ..
        })
    ));
    assert!(matches!(
        other.sign_root(None, &next_root(&fleet)),
        Err(TrustError::MetadataVersion { role: "root", .. })
    ));
}
