-- Times are seconds since the Unix epoch, digests are 32 bytes of SHA-256.

CREATE TABLE households (
    id       TEXT PRIMARY KEY,
    composed TEXT NOT NULL,
    reason   TEXT NOT NULL
) STRICT;

-- `record` is the resident as JSON; the columns beside it are there to be searched.
CREATE TABLE residents (
    id           TEXT PRIMARY KEY,
    household    TEXT NOT NULL REFERENCES households (id),
    place        INTEGER NOT NULL,
    name_hangul  TEXT NOT NULL,
    name_roman   TEXT NOT NULL,
    number       TEXT NOT NULL UNIQUE,
    record       TEXT NOT NULL,
    portrait     BLOB
) STRICT;
CREATE INDEX residents_by_household ON residents (household, place);
CREATE INDEX residents_by_name ON residents (name_hangul);

-- An offer's id, its code, its transaction code and its token are known by their digests only.
CREATE TABLE offers (
    id               INTEGER PRIMARY KEY,
    resident         TEXT NOT NULL REFERENCES residents (id),
    configuration    TEXT NOT NULL,
    offer_digest     BLOB NOT NULL UNIQUE,
    code_digest      BLOB NOT NULL UNIQUE,
    tx_code_digest   BLOB NOT NULL,
    tx_code_tries    INTEGER NOT NULL DEFAULT 0,
    expires          INTEGER NOT NULL,
    redeemed         INTEGER,
    token_digest     BLOB UNIQUE,
    token_expires    INTEGER,
    by_identifier    INTEGER NOT NULL DEFAULT 0,
    issued           INTEGER
) STRICT;

CREATE TABLE used_nonces (
    digest  BLOB PRIMARY KEY,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX used_nonces_by_expiry ON used_nonces (expires);

CREATE TABLE status_lists (
    number INTEGER PRIMARY KEY,
    uri    TEXT NOT NULL UNIQUE,
    used   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- `state` goes from pending to current to replaced. At most one version of a list is pending and one current.
CREATE TABLE status_versions (
    list    INTEGER NOT NULL REFERENCES status_lists (number),
    version INTEGER NOT NULL,
    digest  BLOB NOT NULL,
    token   TEXT NOT NULL,
    signed  INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('pending', 'current', 'replaced')),
    PRIMARY KEY (list, version)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_pending_version ON status_versions (list) WHERE state = 'pending';
CREATE UNIQUE INDEX one_current_version ON status_versions (list) WHERE state = 'current';

-- One row is one issued batch: its copies change status together. `pending` is a change that the ledger hasn't finalized,
-- `pending_version` the list version that carries it.
CREATE TABLE credentials (
    id              TEXT PRIMARY KEY,
    resident        TEXT NOT NULL REFERENCES residents (id),
    configuration   TEXT NOT NULL,
    vct             TEXT NOT NULL,
    list            INTEGER NOT NULL REFERENCES status_lists (number),
    issued          INTEGER NOT NULL,
    expires         INTEGER NOT NULL,
    status          TEXT NOT NULL DEFAULT 'valid' CHECK (status IN ('valid', 'suspended', 'revoked')),
    pending         TEXT CHECK (pending IN ('valid', 'suspended', 'revoked')),
    pending_version INTEGER
) STRICT;
CREATE INDEX credentials_by_resident ON credentials (resident, issued);
CREATE INDEX credentials_pending ON credentials (list) WHERE pending IS NOT NULL;
CREATE INDEX credentials_not_valid ON credentials (list) WHERE status <> 'valid';

CREATE TABLE copies (
    list       INTEGER NOT NULL,
    idx        INTEGER NOT NULL,
    credential TEXT NOT NULL REFERENCES credentials (id),
    thumbprint BLOB NOT NULL UNIQUE,
    PRIMARY KEY (list, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX copies_by_credential ON copies (credential);

CREATE TABLE status_changes (
    id         TEXT PRIMARY KEY,
    credential TEXT NOT NULL REFERENCES credentials (id),
    target     TEXT NOT NULL CHECK (target IN ('valid', 'suspended', 'revoked')),
    reason     TEXT NOT NULL,
    asked      INTEGER NOT NULL,
    finalized  INTEGER
) STRICT;
CREATE INDEX status_changes_by_credential ON status_changes (credential, asked);

CREATE TABLE dictionaries (
    vct        TEXT PRIMARY KEY,
    public_url TEXT NOT NULL,
    bytes      BLOB NOT NULL,
    version    INTEGER NOT NULL,
    anchored   INTEGER
) STRICT;

CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL,
    prev    BLOB NOT NULL,
    hash    BLOB NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_grows_at_its_end BEFORE INSERT ON audit
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit grows only at its end'); END;
