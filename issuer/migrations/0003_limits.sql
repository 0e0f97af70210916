-- Limits: refused requests of a token.

ALTER TABLE offers ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;

-- Failed sign-ins in a row, counted apart: by account's name (whether or not there is one), address and device. `who` is a
-- digest. What was counted before is dropped: it can't be told apart.
DROP TABLE sign_in_tries;
CREATE TABLE sign_in_tries (
    kind        TEXT NOT NULL CHECK (kind IN ('account', 'address', 'device')),
    who         BLOB NOT NULL,
    failed      INTEGER NOT NULL,
    last_failed INTEGER NOT NULL,
    blocked     INTEGER NOT NULL,
    PRIMARY KEY (kind, who)
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_tries_by_age ON sign_in_tries (kind, last_failed);

-- Residents that somebody looked at within the hour, and since when an hour's looks are flagged at which level.
CREATE TABLE looks (
    actor    TEXT NOT NULL,
    resident TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (actor, resident)
) STRICT, WITHOUT ROWID;
CREATE TABLE look_flags (
    actor TEXT NOT NULL,
    level INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (actor, level)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_alerts ON audit (at) WHERE substr(action, 1, 6) = 'alert.';
