//! `escadre token`, `user`, `audit` and `settings`.

use anyhow::{Context, Result, bail};
use escadre_api::account::{
    AuditEntry, Settings, Token, TokenKind, TokenMade, TokenNew, User, UserEdit, UserMade, UserNew,
};
use escadre_api::health::About;
use reqwest::Method;

use super::Session;
use crate::{cli, client::escape, render};

pub(super) async fn token(session: &Session, command: cli::Token) -> Result<()> {
    let Session { client, format } = session;
    match command {
        cli::Token::List => {
            let tokens: Vec<Token> = client.get("/tokens").await?;
            let columns = [
                ("NAME", "name"),
                ("KIND", "kind"),
                ("ROLE", "role"),
                ("SITE", "site"),
                ("EXPIRES", "expires"),
                ("USED", "used"),
                ("REVOKED", "revoked"),
                ("ID", "id"),
            ];
            render::list(*format, &tokens, &columns)
        }
        cli::Token::Show { name } => render::one(*format, &find_token(session, &name).await?),
        cli::Token::Create {
            name,
            role,
            enrolment,
            site,
            tags,
            lifetime,
        } => {
            let kind = if enrolment {
                TokenKind::Enrolment
            } else {
                TokenKind::Api
            };
            if role.is_none() && !enrolment {
                bail!(
                    "say what the token is for: --enrolment, or --role viewer|operator|publisher|administrator"
                );
            }
            let wanted = TokenNew {
                name,
                kind,
                role,
                site,
                tags,
                lifetime_s: lifetime,
            };
            let made: TokenMade = client.send_json(Method::POST, "/tokens", &wanted).await?;
            if *format != render::Format::Table {
                return render::one(*format, &made);
            }
            render::say(*format, format!("{}\n", made.secret))?;
            render::say(
                *format,
                "This is shown once. It ends on its own: ".to_owned()
                    + &made.token.expires.to_string(),
            )?;
            if enrolment {
                let about: About = client.get("/about").await?;
                let run = format!(
                    "escadre agent enrol --agent-server {} --enrolment TEXT",
                    about.agent_address
                );
                render::say(
                    *format,
                    format!("On the machine: {run} && escadre agent run"),
                )?;
            }
            Ok(())
        }
        cli::Token::Revoke { name } => {
            let token = find_token(session, &name).await?;
            client
                .act(Method::DELETE, &format!("/tokens/{}", token.id))
                .await?;
            render::say(*format, format!("{name} is revoked"))
        }
    }
}

async fn find_token(session: &Session, name: &str) -> Result<Token> {
    let tokens: Vec<Token> = session.client.get("/tokens").await?;
    tokens
        .into_iter()
        .find(|token| token.name == name || token.id.to_string() == name)
        .with_context(|| format!("there is no token `{name}`; see `escadre token list`"))
}

pub(super) async fn user(session: &Session, command: cli::User) -> Result<()> {
    let Session { client, format } = session;
    match command {
        cli::User::List => {
            let users: Vec<User> = client.get("/users").await?;
            let columns = [
                ("NAME", "name"),
                ("ROLE", "role"),
                ("DISABLED", "disabled"),
                ("LAST SIGN-IN", "last_sign_in"),
            ];
            render::list(*format, &users, &columns)
        }
        cli::User::Show { name } => {
            let users: Vec<User> = client.get("/users").await?;
            let user = users.into_iter().find(|user| user.name == name);
            render::one(
                *format,
                &user.with_context(|| format!("there is no user `{name}`"))?,
            )
        }
        cli::User::Create {
            name,
            role,
            password,
        } => {
            let password = password.then(ask_password).transpose()?;
            let made: UserMade = client
                .send_json(
                    Method::POST,
                    "/users",
                    &UserNew {
                        name,
                        role,
                        password,
                    },
                )
                .await?;
            match &made.sign_in_path {
                Some(path) if *format == render::Format::Table => say_link(session, path).await,
                _ => render::one(*format, &made),
            }
        }
        cli::User::Set {
            name,
            role,
            disabled,
            password,
        } => {
            let password = password.then(ask_password).transpose()?;
            let edit = UserEdit {
                role,
                disabled,
                password,
            };
            let user: User = client
                .send_json(Method::PATCH, &format!("/users/{}", escape(&name)), &edit)
                .await?;
            render::one(*format, &user)
        }
        cli::User::Link { name } => {
            let path: String = client
                .post(&format!("/users/{}/sign-in-path", escape(&name)))
                .await?;
            say_link(session, &path).await
        }
        cli::User::Rm { name } => {
            client
                .act(Method::DELETE, &format!("/users/{}", escape(&name)))
                .await?;
            render::say(*format, format!("{name} is removed, with its sessions"))
        }
    }
}

async fn say_link(session: &Session, path: &str) -> Result<()> {
    let about: About = session.client.get("/about").await?;
    let scheme = if about.config_address.starts_with("127.") {
        "http"
    } else {
        "https"
    };
    let link = format!("{scheme}://{}{path}", about.config_address);
    match session.format {
        render::Format::Table => render::say(session.format, format!("{link}\nIt lets in once.")),
        format => render::one(format, &serde_json::json!({ "link": link })),
    }
}

fn ask_password() -> Result<String> {
    let first = rpassword::prompt_password("Password (12 characters or more): ")
        .context("cannot ask for a password")?;
    let second = rpassword::prompt_password("Again: ").context("cannot ask for a password")?;
    if first != second {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(first)
}

pub(super) async fn audit(session: &Session, command: cli::Audit) -> Result<()> {
    let Session { client, format } = session;
    match command {
        cli::Audit::List { text, limit } => {
            let entries: Vec<AuditEntry> = client
                .get(&format!("/audit?text={}&limit={limit}", escape(&text)))
                .await?;
            let columns = [
                ("NUMBER", "number"),
                ("AT", "at"),
                ("ACTOR", "actor"),
                ("FROM", "from"),
                ("ACTION", "action"),
                ("SUBJECT", "subject"),
                ("OUTCOME", "outcome"),
                ("DETAIL", "detail"),
            ];
            render::list(*format, &entries, &columns)
        }
        cli::Audit::Show { number } => {
            let path = format!("/audit?before={}&limit=1", number.saturating_add(1));
            let entries: Vec<AuditEntry> = client.get(&path).await?;
            let entry = entries.into_iter().find(|entry| entry.number == number);
            render::one(
                *format,
                &entry.with_context(|| format!("there is no entry {number}"))?,
            )
        }
    }
}

pub(super) async fn settings(session: &Session, command: cli::Settings) -> Result<()> {
    let Session { client, format } = session;
    let mut settings: Settings = client.get("/settings").await?;
    if let cli::Settings::Set {
        name,
        contact_every,
        keep_days,
    } = command
    {
        settings.name = name.unwrap_or(settings.name);
        settings.contact_every_s = contact_every.unwrap_or(settings.contact_every_s);
        settings.keep_days = keep_days.unwrap_or(settings.keep_days);
        settings = client
            .send_json(Method::PUT, "/settings", &settings)
            .await?;
    }
    render::one(*format, &settings)
}
