internal import GRDB

/// What members have: lots of points, what is owed, rewards, and what each sale has to do with them.
extension Schema {
    static func accounts(_ database: Database) throws {
        try allowEntriesWithoutSale(database)
        try database.execute(sql: accountTables)
    }

    /// Points can end without a sale. SQLite cannot drop a constraint; changing the text of the table is its documented way
    /// (https://www.sqlite.org/lang_altertable.html, "making other kinds of table schema changes").
    private static func allowEntriesWithoutSale(_ database: Database) throws {
        let version = try Int.fetchOne(database, sql: "PRAGMA schema_version") ?? 0
        try database.execute(
            sql: """
                PRAGMA writable_schema = ON;
                UPDATE sqlite_schema SET sql = replace(sql, 'sale_id INTEGER NOT NULL REFERENCES sale (id)',
                    'sale_id INTEGER REFERENCES sale (id)') WHERE type = 'table' AND name = 'ledger_entry';
                PRAGMA schema_version = \(version + 1);
                PRAGMA writable_schema = RESET;
                """)
    }

    // A holder is `m:<member>` or `c:<card token>`. Points are whole numbers of 10^-decimals.
    private static let accountTables = """
        CREATE TABLE account (
            holder TEXT PRIMARY KEY,
            last_activity TEXT,
            owed TEXT NOT NULL DEFAULT '{}',
            told_balance TEXT,
            told_as_of INTEGER,
            opening TEXT,
            settled TEXT,
            due TEXT
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX account_due ON account (due) WHERE due IS NOT NULL;

        CREATE TABLE lot (
            holder TEXT NOT NULL,
            number INTEGER NOT NULL,
            id TEXT NOT NULL,
            currency TEXT NOT NULL,
            decimals INTEGER NOT NULL,
            origin TEXT NOT NULL,
            issuer TEXT,
            program TEXT NOT NULL,
            granted INTEGER NOT NULL,
            remaining INTEGER NOT NULL,
            lapsed INTEGER NOT NULL,
            qualifying INTEGER NOT NULL,
            earned TEXT NOT NULL,
            pending_until TEXT,
            expires TEXT,
            inactive TEXT,
            PRIMARY KEY (holder, number)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX lot_origin ON lot (origin);

        CREATE INDEX ledger_entry_alone ON ledger_entry (recorded_at) WHERE sale_id IS NULL;

        CREATE TABLE sale_standing (
            sale_id INTEGER PRIMARY KEY REFERENCES sale (id) ON DELETE CASCADE,
            document BLOB NOT NULL
        ) STRICT;

        CREATE TABLE issued_reward (
            id INTEGER PRIMARY KEY,
            holder TEXT NOT NULL,
            sale_id INTEGER REFERENCES sale (id) ON DELETE SET NULL,
            reward TEXT NOT NULL,
            count INTEGER NOT NULL,
            issued TEXT NOT NULL,
            expires TEXT,
            cost INTEGER,
            decimals INTEGER,
            currency TEXT
        ) STRICT;
        CREATE INDEX issued_reward_holder ON issued_reward (holder);
        CREATE INDEX issued_reward_sale ON issued_reward (sale_id) WHERE sale_id IS NOT NULL;
        """
}
