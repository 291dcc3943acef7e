//! Signing in, tokens, users, the audit log.

use escadre_api::{ErrorKind, Role, account::*};

use crate::world::{Place, actor, admin};

const PASSWORD: &str = "correct horse battery";

fn secret_of(path: &str) -> &str {
    path.strip_prefix("/sign-in/once/")
        .expect("the path of a link")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_administrator_comes_in_once_and_sets_a_password() {
    let place = Place::new();
    let world = place.start().await;
    let ops = world.ops();
    assert!(ops.about().await.expect("about").first_run);
    let old = world
        .server
        .one_time_sign_in()
        .await
        .expect("a link")
        .expect("nobody has a password");
    let path = world
        .server
        .one_time_sign_in()
        .await
        .expect("a link")
        .expect("nobody has a password");
    assert_eq!(
        ops.sign_in_once(secret_of(&old), "::1")
            .await
            .expect_err("replaced")
            .code,
        "sign_in.link_over"
    );
    let made = ops.sign_in_once(secret_of(&path), "::1").await.expect("in");
    assert_eq!(
        (made.user.role, made.user.has_password),
        (Role::Administrator, false)
    );
    assert!(
        ops.sign_in_once(secret_of(&path), "::1").await.is_err(),
        "once"
    );
    let me = ops.session(&made.secret, "::1").await.expect("signed in");
    let edit = UserEdit {
        password: Some("short".into()),
        ..Default::default()
    };
    assert_eq!(
        ops.user_edit(&me, &me.name, edit)
            .await
            .expect_err("short")
            .code,
        "password.short"
    );
    let edit = UserEdit {
        password: Some(PASSWORD.into()),
        ..Default::default()
    };
    ops.user_edit(&me, &me.name, edit).await.expect("set");
    assert_eq!(
        world.server.one_time_sign_in().await.expect("asked"),
        None,
        "the door is closed for good"
    );
    assert!(!ops.about().await.expect("about").first_run);
    let again = ops
        .sign_in(&me.name, PASSWORD, "::1")
        .await
        .expect("with the password");
    ops.sign_out(&again.secret).await.expect("out");
    assert_eq!(
        ops.session(&again.secret, "::1")
            .await
            .expect_err("out")
            .kind,
        ErrorKind::Unauthenticated
    );
    ops.session(&made.secret, "::1")
        .await
        .expect("the other session goes on");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_slow_and_tells_nothing() {
    let place = Place::new();
    let world = place.start().await;
    let ops = world.ops();
    let new = UserNew {
        name: "alice".into(),
        role: Role::Viewer,
        password: Some(PASSWORD.into()),
    };
    ops.user_create(&admin(), new).await.expect("made");
    let known = ops
        .sign_in("alice", "wrong", "192.0.2.1")
        .await
        .expect_err("wrong");
    let unknown = ops
        .sign_in("nobody", "wrong", "192.0.2.1")
        .await
        .expect_err("wrong");
    assert_eq!(known, unknown, "the same for a name that is not there");
    for _ in 0..9 {
        assert_eq!(
            ops.sign_in("alice", "wrong", "192.0.2.2")
                .await
                .expect_err("wrong")
                .code,
            "sign_in.wrong"
        );
    }
    let closed = ops
        .sign_in("alice", PASSWORD, "192.0.2.3")
        .await
        .expect_err("closed");
    assert_eq!(closed.kind, ErrorKind::TooMany);
    let lines = ops
        .audit(
            &admin(),
            AuditFilter {
                text: "session.sign_in".into(),
                ..Default::default()
            },
        )
        .await;
    assert_eq!(
        lines.expect("lines").len(),
        11,
        "each attempt that was looked at is in the log"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_have_a_role_and_an_end() {
    let place = Place::new();
    let world = place.start().await;
    let ops = world.ops();
    let new = TokenNew {
        name: "ci".into(),
        kind: TokenKind::Api,
        role: Some(Role::Publisher),
        site: None,
        tags: vec![],
        lifetime_s: None,
    };
    let made = ops
        .token_create(&admin(), new.clone())
        .await
        .expect("a token");
    let who = ops.token_actor(&made.secret, "::1").await.expect("known");
    assert_eq!(
        (who.name.as_str(), who.role, who.via),
        ("token:ci", Role::Publisher, "token")
    );
    assert_eq!(
        ops.tokens(&who).await.expect_err("a publisher").kind,
        ErrorKind::Forbidden
    );
    let without = TokenNew { role: None, ..new };
    assert_eq!(
        ops.token_create(&admin(), without)
            .await
            .expect_err("no role")
            .code,
        "token.role"
    );
    ops.token_revoke(&admin(), made.token.id)
        .await
        .expect("revoked");
    assert_eq!(
        ops.token_actor(&made.secret, "::1")
            .await
            .expect_err("revoked")
            .code,
        "token.revoked"
    );
    let filter = AuditFilter {
        text: "token.use".into(),
        ..Default::default()
    };
    let lines = ops.audit(&admin(), filter).await.expect("lines");
    assert_eq!(lines.len(), 1, "a token that is refused is in the log");
    let state = std::fs::read(place.path("state/server/store.db")).expect("the database");
    let wal = std::fs::read(place.path("state/server/store.db-wal")).unwrap_or_default();
    let secret = made.secret.as_bytes();
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
    assert!(!holds(&state) && !holds(&wal), "no secret is kept in clear");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_always_an_administrator() {
    let place = Place::new();
    let world = place.start().await;
    let ops = world.ops();
    let user = |name: &str, role| UserNew {
        name: name.into(),
        role,
        password: None,
    };
    let made = ops
        .user_create(&admin(), user("alice", Role::Administrator))
        .await
        .expect("made");
    assert!(
        made.sign_in_path.is_some(),
        "without a password there is a link"
    );
    assert_eq!(
        ops.user_create(&admin(), user("alice", Role::Viewer))
            .await
            .expect_err("taken")
            .code,
        "user.taken"
    );
    let local = ops
        .user_create(&admin(), user("Local", Role::Viewer))
        .await
        .expect_err("reserved");
    assert_eq!(local.code, "name.reserved");
    for edit in [
        UserEdit {
            role: Some(Role::Operator),
            ..Default::default()
        },
        UserEdit {
            disabled: Some(true),
            ..Default::default()
        },
    ] {
        let refused = ops
            .user_edit(&admin(), "alice", edit)
            .await
            .expect_err("the last one");
        assert_eq!(refused.code, "user.last_administrator");
    }
    assert_eq!(
        ops.user_remove(&admin(), "alice")
            .await
            .expect_err("the last one")
            .kind,
        ErrorKind::Conflict
    );
    ops.user_create(&admin(), user("bob", Role::Administrator))
        .await
        .expect("made");
    ops.user_remove(&admin(), "alice")
        .await
        .expect("another one is there");
    let names: Vec<String> = ops
        .users(&admin())
        .await
        .expect("users")
        .into_iter()
        .map(|user| user.name)
        .collect();
    assert_eq!(names, ["bob"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_something_wants_its_role_and_is_in_the_log_either_way() {
    let place = Place::new();
    let world = place.start().await;
    let ops = world.ops();
    let settings = ops
        .settings(&actor(Role::Viewer))
        .await
        .expect("anybody sees them");
    let new = Settings {
        name: "Bordeaux".into(),
        ..settings.clone()
    };
    for role in [Role::Viewer, Role::Operator, Role::Publisher] {
        let refused = ops
            .settings_edit(&actor(role), new.clone())
            .await
            .expect_err("no administrator");
        assert_eq!(
            (refused.kind, refused.request.as_deref()),
            (ErrorKind::Forbidden, Some("test"))
        );
    }
    ops.settings_edit(&admin(), new).await.expect("changed");
    assert_eq!(ops.about().await.expect("about").name, "Bordeaux");
    let wrong = Settings {
        sites: "10.0.0.0/99 = x".into(),
        ..settings
    };
    let error = ops.settings_edit(&admin(), wrong).await.expect_err("wrong");
    assert!(error.message.contains("line 1"), "{error}");
    let lines = ops
        .audit(
            &admin(),
            AuditFilter {
                text: "settings.edit".into(),
                ..Default::default()
            },
        )
        .await;
    let outcomes: Vec<String> = lines
        .expect("lines")
        .into_iter()
        .rev()
        .map(|line| line.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [
            "role.missing",
            "role.missing",
            "role.missing",
            "done",
            "settings.sites"
        ]
    );
    world.stop().await;
}
