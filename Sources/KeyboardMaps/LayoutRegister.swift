import Glibc
import LoyaltyModel

/// The names that XKB gives its layouts, for suggestions: `rules/evdev.lst` of xkb-data.
struct LayoutRegister {
    /// `pl`, `ch(fr)`.
    let names: [String]

    /// - Parameter directories: where XKB looks, the first that has a list counts.
    init(directories: [String]) {
        let text = directories.lazy.compactMap { Self.read($0 + "/rules/evdev.lst") }.first
        names = text.map(Self.names) ?? []
    }

    /// `! layout` begins the rows `pl  Polish`, `! variant` the rows `fr  ch: Switzerland (French)`.
    static func names(in text: String) -> [String] {
        var names: [String] = []
        var section = Substring()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
            guard let first = words.first else { continue }
            if first == "!" {
                section = words.count > 1 ? words[1] : ""
            } else if section == "layout" {
                names.append(String(first))
            } else if section == "variant", words.count > 1, words[1].hasSuffix(":") {
                names.append("\(words[1].dropLast())(\(first))")
            }
        }
        return names
    }

    /// The names most like a word, the nearest first.
    static func nearest(to word: String, among names: [String], limit: Int = 4) -> [String] {
        let scored = names.map { (name: $0, distance: editDistance($0, word)) }
        let close = scored.filter { $0.distance <= max(1, word.utf8.count / 2) }
        return close.sorted { ($0.distance, $0.name.utf8.count, $0.name) < ($1.distance, $1.name.utf8.count, $1.name) }
            .prefix(limit).map(\.name)
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        // The list has some 40 kB.
        while bytes.count < 1_048_576 {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
