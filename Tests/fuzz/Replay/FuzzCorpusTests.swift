import Foundation
import FuzzEntries
import Testing

/// Every input that the fuzzer found worth keeping, through the same function that it calls.
@Suite struct FuzzCorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    /// One input in base64 a line; what stands behind `#` says what it is.
    private static func inputs(_ path: String) throws -> [[UInt8]] {
        let text = try String(contentsOf: folder.appending(path: path), encoding: .utf8)
        return try text.split(separator: "\n").compactMap { line in
            let code = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
            guard !code.isEmpty else { return nil }
            return Array(try #require(Data(base64Encoded: code), "\(path): not base64"))
        }
    }

    @Test("The parser keeps its promises for every kept input", arguments: FuzzEntry.all.map(\.name))
    func replay(name: String) throws {
        let entry = try #require(FuzzEntry.all.first { $0.name == name })
        let corpus = try Self.inputs("corpus/\(name).txt")
        #expect(!corpus.isEmpty, "Tests/fuzz/run makes the corpus")
        let regressions = (try? Self.inputs("regressions/\(name).txt")) ?? []
        for input in [[]] + regressions + corpus {
            do { try entry.run(input) } catch { Issue.record("\(error): \(Data(input).base64EncodedString())") }
        }
    }
}
