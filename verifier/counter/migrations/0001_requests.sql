-- Requests that a desk started. No claim of a citizen is ever stored.
CREATE TABLE request (
    id             TEXT PRIMARY KEY NOT NULL,
    nonce          TEXT UNIQUE,
    service        TEXT NOT NULL,
    mode           TEXT NOT NULL,
    pending        TEXT NOT NULL,
    request_object TEXT,
    decryption_key TEXT,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    verdict        TEXT,
    decided_at     INTEGER
) STRICT;

CREATE INDEX request_by_expiry ON request (expires_at);

-- Nonces that were accepted once: the replay cache of all desks of the office.
CREATE TABLE used_nonce (
    nonce        TEXT PRIMARY KEY NOT NULL,
    used_at      INTEGER NOT NULL,
    forget_after INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX used_nonce_by_age ON used_nonce (forget_after);

-- What was decided when, without a word about whom.
CREATE TABLE verdict_log (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    at                INTEGER NOT NULL,
    service           TEXT NOT NULL,
    assurance         TEXT NOT NULL,
    verdict           TEXT NOT NULL,
    issuer            TEXT,
    checkpoint_height INTEGER,
    network           TEXT NOT NULL
) STRICT;
