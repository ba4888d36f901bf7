/// What sales and actions give to others than their member, and what members tell of themselves.
extension Schema {
    // A holder is `m:<member>`, `c:<card token>` or, for the points of a good cause, `b:<cause>`.
    static let shares = """
        ALTER TABLE member ADD COLUMN joined TEXT;
        ALTER TABLE member ADD COLUMN referrer TEXT;
        ALTER TABLE member ADD COLUMN beneficiary TEXT;
        ALTER TABLE ledger_entry ADD COLUMN recipient TEXT;

        CREATE TABLE partner_number (
            member_id TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
            partner TEXT NOT NULL,
            sealed BLOB,
            told_by TEXT NOT NULL CHECK (told_by IN ('file', 'till')),
            PRIMARY KEY (member_id, partner)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE member_action (
            key TEXT PRIMARY KEY,
            sale_id INTEGER REFERENCES sale (id) ON DELETE SET NULL,
            digest BLOB NOT NULL,
            is_voided INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX member_action_sale ON member_action (sale_id) WHERE sale_id IS NOT NULL;

        CREATE TABLE sale_share (
            id INTEGER PRIMARY KEY,
            sale_id INTEGER NOT NULL REFERENCES sale (id) ON DELETE CASCADE,
            document BLOB NOT NULL
        ) STRICT;
        CREATE INDEX sale_share_sale ON sale_share (sale_id);

        CREATE TABLE sale_forward (
            sale_id INTEGER NOT NULL REFERENCES sale (id) ON DELETE CASCADE,
            partner TEXT NOT NULL,
            sealed BLOB NOT NULL,
            lines TEXT NOT NULL,
            told INTEGER NOT NULL,
            PRIMARY KEY (sale_id, partner)
        ) STRICT, WITHOUT ROWID;
        """
}
