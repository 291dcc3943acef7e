//! Serves both faces over an invented fleet, to look at the pages without a server: nothing here is real.
//!
//! `cargo run -p escadre-web --example fixture`, then sign in as `administrator` with `correct horse battery`.
//! `--calm` and `--hostile` show other fleets; `--cookies 'escadre-theme=dark'` comes with every request, so that
//! pictures can be taken without signing in; `--port 7766` is the first of the two ports.

#[path = "../tests/it/fixture/mod.rs"]
mod fixture;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::Request,
    http::{HeaderValue, header},
    middleware::{Next, from_fn},
};
use escadre_api::{Role, live::LiveEvent};
use escadre_web::{Face, router};
use fixture::{Fixture, NOW, setup};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).cloned()
    };
    let mut fixture = Fixture::new();
    fixture.calm = args.iter().any(|arg| arg == "--calm");
    fixture.hostile = args.iter().any(|arg| arg == "--hostile");
    let fixture = Arc::new(fixture);
    for role in Role::ALL {
        fixture.enter(role);
    }
    tracing::info!(
        at = NOW,
        done = fixture.done().len(),
        "the fleet stands still"
    );
    fixture.say(LiveEvent::Account);
    let first: u16 = value("--port").map_or(Ok(7766), |port| port.parse())?;
    let cookies = value("--cookies")
        .map(|cookies| HeaderValue::from_str(&cookies))
        .transpose()?;
    for (face, port) in [
        (Face::Configuration, first),
        (Face::Visualisation, first + 1),
    ] {
        let cookies = cookies.clone();
        let app = router(setup(fixture.clone()), face).layer(from_fn(
            move |mut request: Request, next: Next| {
                if let Some(cookies) = cookies.clone() {
                    request.headers_mut().append(header::COOKIE, cookies);
                }
                next.run(request)
            },
        ));
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
    }
    std::future::pending().await
}
