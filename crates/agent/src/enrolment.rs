//! How a machine becomes a host: one text from an administrator, one request.
//!
//! The key is made here and stays here. The server is believed because its CA is the one of the text, the publishers because
//! their root is. `agent.json` is written last: an enrolment that was cut short is simply done again.

use std::path::PathBuf;

use escadre_api::agent::Enrol;
use escadre_model::HostId;
use escadre_trust::{
    AgentTrust, EnrolmentText, Fingerprint,
    authority::certificate_from_pem,
    secret::{write_private, write_public},
};

use crate::{
    error::AgentError,
    link::Link,
    state::{Settings, StateFolder},
};

/// What an enrolment wants to know.
#[derive(Clone)]
pub struct EnrolOptions {
    /// Where the agent's state will be.
    pub state_dir: PathBuf,
    /// `host:port` of the server's agent port; the host must be a name or address that the server's certificate holds.
    pub server: String,
    /// The enrolment text (`esc_enrol_…`).
    pub token: String,
    /// Name of the machine; none: what the system says.
    pub hostname: Option<String>,
}

impl std::fmt::Debug for EnrolOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "EnrolOptions({} at {})",
            self.state_dir.display(),
            self.server
        )
    }
}

/// Who the machine is from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Its id.
    pub host: HostId,
    /// Its name there.
    pub name: String,
}

/// Makes this machine a host.
pub async fn enrol(options: EnrolOptions) -> Result<Enrolment, AgentError> {
    let text = EnrolmentText::parse(&options.token)?;
    let folder = StateFolder::create(&options.state_dir)?;
    let _lock = folder.lock()?;
    if let Some(settings) = folder.settings()? {
        let Settings { server, name, .. } = settings;
        return Err(AgentError::AlreadyEnrolled {
            name,
            server,
            path: options.state_dir,
        });
    }
    let key = folder.key()?;
    let words = Enrol {
        token: text.token.reveal().expose().to_owned(),
        csr: key.request()?,
        hostname: options.hostname.unwrap_or_else(system_name),
        agent_version: crate::VERSION.to_owned(),
    };
    let enrolled = Link::for_enrolment(&options.server, text.ca)?
        .enrol(&words)
        .await?;
    if Fingerprint::of(&certificate_from_pem(&enrolled.ca)?) != text.ca {
        return Err(AgentError::Authority);
    }
    // Proves that the certificate is for our key.
    key.with_certificate(&enrolled.certificate)?;
    AgentTrust::pin(&folder.path("trust"), enrolled.root.as_bytes(), &text.root)
        .map_err(AgentError::Root)?;
    write_public(&folder.path("ca.crt"), enrolled.ca.as_bytes())?;
    write_private(&folder.path("agent.crt"), enrolled.certificate.as_bytes())?;
    let settings = Settings {
        server: options.server,
        host: enrolled.host,
        name: enrolled.name.clone(),
    };
    folder.write_json("agent.json", &settings)?;
    Ok(Enrolment {
        host: enrolled.host,
        name: enrolled.name,
    })
}

fn system_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}
