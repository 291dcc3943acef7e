//! Style, script and icon, embedded, under names that hold their hash: what changed has another address.

use std::sync::OnceLock;

use axum::{
    extract::{Path, State},
    http::{Uri, header},
    response::{IntoResponse, Response},
};
use escadre_api::ApiError;

use crate::{app::App, rest::Refused};

/// The sprite of all icons; it stands in every page, so that an icon costs no request.
pub(crate) const SPRITE: &str = include_str!("../assets/sprite.svg");

struct Asset {
    stem: &'static str,
    extension: &'static str,
    format: &'static str,
    content: &'static [u8],
}

const ASSETS: [Asset; 3] = [
    Asset {
        stem: "escadre",
        extension: "css",
        format: "text/css; charset=utf-8",
        content: include_bytes!("../assets/escadre.css"),
    },
    Asset {
        stem: "live",
        extension: "js",
        format: "text/javascript; charset=utf-8",
        content: include_bytes!("../assets/live.js"),
    },
    Asset {
        stem: "ship",
        extension: "svg",
        format: "image/svg+xml",
        content: include_bytes!("../assets/ship.svg"),
    },
];

/// Addresses of the assets, for the layout.
pub(crate) struct Addresses {
    pub(crate) style: String,
    pub(crate) script: String,
    pub(crate) icon: String,
}

/// The addresses, computed once.
pub(crate) fn addresses() -> &'static Addresses {
    static ADDRESSES: OnceLock<Addresses> = OnceLock::new();
    ADDRESSES.get_or_init(|| {
        let [style, script, icon] = ASSETS.map(|asset| format!("/assets/{}", file_name(&asset)));
        Addresses {
            style,
            script,
            icon,
        }
    })
}

fn file_name(asset: &Asset) -> String {
    let hash = blake3::hash(asset.content).to_hex();
    format!("{}-{}.{}", asset.stem, &hash[..16], asset.extension)
}

/// An asset by its hashed name; another hash is another version, which we do not have.
pub(crate) async fn serve(
    State(_): State<App>,
    Path(file): Path<String>,
    uri: Uri,
) -> Result<Response, Refused> {
    let asset = ASSETS.into_iter().find(|asset| file_name(asset) == file);
    let Some(asset) = asset else {
        let message = format!("there is nothing at {}", uri.path());
        return Err(ApiError::not_found("request.path", message).into());
    };
    let headers = [
        (header::CONTENT_TYPE, asset.format),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.content).into_response())
}
