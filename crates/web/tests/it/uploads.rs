//! Uploads: through a file that only we can read, and nothing left behind whatever goes wrong.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use escadre_api::{ApiError, Role};
use escadre_web::{Face, router};

use crate::{
    client::{Answer, Client},
    fixture::{Fixture, setup},
};

fn error(answer: &Answer) -> ApiError {
    serde_json::from_str(&answer.body).expect("an error document")
}

/// The form as browsers send it: the fields in their order, the file last.
fn form(token: &str, file: &str) -> String {
    let fields = [
        ("form_token", token),
        ("name", "hello"),
        ("version", "1.0"),
        ("action", "launch"),
        ("command", "install.sh"),
        ("file\"; filename=\"../../hello.zip", file),
    ];
    let part = |(name, value): (&str, &str)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts: Vec<String> = fields.into_iter().map(part).collect();
    format!("{}--b--\r\n", parts.concat())
}

async fn upload(client: &Client, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
    let mut request = Request::post(path).header("content-type", "multipart/form-data; boundary=b");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client
        .send(request.body(Body::from(body)).expect("a request"))
        .await
}

#[tokio::test]
async fn uploads_go_through_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = Client::new(Fixture::new(), Face::Configuration, Role::Publisher);
    let mut limited = setup(client.fixture.clone());
    limited.uploads = folder.path().to_owned();
    limited.upload_limit = 3 << 20;
    let client = client.over(router(limited, Face::Configuration));
    let left = || {
        std::fs::read_dir(folder.path())
            .expect("the folder")
            .count()
    };
    let bearer = [("authorization", "Bearer token-of-publisher")];
    let archive = "z".repeat(3_000_000);

    let answer = upload(&client, "/api/v1/uploads", &bearer, form("", &archive)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    let done = client.fixture.done();
    assert_eq!(done, ["bundle_upload hello hello.zip 3000000 bytes"]);

    let larger = "z".repeat(4 << 20);
    let answer = upload(&client, "/api/v1/uploads", &bearer, form("", &larger)).await;
    assert_eq!(error(&answer).code, "upload.size");
    let answer = upload(
        &client,
        "/api/v1/uploads",
        &bearer,
        form("", &archive)[..2_000_000].to_owned(),
    )
    .await;
    assert_eq!(error(&answer).code, "upload.broken");
    let viewer = [("authorization", "Bearer token-of-viewer")];
    let answer = upload(&client, "/api/v1/uploads", &viewer, form("", &archive)).await;
    assert_eq!(error(&answer).code, "auth.role");
    assert_eq!(left(), 0, "nothing is left behind");

    // The form of the page, which works without script.
    let page = [("sec-fetch-site", "same-origin")];
    let token = client.get("/account").await.form_token();
    let answer = upload(&client, "/bundles", &page, form(&token, "zip")).await;
    assert_eq!(
        answer.header("location"),
        "/uploads/hello/1.0",
        "{}",
        answer.body
    );
    let answer = upload(&client, "/bundles", &page, form("00", "zip")).await;
    assert!(answer.body.contains("auth.forged"));
    let answer = upload(
        &client,
        "/bundles",
        &[("sec-fetch-site", "cross-site")],
        form(&token, "zip"),
    )
    .await;
    assert!(answer.body.contains("auth.forged"));
    assert_eq!(client.fixture.done().len(), 2);
    assert_eq!(left(), 0, "nothing is left behind");
}
