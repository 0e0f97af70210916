CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- One row for each document; what it says is in its copies.
CREATE TABLE document (
    id TEXT PRIMARY KEY,
    vct TEXT NOT NULL,
    configuration TEXT NOT NULL,
    issuer TEXT NOT NULL,
    issuer_url TEXT NOT NULL,
    issuer_name_ko TEXT NOT NULL,
    issuer_name_en TEXT NOT NULL,
    type_metadata BLOB NOT NULL,
    dictionary BLOB,
    issued_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL
) STRICT;

-- One row for each one-time copy, with its own holder key and the issuer key that verified it.
CREATE TABLE copy (
    number INTEGER PRIMARY KEY,
    document TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    compact TEXT NOT NULL,
    issuer_key BLOB NOT NULL,
    holder_key BLOB NOT NULL,
    used_at INTEGER
) STRICT;

CREATE INDEX copy_document ON copy (document, used_at);

-- What was done with whom; of claims the names, never the values.
CREATE TABLE activity (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    document TEXT,
    vct TEXT,
    party TEXT,
    party_name_ko TEXT,
    party_name_en TEXT,
    party_accredited INTEGER,
    claims TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
