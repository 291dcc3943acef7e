//! Who may do what: actors, roles, users, tokens, sessions, the audit log.

use std::fmt;

use escadre_model::{Timestamp, id::TokenId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a user or an API token may do; each role may do all that the ones before it may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything, changes nothing.
    Viewer,
    /// Acknowledges, downtimes, runs checks, pauses and aborts rollouts.
    Operator,
    /// Uploads bundles and creates rollouts.
    Publisher,
    /// Everything: users, tokens, settings, hosts.
    Administrator,
}

impl Role {
    /// Every role, least first.
    pub const ALL: [Self; 4] = [
        Self::Viewer,
        Self::Operator,
        Self::Publisher,
        Self::Administrator,
    ];

    /// The stable word used in JSON, on the command line and in message keys.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Publisher => "publisher",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl std::str::FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.word() == text)
            .ok_or_else(|| {
                format!("`{text}` is no role; there are viewer, operator, publisher, administrator")
            })
    }
}

/// Who asks for an operation. Made only by what authenticated it; every operation checks the role itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Name of the user, or `token:NAME`, or `local` for the UNIX socket.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// How it came: `session`, `token`, `socket`.
    pub via: &'static str,
    /// From which address, as text; empty for the socket.
    pub address: String,
    /// Id of the request, for log and audit.
    pub request: String,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Name, unique, as typed at sign-in.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// May not sign in at the moment.
    pub disabled: bool,
    /// Has a password (else only a one-time link lets in).
    pub has_password: bool,
    /// Since when.
    #[schema(value_type = String)]
    pub created: Timestamp,
    /// Last sign-in.
    #[schema(value_type = Option<String>)]
    pub last_sign_in: Option<Timestamp>,
}

/// A user to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserNew {
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Password of at least 12 characters; without one, a one-time link is made.
    #[serde(default)]
    pub password: Option<String>,
}

/// What may be changed of a user; absent fields stay.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct UserEdit {
    /// New role.
    pub role: Option<Role>,
    /// Enable or disable.
    pub disabled: Option<bool>,
    /// New password.
    pub password: Option<String>,
}

/// What making a user answers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserMade {
    /// The user.
    pub user: User,
    /// Path with a one-time secret (`/sign-in/once/…`) when it has no password. Shown once.
    pub sign_in_path: Option<String>,
}

/// A session after sign-in.
#[derive(Debug, Clone)]
pub struct SessionMade {
    /// The secret for the cookie. Kept nowhere in clear.
    pub secret: String,
    /// Who signed in.
    pub user: User,
}

/// An API token or an enrolment token, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Name that a person gave it.
    pub name: String,
    /// Id.
    #[schema(value_type = String)]
    pub id: TokenId,
    /// `api` or `enrolment`.
    pub kind: TokenKind,
    /// Role of an API token.
    pub role: Option<Role>,
    /// Site that hosts enrolled with it get.
    pub site: Option<String>,
    /// Tags that they get.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Since when.
    #[schema(value_type = String)]
    pub created: Timestamp,
    /// Until when.
    #[schema(value_type = String)]
    pub expires: Timestamp,
    /// When an enrolment token was used (it is single-use), or an API token was last used.
    #[schema(value_type = Option<String>)]
    pub used: Option<Timestamp>,
    /// Revoked.
    pub revoked: bool,
}

/// The two kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Lets a program use the API.
    Api,
    /// Lets one machine enrol.
    Enrolment,
}

/// A token to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenNew {
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: TokenKind,
    /// Role, for an API token.
    #[serde(default)]
    pub role: Option<Role>,
    /// Site, for an enrolment token.
    #[serde(default)]
    pub site: Option<String>,
    /// Tags, for an enrolment token.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Lifetime in seconds; without one 24 hours for enrolment, 90 days for the API.
    #[serde(default)]
    pub lifetime_s: Option<u64>,
}

/// What making a token answers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenMade {
    /// The token without its secret.
    pub token: Token,
    /// What the program or the machine presents; with the fingerprints an agent pins. Shown once.
    pub secret: String,
}

/// One line of the audit log: append-only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Number, rising without holes.
    pub number: u64,
    /// When.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// From where: address, `socket`.
    pub from: String,
    /// What, as a stable word (`rollout.create`).
    pub action: String,
    /// To what.
    pub subject: String,
    /// Details for people.
    pub detail: String,
    /// `done` or the code of the refusal.
    pub outcome: String,
    /// Id of the request.
    pub request: String,
}

/// Which audit entries are wanted, newest first.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AuditFilter {
    /// Words to find in actor, action, subject or detail.
    pub text: String,
    /// Only numbers below this one (for the next page).
    pub before: Option<u64>,
    /// At most so many (100 when absent).
    pub limit: Option<u32>,
}

/// Settings of the installation that a person may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// Name shown on every page.
    pub name: String,
    /// Seconds between two contacts of an agent that has nothing to say.
    pub contact_every_s: u32,
    /// Days of history and performance data that are kept.
    pub keep_days: u32,
    /// Which hosts an enrolment puts into which site by subnet: `10.1.0.0/16 = bordeaux`, one a line.
    pub sites: String,
}
