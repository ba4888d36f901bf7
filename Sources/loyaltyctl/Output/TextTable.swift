/// Rows in aligned columns, two blanks apart, with a faint heading. Nothing is cut off.
struct TextTable {
    struct Cell: ExpressibleByStringLiteral {
        var text: String
        var tone: Style.Tone

        init(_ text: String, _ tone: Style.Tone = .plain) {
            self.text = text
            self.tone = tone
        }

        init(stringLiteral text: String) { self.init(text) }
    }

    enum Alignment { case left, right }

    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[Cell]] = []

    init(_ columns: [(title: String, alignment: Alignment)]) { self.columns = columns }

    mutating func add(_ row: [Cell]) { rows.append(row) }

    func render(_ style: Style) -> String {
        var widths = columns.map { $0.title.count }
        for row in rows {
            for (index, cell) in row.prefix(widths.count).enumerated() {
                widths[index] = max(widths[index], cell.text.count)
            }
        }
        let heading = columns.map { Cell($0.title, .faint) }
        return ([heading] + rows).map { line($0, widths, style) }.joined(separator: "\n")
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ style: Style) -> String {
        var text = ""
        for (index, cell) in cells.prefix(widths.count).enumerated() {
            let padding = String(repeating: " ", count: widths[index] - cell.text.count)
            let isLast = index == cells.count - 1
            let shown = style.apply(cell.tone, cell.text)
            switch columns[index].alignment {
            case .right: text += padding + shown
            case .left: text += isLast ? shown : shown + padding
            }
            if !isLast { text += "  " }
        }
        return text
    }
}
