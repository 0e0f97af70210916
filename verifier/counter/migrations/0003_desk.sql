-- What the citizen's wallet is told of a request is not what the desk calls it: it opens nothing at the desk.
ALTER TABLE request ADD COLUMN wallet_id TEXT;
CREATE UNIQUE INDEX request_by_wallet_id ON request (wallet_id);

-- A used nonce is forgotten by the ledger's time, not by a clock that may jump; `used_at` is never before the code itself.
DROP INDEX used_nonce_by_age;
ALTER TABLE used_nonce DROP COLUMN forget_after;
CREATE INDEX used_nonce_by_age ON used_nonce (used_at);

-- Before this time, in seconds since the epoch, uses are forgotten: codes from before it are not taken any more. It only rises.
CREATE TABLE forgotten (
    only_row INTEGER PRIMARY KEY NOT NULL CHECK (only_row = 1),
    before   INTEGER NOT NULL
) STRICT;
INSERT INTO forgotten VALUES (1, 0);

-- Links that let one browser in once, and browsers that are in: digests of secrets only.
CREATE TABLE sign_in_link (
    digest BLOB PRIMARY KEY NOT NULL,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE desk_session (
    digest BLOB PRIMARY KEY NOT NULL,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
