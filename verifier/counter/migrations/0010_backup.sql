-- In a backup only: says that it is one, until it is opened in the place of the database.
CREATE TABLE backup_mark (
    only_row INTEGER PRIMARY KEY NOT NULL CHECK (only_row = 1),
    made     INTEGER NOT NULL
) STRICT;
