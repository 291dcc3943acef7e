//! What hosts send comes out as text, on every page and in every language, whatever it is.

use escadre_api::Role;
use escadre_web::Face;

use crate::{
    client::{Client, paths},
    fixture::{Fixture, HOSTILE},
};

/// Tags that our own templates use; any other one, or any attribute that runs code, came from outside.
const OWN: [&str; 66] = [
    "!doctype", "html", "head", "meta", "title", "link", "script", "noscript", "body", "svg",
    "defs", "symbol", "path", "circle", "rect", "use", "polygon", "text", "a", "header", "nav",
    "div", "span", "img", "form", "input", "button", "p", "main", "footer", "section", "h1", "h2",
    "h3", "ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th",
    "td", "time", "code", "pre", "b", "br", "kbd", "dialog", "details", "summary", "search",
    "label", "select", "option", "textarea", "fieldset", "legend", "progress", "abbr", "small",
];

fn check(path: &str, body: &str) {
    for piece in body.split('<').skip(1) {
        let name: String = piece
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '!')
            .collect();
        assert!(
            OWN.contains(&name.to_ascii_lowercase().as_str()),
            "{path}: <{name}"
        );
        let tag = piece.split('>').next().expect("a part");
        // Between quotes there is only text, since quotes from outside are escaped.
        for place in ["href", "src", "action", "formaction"] {
            let runs = format!("{place}=\"javascript:");
            assert!(!tag.contains(&runs), "{path}: <{tag}>");
        }
        let names: String = tag.split('"').step_by(2).collect();
        for attribute in [" on", "=x", "srcdoc", "style="] {
            assert!(!names.contains(attribute), "{path}: <{tag}>");
        }
    }
    assert_eq!(body.matches("<script").count(), 1, "{path}");
    assert_eq!(body.matches("<title>").count(), 1, "{path}");
}

#[tokio::test]
async fn hostile_inventory_is_text() {
    for face in [Face::Visualisation, Face::Configuration] {
        let mut fixture = Fixture::new();
        fixture.hostile = true;
        let client = Client::new(fixture, face, Role::Administrator);
        let mut seen = String::new();
        for path in paths(face) {
            let answer = client.get(path).await;
            check(path, &answer.body);
            seen.push_str(&answer.body);
        }
        for name in HOSTILE {
            let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
            for path in [
                format!("/hosts/{encoded}"),
                format!("/hosts/{encoded}/inventory"),
                format!("/hosts/{encoded}/packages?search={encoded}"),
                format!("/hosts/{encoded}/timeline"),
                format!("/checks/{encoded}/{encoded}?done={encoded}"),
                format!("/hosts?query={encoded}&sort={encoded}"),
                format!("/audit?text={encoded}"),
                format!(
                    "/rollouts/new?step=who&bundle=hello@1.0&asked=yes&to={encoded}&note={encoded}"
                ),
                format!("/sign-in?then={encoded}"),
                format!("/{encoded}"),
            ] {
                let answer = client.get(&path).await;
                check(&path, &answer.body);
                seen.push_str(&answer.body);
            }
        }
        // The payloads did arrive: they stand there, escaped.
        assert!(
            seen.contains("&lt;script&gt;alert(1)") || seen.contains("&#60;script&#62;alert(1)")
        );
    }
}

#[tokio::test]
async fn commands_to_copy_hold_hostile_names_as_one_word() {
    let client = Client::new(Fixture::new(), Face::Visualisation, Role::Viewer);
    let page = client.get("/hosts?query=%24(reboot)%27%3Bx").await.body;
    let shown = page.replace("&#39;", "'").replace("&#36;", "$");
    assert!(
        shown.contains(r"escadre host list '$(reboot)'\'';x'"),
        "{shown}"
    );
}
