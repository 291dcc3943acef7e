-- Step 1: hosts, watching, shipping, accounts.
-- Times: microseconds since 1970. Truth: 0 or 1. Documents: JSON as text. Secrets: only their hashes.

CREATE TABLE setting (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Numbers that rise and are never used twice.
CREATE TABLE counter (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

-- Who owns a shard; the epoch rises with each new owner and never falls.
CREATE TABLE lease (
    name    TEXT NOT NULL PRIMARY KEY,
    owner   TEXT NOT NULL,
    epoch   INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;

CREATE TABLE host (
    id                  TEXT NOT NULL PRIMARY KEY,
    name                TEXT NOT NULL UNIQUE,
    site                TEXT NOT NULL,
    tags                TEXT NOT NULL,
    notes               TEXT NOT NULL,
    agent_version       TEXT NOT NULL,
    created             INTEGER NOT NULL,
    last_contact        INTEGER,
    certificate_expires INTEGER,
    want_inventory      INTEGER NOT NULL
) STRICT;

-- Hosts that were removed: their certificates are refused, their ids never come back.
CREATE TABLE host_gone (
    id   TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    at   INTEGER NOT NULL
) STRICT;

-- Up to which number the results and reports of an agent are kept.
CREATE TABLE agent_cursor (
    host    TEXT NOT NULL PRIMARY KEY REFERENCES host (id) ON DELETE CASCADE,
    results INTEGER NOT NULL,
    reports INTEGER NOT NULL
) STRICT;

-- What agents said and no role has dealt with yet.
CREATE TABLE received (
    number   INTEGER NOT NULL PRIMARY KEY,
    host     TEXT NOT NULL REFERENCES host (id) ON DELETE CASCADE,
    kind     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX received_by_kind ON received (kind, number);
CREATE INDEX received_by_host ON received (host);

CREATE TABLE inventory (
    host     TEXT NOT NULL PRIMARY KEY REFERENCES host (id) ON DELETE CASCADE,
    received INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;

CREATE TABLE package (
    host    TEXT NOT NULL REFERENCES host (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    arch    TEXT NOT NULL,
    version TEXT NOT NULL,
    kind    TEXT NOT NULL,
    size    INTEGER NOT NULL,
    PRIMARY KEY (host, name, arch, version)
) STRICT;
CREATE INDEX package_by_name ON package (name);

-- What became different between two inventories.
CREATE TABLE inventory_change (
    number  INTEGER NOT NULL PRIMARY KEY,
    host    TEXT NOT NULL REFERENCES host (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    subject TEXT NOT NULL,
    state   TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
CREATE INDEX inventory_change_by_host ON inventory_change (host, at);

-- What the watch engine remembers of a host, as it writes it.
CREATE TABLE watch_record (
    host     TEXT NOT NULL PRIMARY KEY REFERENCES host (id) ON DELETE CASCADE,
    document TEXT NOT NULL
) STRICT;

CREATE TABLE check_history (
    number   INTEGER NOT NULL PRIMARY KEY,
    host     TEXT NOT NULL REFERENCES host (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX check_history_by_host ON check_history (host, at);
CREATE INDEX check_history_by_check ON check_history (host, name, at);
CREATE INDEX check_history_by_age ON check_history (at);

CREATE TABLE downtime (
    number INTEGER NOT NULL PRIMARY KEY,
    host   TEXT NOT NULL REFERENCES host (id) ON DELETE CASCADE
) STRICT;

CREATE TABLE perf_series (
    id       INTEGER NOT NULL PRIMARY KEY,
    host     TEXT NOT NULL REFERENCES host (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    label    TEXT NOT NULL,
    unit     TEXT NOT NULL,
    warning  REAL,
    critical REAL,
    low      REAL,
    high     REAL,
    UNIQUE (host, name, label)
) STRICT;

-- Step 0: each value as it came. Step 300, 3600: what fell into so many seconds.
CREATE TABLE perf_point (
    series INTEGER NOT NULL REFERENCES perf_series (id) ON DELETE CASCADE,
    step   INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    total  REAL NOT NULL,
    low    REAL NOT NULL,
    high   REAL NOT NULL,
    PRIMARY KEY (series, step, at)
) STRICT;
CREATE INDEX perf_point_by_age ON perf_point (step, at);

CREATE TABLE bundle (
    name     TEXT NOT NULL,
    version  TEXT NOT NULL,
    status   TEXT NOT NULL,
    action   TEXT NOT NULL,
    size     INTEGER NOT NULL,
    stored   INTEGER NOT NULL,
    files    INTEGER NOT NULL,
    signers  TEXT NOT NULL,
    created  INTEGER NOT NULL,
    expires  INTEGER,
    manifest TEXT NOT NULL,
    PRIMARY KEY (name, version)
) STRICT;

CREATE TABLE rollout (
    id         TEXT NOT NULL PRIMARY KEY,
    number     INTEGER NOT NULL,
    bundle     TEXT NOT NULL,
    query      TEXT NOT NULL,
    note       TEXT NOT NULL,
    author     TEXT NOT NULL,
    created    INTEGER NOT NULL,
    not_before INTEGER,
    expires    INTEGER,
    state      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    finished   INTEGER,
    campaign   TEXT NOT NULL,
    UNIQUE (bundle, number)
) STRICT;
CREATE INDEX rollout_by_age ON rollout (created);

-- The record is what the rollout core remembers; the outcome holds what the action printed.
CREATE TABLE delivery (
    id        TEXT NOT NULL PRIMARY KEY,
    rollout   TEXT NOT NULL REFERENCES rollout (id),
    host      TEXT NOT NULL,
    host_name TEXT NOT NULL,
    bundle    TEXT NOT NULL,
    state     TEXT NOT NULL,
    since     INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    record    TEXT NOT NULL,
    outcome   TEXT
) STRICT;
CREATE INDEX delivery_by_rollout ON delivery (rollout, state);
CREATE INDEX delivery_by_host ON delivery (host, since);
CREATE INDEX delivery_by_state ON delivery (state, since);
CREATE INDEX delivery_by_bundle ON delivery (bundle, state);

CREATE TABLE delivery_step (
    number   INTEGER NOT NULL PRIMARY KEY,
    delivery TEXT NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
    host     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    state    TEXT NOT NULL,
    message  TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_step_by_delivery ON delivery_step (delivery, number);
CREATE INDEX delivery_step_by_host ON delivery_step (host, at);

CREATE TABLE account (
    id           TEXT NOT NULL PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    role         TEXT NOT NULL,
    disabled     INTEGER NOT NULL,
    password     TEXT,
    created      INTEGER NOT NULL,
    last_sign_in INTEGER
) STRICT;

CREATE TABLE session (
    hash    TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    address TEXT NOT NULL
) STRICT;
CREATE INDEX session_by_account ON session (account);

CREATE TABLE one_time_secret (
    hash    TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX one_time_secret_by_account ON one_time_secret (account);

CREATE TABLE token (
    id      TEXT NOT NULL PRIMARY KEY,
    hash    TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    kind    TEXT NOT NULL,
    role    TEXT,
    site    TEXT,
    tags    TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used    INTEGER,
    revoked INTEGER NOT NULL
) STRICT;
CREATE INDEX token_by_age ON token (created);

CREATE TABLE audit (
    number  INTEGER NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    origin  TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL,
    outcome TEXT NOT NULL,
    request TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_subject ON audit (subject, at);

-- The audit log only grows. Its numbers have no holes, so a line that was taken out by force is seen.
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_has_no_holes BEFORE INSERT ON audit
WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit log has no holes'); END;
