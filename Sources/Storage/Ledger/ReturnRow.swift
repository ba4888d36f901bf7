internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// What one line of a return document brought back, and where it was set against.
struct ReturnRow {
    /// The return document.
    var document: Int64
    var line: String
    var code: String?
    var quantity: Quantity
    /// The sale that sold the goods, and its line; a nil line waits for room in that sale.
    var origin: Int64?
    var originLine: String?
    var wantedLine: String?
    /// The sale that was named but has not arrived, all parts filled in.
    var link: SaleLink?
    var epoch: String?
    /// Who gave points by rate, and which.
    var holder: Holder?
    var points: [LinePoints] = []

    init(document: Int64, line: SaleLine, quantity: Quantity) {
        self.document = document
        self.line = line.id
        self.quantity = quantity
        code = line.code?.value
        wantedLine = line.returned?.link?.line
    }

    private init(_ row: Row) throws {
        document = row["sale_id"]
        line = row["line_id"]
        code = row["code"]
        quantity = try Quantity(row["quantity"] as String)
        origin = row["origin_id"]
        originLine = row["origin_line"]
        wantedLine = row["wanted_line"]
        epoch = row["link_epoch"]
        holder = Holder(row)
        points = try JSONDecoder().decode([LinePoints].self, from: row["points"] as Data)
    }

    static func fetch(
        _ database: Database, where condition: String, _ arguments: StatementArguments
    ) throws -> [ReturnRow] {
        try Row.fetchAll(
            database.cachedStatement(sql: "SELECT * FROM sale_return WHERE \(condition) ORDER BY id"),
            arguments: arguments
        ).map { try ReturnRow($0) }
    }

    func insert(_ database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO sale_return (sale_id, line_id, code, quantity, origin_id, origin_line, wanted_line, link_store,
                    link_register, link_number, link_day, link_uid, link_epoch, member_id, card_token, points)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            document, line, code, quantity.description, origin, originLine, wantedLine, link?.store, link?.register,
            link?.number, link?.businessDay?.description, link?.uid, epoch, holder?.member?.value,
            holder?.token?.bytes,
            points.isEmpty ? "[]" : String(decoding: try JSONEncoder().encode(points), as: UTF8.self),
        ])
    }
}
