-- The console: its account, who is signed in, which sign-ins failed, and who changed what when.

-- `password` is an argon2id hash in PHC form.
CREATE TABLE accounts (
    name     TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    changed  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A session's token is known by its digest only.
CREATE TABLE sessions (
    digest  BLOB PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name),
    made    INTEGER NOT NULL,
    seen    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Failed sign-ins in a row. `bucket` comes from the account's name and is one of a fixed number, or stands for all.
CREATE TABLE sign_in_tries (
    bucket      INTEGER PRIMARY KEY,
    failed      INTEGER NOT NULL,
    last_failed INTEGER NOT NULL,
    blocked     INTEGER NOT NULL
) STRICT;

-- `handle` names an offer to the staff and opens nothing.
ALTER TABLE offers ADD COLUMN handle TEXT;
ALTER TABLE offers ADD COLUMN made INTEGER;
ALTER TABLE offers ADD COLUMN credential TEXT;
UPDATE offers SET handle = lower(hex(randomblob(16))), made = expires - 600;
CREATE UNIQUE INDEX offers_by_handle ON offers (handle);
CREATE INDEX offers_by_resident ON offers (resident, made);

-- `version` is the list version that carries a change; `block_height` and `block_at` are of the ledger's block that
-- finalized that version's anchor. A change that a later one overtook before it was published is final without a block.
ALTER TABLE status_changes ADD COLUMN actor TEXT NOT NULL DEFAULT 'console';
ALTER TABLE status_changes ADD COLUMN version INTEGER;
ALTER TABLE status_changes ADD COLUMN block_height INTEGER;
ALTER TABLE status_changes ADD COLUMN block_at INTEGER;
UPDATE status_changes
   SET version = (SELECT pending_version FROM credentials WHERE id = credential)
 WHERE finalized IS NULL;
CREATE INDEX status_changes_open ON status_changes (credential) WHERE finalized IS NULL;
CREATE INDEX status_changes_by_time ON status_changes (asked);
