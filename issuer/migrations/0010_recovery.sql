-- What a database that was put back from a copy has to know. Times are seconds since the Unix epoch.

-- The version of the DID document that this home wrote or took over last, and the issuer's address in it. At most one row.
CREATE TABLE ledger_document (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    version    INTEGER NOT NULL,
    public_url TEXT
) STRICT;

-- In a backup only: says that nothing which came after it was recovered yet. At most one row.
CREATE TABLE backup_mark (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    made INTEGER NOT NULL
) STRICT;

-- A closed list gives no more indexes, because the database can't tell which of them are handed out already. Of a lost one no
-- copy of the anchored version was found, so that all of its entries are published as revoked; since `unknown_revoked` all
-- those are whose credential the database doesn't know, from the list's version `unknown_version` on.
ALTER TABLE status_lists ADD COLUMN closed INTEGER;
ALTER TABLE status_lists ADD COLUMN lost INTEGER;
ALTER TABLE status_lists ADD COLUMN unknown_revoked INTEGER;
ALTER TABLE status_lists ADD COLUMN unknown_version INTEGER;

-- Statuses of indexes of closed lists whose credential the database doesn't know; `pending` as in `credentials`.
CREATE TABLE unknown_entries (
    list            INTEGER NOT NULL REFERENCES status_lists (number),
    idx             INTEGER NOT NULL,
    status          TEXT NOT NULL DEFAULT 'valid' CHECK (status IN ('valid', 'suspended', 'revoked')),
    pending         TEXT CHECK (pending IN ('valid', 'suspended', 'revoked')),
    pending_version INTEGER,
    reason          TEXT NOT NULL,
    PRIMARY KEY (list, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX unknown_entries_pending ON unknown_entries (list) WHERE pending IS NOT NULL;
