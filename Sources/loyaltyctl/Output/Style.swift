/// Colours for a terminal; plain text where the output is not one, or where NO_COLOR is set (https://no-color.org).
struct Style: Sendable {
    enum Tone: String { case good = "32", warning = "33", bad = "31", faint = "2", strong = "1", plain = "" }

    var isColoured: Bool

    static let plain = Style(isColoured: false)

    static var standardOutput: Style {
        Style(isColoured: Terminal.outputIsTerminal && Terminal.environment("NO_COLOR") == nil)
    }

    static var standardError: Style {
        Style(isColoured: Terminal.errorIsTerminal && Terminal.environment("NO_COLOR") == nil)
    }

    func apply(_ tone: Tone, _ text: String) -> String {
        guard isColoured, tone != .plain, !text.isEmpty else { return text }
        return "\u{1b}[\(tone.rawValue)m\(text)\u{1b}[0m"
    }
}
