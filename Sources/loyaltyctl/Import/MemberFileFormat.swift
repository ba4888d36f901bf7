import ArgumentParser

/// The two forms of a member file.
enum MemberFileFormat: String, CaseIterable, ExpressibleByArgument {
    case csv, ndjson

    /// By the name's extension; where that says nothing, by the first byte that is not blank: `{` begins NDJSON.
    static func detect(name: String, beginning: some Sequence<UInt8>) -> MemberFileFormat {
        let lowered = name.lowercased()
        if lowered.hasSuffix(".csv") { return .csv }
        if lowered.hasSuffix(".ndjson") || lowered.hasSuffix(".jsonl") { return .ndjson }
        let skipped: Set<UInt8> = [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]
        return beginning.first { !skipped.contains($0) } == UInt8(ascii: "{") ? .ndjson : .csv
    }
}
