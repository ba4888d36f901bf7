internal import GRDB

/// The schema, as migrations that are never edited once released; docs/storage.md describes the tables.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in try database.execute(sql: first) }
        migrator.registerMigration("2") { database in try database.execute(sql: second) }
        migrator.registerMigration("programs") { database in try database.execute(sql: programs) }
        migrator.registerMigration("accounts") { database in try accounts(database) }
        migrator.registerMigration("shares") { database in try database.execute(sql: shares) }
        return migrator
    }

    // Times are microseconds since 1970 UTC, days are ISO 8601 text, card tokens 16 bytes, decimals text.
    private static let first = """
        CREATE TABLE terminal (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            name TEXT NOT NULL,
            key_check BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            next_sequence INTEGER NOT NULL DEFAULT 1,
            member_generation INTEGER NOT NULL DEFAULT 0,
            members_complete_at INTEGER
        ) STRICT;

        CREATE TABLE member (
            id TEXT PRIMARY KEY,
            status TEXT NOT NULL CHECK (status IN ('active', 'blocked', 'replaced')),
            replaced_by TEXT,
            tier TEXT,
            segments TEXT NOT NULL DEFAULT '[]',
            entitlements TEXT NOT NULL DEFAULT '[]',
            birthday TEXT,
            household TEXT,
            balance TEXT,
            balance_as_of INTEGER,
            greeting TEXT,
            added_generation INTEGER NOT NULL,
            generation INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX member_generation ON member (generation);

        CREATE TABLE card (
            token BLOB PRIMARY KEY,
            member_id TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX card_member ON card (member_id);

        CREATE TABLE sale (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            reference TEXT NOT NULL UNIQUE,
            epoch TEXT NOT NULL,
            store TEXT NOT NULL,
            register TEXT NOT NULL,
            business_day TEXT NOT NULL,
            operator TEXT NOT NULL,
            number TEXT NOT NULL,
            uid TEXT,
            revision INTEGER,
            fingerprint BLOB NOT NULL,
            superseded TEXT NOT NULL DEFAULT '[]',
            closed_at INTEGER NOT NULL,
            received_at INTEGER NOT NULL,
            received_day TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('completed', 'voided')),
            kind TEXT NOT NULL,
            receipt TEXT,
            total INTEGER NOT NULL,
            currency TEXT NOT NULL,
            member_id TEXT,
            card_token BLOB,
            flags TEXT NOT NULL DEFAULT '[]',
            void_digest BLOB,
            document BLOB NOT NULL
        ) STRICT;
        CREATE INDEX sale_natural ON sale (number, register, store, epoch, business_day, operator);
        CREATE INDEX sale_uid ON sale (uid) WHERE uid IS NOT NULL;
        CREATE INDEX sale_receipt ON sale (receipt) WHERE receipt IS NOT NULL;
        CREATE INDEX sale_void ON sale (void_digest) WHERE void_digest IS NOT NULL;
        CREATE INDEX sale_fingerprint ON sale (fingerprint, register, store, received_at);
        CREATE INDEX sale_received ON sale (received_at);

        CREATE TABLE sale_line (
            sale_id INTEGER NOT NULL REFERENCES sale (id) ON DELETE CASCADE,
            line_id TEXT NOT NULL,
            member_key TEXT NOT NULL,
            code TEXT,
            quantity TEXT NOT NULL,
            returned TEXT NOT NULL DEFAULT '0',
            points TEXT NOT NULL,
            PRIMARY KEY (sale_id, line_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX sale_line_purchase ON sale_line (member_key, code, sale_id);

        CREATE TABLE till_event (
            source TEXT NOT NULL,
            epoch TEXT NOT NULL,
            event_id TEXT NOT NULL,
            digest BLOB NOT NULL,
            outcome BLOB NOT NULL,
            received_at INTEGER NOT NULL,
            PRIMARY KEY (source, epoch, event_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX till_event_received ON till_event (received_at);

        CREATE TABLE sale_return (
            id INTEGER PRIMARY KEY,
            sale_id INTEGER NOT NULL REFERENCES sale (id) ON DELETE CASCADE,
            line_id TEXT NOT NULL,
            code TEXT,
            quantity TEXT NOT NULL,
            origin_id INTEGER REFERENCES sale (id) ON DELETE SET NULL,
            origin_line TEXT,
            wanted_line TEXT,
            link_store TEXT,
            link_register TEXT,
            link_number TEXT,
            link_day TEXT,
            link_uid TEXT,
            link_epoch TEXT,
            member_id TEXT,
            card_token BLOB,
            points TEXT NOT NULL DEFAULT '[]'
        ) STRICT;
        CREATE INDEX sale_return_document ON sale_return (sale_id);
        CREATE INDEX sale_return_origin ON sale_return (origin_id) WHERE origin_id IS NOT NULL;
        CREATE INDEX sale_return_number ON sale_return (link_number) WHERE link_number IS NOT NULL;
        CREATE INDEX sale_return_uid ON sale_return (link_uid) WHERE link_uid IS NOT NULL;

        CREATE TABLE void_tombstone (
            id INTEGER PRIMARY KEY,
            epoch TEXT NOT NULL,
            store TEXT,
            register TEXT,
            business_day TEXT NOT NULL,
            number TEXT,
            uid TEXT,
            closed_at INTEGER,
            total INTEGER,
            digest BLOB NOT NULL,
            received_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX void_tombstone_number ON void_tombstone (number);
        CREATE INDEX void_tombstone_uid ON void_tombstone (uid);

        CREATE TABLE ledger_entry (
            id TEXT PRIMARY KEY,
            sequence INTEGER NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            sale_id INTEGER NOT NULL REFERENCES sale (id),
            member_key TEXT NOT NULL,
            member_id TEXT,
            currency TEXT NOT NULL,
            units INTEGER NOT NULL,
            decimals INTEGER NOT NULL,
            recorded_at INTEGER NOT NULL,
            recorded_day TEXT NOT NULL,
            document BLOB NOT NULL
        ) STRICT;
        CREATE INDEX ledger_entry_sale ON ledger_entry (sale_id);
        CREATE INDEX ledger_entry_member ON ledger_entry (member_id, recorded_at) WHERE member_id IS NOT NULL;
        CREATE INDEX ledger_entry_day ON ledger_entry (recorded_day);

        CREATE TABLE outbox (
            entry_id TEXT PRIMARY KEY REFERENCES ledger_entry (id),
            sequence INTEGER NOT NULL UNIQUE,
            member_key TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('ready', 'sent', 'dead')),
            attempts INTEGER NOT NULL DEFAULT 0,
            first_tried_at INTEGER,
            is_head INTEGER NOT NULL,
            not_before INTEGER NOT NULL DEFAULT 0,
            sealed_card BLOB,
            last_error TEXT,
            warning TEXT,
            settled_at INTEGER
        ) STRICT;
        CREATE INDEX outbox_order ON outbox (member_key, sequence) WHERE state = 'ready';
        CREATE INDEX outbox_ready ON outbox (sequence) WHERE state = 'ready';
        CREATE INDEX outbox_head ON outbox (sequence, not_before) WHERE state = 'ready' AND is_head = 1;
        CREATE INDEX outbox_due ON outbox (not_before) WHERE state = 'ready' AND is_head = 1;
        CREATE INDEX outbox_sent ON outbox (settled_at) WHERE state = 'sent';
        CREATE INDEX outbox_dead ON outbox (sequence) WHERE state = 'dead';

        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY,
            received_at INTEGER NOT NULL,
            code TEXT NOT NULL,
            message TEXT NOT NULL,
            line TEXT NOT NULL
        ) STRICT;
        CREATE INDEX quarantine_received ON quarantine (received_at);

        CREATE TABLE till_sequence (
            source TEXT NOT NULL,
            epoch TEXT NOT NULL,
            gaps TEXT NOT NULL,
            PRIMARY KEY (source, epoch)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE tally (
            day TEXT NOT NULL,
            name TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (day, name)
        ) STRICT, WITHOUT ROWID;
        """

    /// What programs keep of their members: counters of caps and tiers, what each sale added to them, and the member's state.
    ///
    /// A holder is `m:<member>`, `h:<household>` or `c:<card token>`; a start is empty for what never begins anew.
    private static let second = """
        CREATE TABLE counter (
            holder TEXT NOT NULL,
            name TEXT NOT NULL,
            scope TEXT NOT NULL,
            per TEXT NOT NULL,
            start TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (holder, name, scope, per, start)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE sale_counter (
            sale_id INTEGER NOT NULL REFERENCES sale (id) ON DELETE CASCADE,
            holder TEXT NOT NULL,
            name TEXT NOT NULL,
            scope TEXT NOT NULL,
            per TEXT NOT NULL,
            start TEXT NOT NULL,
            change TEXT NOT NULL,
            applied TEXT NOT NULL,
            PRIMARY KEY (sale_id, holder, name, scope, per, start)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE member_state (
            holder TEXT PRIMARY KEY,
            document BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
