//! Files of web servers: bounded, resumed, and never by way of another scheme.

use std::{path::Path, time::Duration};

use reqwest::{Client, StatusCode, header::RANGE, redirect::Policy};
use tokio::io::AsyncWriteExt;
use url::Url;

use crate::error::RepositoryError;

/// The client for all repositories.
pub(crate) fn client() -> Result<Client, RepositoryError> {
    let policy = Policy::custom(|attempt| {
        let same = attempt
            .previous()
            .last()
            .is_some_and(|last| last.scheme() == attempt.url().scheme());
        match (same, attempt.previous().len()) {
            (false, _) => attempt.error("redirected to another scheme"),
            (true, 0..5) => attempt.follow(),
            (true, _) => attempt.error("redirected too often"),
        }
    });
    Client::builder()
        .redirect(policy)
        .connect_timeout(Duration::from_secs(20))
        .read_timeout(Duration::from_secs(60))
        .user_agent(concat!("escadre/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| http("any server", &error))
}

fn http(url: impl ToString, error: &dyn std::error::Error) -> RepositoryError {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        message = format!("{message}: {inner}");
        source = inner.source();
    }
    RepositoryError::Http {
        url: url.to_string(),
        message,
    }
}

/// A small file; none if the server has it not.
pub(crate) async fn small(
    client: &Client,
    url: &Url,
    limit: usize,
) -> Result<Option<Vec<u8>>, RepositoryError> {
    let mut response = client
        .get(url.clone())
        .send()
        .await
        .map_err(|error| http(url, &error))?;
    if matches!(
        response.status(),
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN
    ) {
        return Ok(None);
    }
    if !response.status().is_success() {
        return Err(RepositoryError::Http {
            url: url.to_string(),
            message: response.status().to_string(),
        });
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| http(url, &error))? {
        if bytes.len() + chunk.len() > limit {
            return Err(RepositoryError::Bomb {
                file: url.to_string(),
                limit: format!("{limit} bytes"),
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// Brings a file to a path, going on where a partial one ends. `size` is what it must have; more is not taken.
pub(crate) async fn download(
    client: &Client,
    url: &Url,
    path: &Path,
    size: u64,
    mut progress: impl FnMut(u64),
) -> Result<(), RepositoryError> {
    let file_error = |action| RepositoryError::file(action, path);
    let have = tokio::fs::metadata(path)
        .await
        .map(|meta| meta.len())
        .unwrap_or(0);
    let have = if have <= size { have } else { 0 };
    if have == size && size > 0 {
        return Ok(());
    }
    let mut request = client.get(url.clone());
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let mut response = request.send().await.map_err(|error| http(url, &error))?;
    let resumed = match response.status() {
        StatusCode::PARTIAL_CONTENT if have > 0 => true,
        status if status.is_success() => false,
        status => {
            return Err(RepositoryError::Http {
                url: url.to_string(),
                message: status.to_string(),
            });
        }
    };
    let mut options = tokio::fs::OpenOptions::new();
    options
        .create(true)
        .write(true)
        .append(resumed)
        .truncate(!resumed);
    let mut file = options.open(path).await.map_err(file_error("write"))?;
    let mut held = if resumed { have } else { 0 };
    while let Some(chunk) = response.chunk().await.map_err(|error| http(url, &error))? {
        held += chunk.len() as u64;
        if held > size {
            return Err(RepositoryError::Checksum {
                file: url.to_string(),
                reason: format!("it is longer than {size} bytes"),
            });
        }
        file.write_all(&chunk)
            .await
            .map_err(RepositoryError::file("write", path))?;
        progress(held);
    }
    file.sync_all()
        .await
        .map_err(RepositoryError::file("write", path))?;
    Ok(())
}
