//! An archive from a browser or a client, streamed into a file that only we can read, never into memory.

use std::{io::ErrorKind as Io, path::PathBuf};

use axum::extract::{FromRequest, Multipart, Request, multipart::Field};
use escadre_api::{
    ApiError, ErrorKind,
    bundle::{UploadAction, UploadNew},
};
use escadre_model::{BundleRef, ByteCount};
use tempfile::TempPath;
use tokio::{fs::File, io::AsyncWriteExt};

use super::Refused;
use crate::{app::App, caller::forged, guard::forgery};

/// Longest text field of the form.
const FIELD_LIMIT: usize = 64 << 10;

/// A whole upload. The file belongs to whoever takes this.
pub(crate) struct Received {
    pub(crate) upload: UploadNew,
    pub(crate) file_name: String,
    pub(crate) file: PathBuf,
}

#[derive(Default)]
struct Form {
    name: String,
    version: String,
    action: String,
    command: String,
    description: String,
}

/// Reads the form. With a session, its form token must come before the file, so that a forged form fills no disk.
pub(crate) async fn receive(
    app: &App,
    request: Request,
    session: Option<&str>,
) -> Result<Received, Refused> {
    let mut multipart = Multipart::from_request(request, app)
        .await
        .map_err(|refusal| ApiError::invalid("upload.form", refusal.body_text()))?;
    let mut form = Form::default();
    let mut file: Option<(String, TempPath)> = None;
    let mut proven = session.is_none();
    while let Some(field) = multipart.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or("").to_owned();
        if name == forgery::FIELD {
            let token = text(field).await?;
            proven = session.is_none_or(|session| forgery::verify(session, &token));
            continue;
        }
        if !proven {
            return Err(forged().into());
        }
        match name.as_str() {
            "file" => file = Some(store(app, field).await?),
            "name" => form.name = text(field).await?,
            "version" => form.version = text(field).await?,
            "action" => form.action = text(field).await?,
            "command" => form.command = text(field).await?,
            "description" => form.description = text(field).await?,
            _ => {}
        }
    }
    let upload = form.upload()?;
    let (file_name, path) = file.ok_or_else(|| {
        ApiError::invalid("upload.file", "the form holds no file")
            .with_hint("choose an archive (.zip, .tar, .tar.gz) or a file")
    })?;
    let file = path.keep().map_err(|error| disk(&error.error))?;
    Ok(Received {
        upload,
        file_name,
        file,
    })
}

impl Form {
    fn upload(self) -> Result<UploadNew, Refused> {
        let bundle = BundleRef::new(self.name.trim(), self.version.trim())
            .map_err(|error| ApiError::invalid("bundle.name", error.to_string()))?;
        let command = self.command.trim().to_owned();
        if command.is_empty() {
            let message = "the form does not say what to run, or where to store the content";
            return Err(ApiError::invalid("upload.command", message).into());
        }
        let action = match self.action.as_str() {
            "launch" => UploadAction::Launch(command),
            "execute" => UploadAction::Execute(command),
            "store" => UploadAction::Store(command),
            other => {
                let message = format!("`{other}` is no action; there are launch, execute, store");
                return Err(ApiError::invalid("upload.action", message).into());
            }
        };
        Ok(UploadNew {
            name: bundle.name().to_owned(),
            version: bundle.version().to_owned(),
            action,
            description: self.description,
        })
    }
}

async fn text(mut field: Field<'_>) -> Result<String, Refused> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        if bytes.len() + piece.len() > FIELD_LIMIT {
            let message = "a field of the form is longer than 64 KiB";
            return Err(ApiError::new(ErrorKind::TooLarge, "upload.field", message).into());
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes)
        .map_err(|_| ApiError::invalid("upload.field", "a field is not UTF-8").into())
}

/// Writes the field into a new file with mode 0600. Whatever goes wrong, the file goes away with its `TempPath`.
async fn store(app: &App, mut field: Field<'_>) -> Result<(String, TempPath), Refused> {
    let file_name = plain_name(field.file_name().unwrap_or(""));
    let named = tempfile::Builder::new()
        .prefix("upload-")
        .tempfile_in(&app.setup().uploads)
        .map_err(|error| disk(&error))?;
    let (file, path) = named.into_parts();
    let mut file = File::from_std(file);
    let limit = app.setup().upload_limit;
    let mut length = 0u64;
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        length += piece.len() as u64;
        if length > limit {
            let message = format!("the file is larger than {}", ByteCount(limit));
            return Err(ApiError::new(ErrorKind::TooLarge, "upload.size", message)
                .with_hint("use `escadre bundle create`, which has no such limit")
                .into());
        }
        file.write_all(&piece).await.map_err(|error| disk(&error))?;
    }
    file.flush().await.map_err(|error| disk(&error))?;
    Ok((file_name, path))
}

/// The last part of a file name, without anything that could make it a path or an option.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or("");
    let kept: String = last
        .chars()
        .filter(|c| c.is_alphanumeric() || "._+~-".contains(*c))
        .take(200)
        .collect();
    let kept = kept.trim_start_matches(['.', '-']).to_owned();
    if kept.is_empty() {
        "upload".to_owned()
    } else {
        kept
    }
}

fn broken(error: axum::extract::multipart::MultipartError) -> Refused {
    let message = format!("the upload broke off: {}", error.body_text());
    ApiError::invalid("upload.broken", message).into()
}

fn disk(error: &std::io::Error) -> Refused {
    let (code, hint) = match error.kind() {
        Io::StorageFull | Io::QuotaExceeded => ("upload.no-room", "make room and try again"),
        _ => ("upload.disk", "see the server's log and its healthcheck"),
    };
    tracing::warn!(%error, "an upload cannot be written");
    let message = format!("the upload cannot be written: {error}");
    ApiError::new(ErrorKind::Unavailable, code, message)
        .with_hint(hint)
        .into()
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn file_names_are_plain() {
        for (given, expected) in [
            ("hello.zip", "hello.zip"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\a b.tar.gz", "ab.tar.gz"),
            ("..", "upload"),
            ("-rf", "rf"),
            ("", "upload"),
        ] {
            assert_eq!(plain_name(given), expected, "{given}");
        }
    }
}
