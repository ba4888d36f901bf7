import CardReading
import DataFormats
import FoundationEssentials
import LoyaltyModel

/// Sections of the configuration that stand beside the learned ones: of several that name a reader the first counts.
struct ExistingSections {
    private var devices: [(match: String, register: String?, place: Place)] = []
    private var schemes: [(name: String, prefix: String, lengths: ClosedRange<Int>, place: Place)] = []

    /// Reads the configuration file and its drop-ins, but for the one that is going to be written. Files that cannot be read or
    /// are wrong are left to `loyaltyd --check-config`.
    init(main: String, except path: String?) {
        var files = [main]
        let directory = main + ".d"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        files += names.filter { $0.hasSuffix(".toml") }.sorted().map { directory + "/" + $0 }
        for file in files where file != path { read(file) }
    }

    private mutating func read(_ file: String) {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8),
            let document = try? TOMLDocument.parse(text, file: file), var root = try? TableReader(document)
        else { return }
        if var readers = ((try? root.table("readers")) ?? nil) {
            for var device in (try? readers.tables("device")) ?? [] {
                guard let match = try? device.string("match") else { continue }
                devices.append((match, (try? device.string("register")) ?? nil, device.place))
            }
        }
        for var scheme in (try? root.tables("card_scheme")) ?? [] {
            let name = (try? scheme.string("name")) ?? nil
            let prefix = (try? scheme.string("prefix")) ?? nil
            schemes.append((name ?? "", prefix ?? "", Self.lengths(scheme.node("length")), scheme.place))
        }
    }

    private static func lengths(_ node: DataNode?) -> ClosedRange<Int> {
        func number(_ node: DataNode) -> Int? { if case .integer(let number) = node.value { Int(number) } else { nil } }
        guard let node else { return 0...0 }
        if let exact = number(node) { return exact...exact }
        guard case .array(let ends) = node.value, ends.count == 2, let low = number(ends[0]),
            let high = number(ends[1]),
            low <= high
        else { return 0...0 }
        return low...high
    }

    /// The scheme that claims these cards already: its name and place.
    func claiming(_ scheme: CardScheme) -> String? {
        guard scheme.applicationIdentifier == nil else { return nil }
        let other = schemes.first {
            !$0.prefix.isEmpty && scheme.prefix.hasPrefix($0.prefix)
                && $0.lengths.lowerBound <= scheme.lengths.lowerBound
                && $0.lengths.upperBound >= scheme.lengths.upperBound
        }
        return other.map { "\"\($0.name)\" in \($0.place)" }
    }

    /// The name, or the first of `name-2`, `name-3` that no other scheme has.
    func freeName(_ name: String) -> String {
        let taken = Set(schemes.map(\.name))
        guard taken.contains(name) else { return name }
        return (2...99).lazy.map { "\(name)-\($0)" }.first { !taken.contains($0) } ?? name
    }

    /// What is in the way of the new sections, and what to do.
    func conflicts(match: String?, model: String) -> [String] {
        let vendor = model.prefix(5) + "*"
        return devices.compactMap { device in
            guard let match, [match, model, String(vendor)].contains(device.match.lowercased()) else { return nil }
            let register = device.register.map { ", and put its register = \"\($0)\" into the new one" } ?? ""
            return "\(device.place): names this reader already and counts first: take it out\(register)."
        }
    }
}
