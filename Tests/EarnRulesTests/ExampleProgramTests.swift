import EarnRules
import Foundation
import LoyaltyModel
import Testing

/// Every program of Examples/programs loads without a warning, and passes its cases: a new file is tested by itself.
@Suite struct ExamplePrograms {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Examples/programs")

    static let files: [String] = {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return all.filter { $0.hasSuffix(".toml") && !$0.hasSuffix(".cases.toml") }.sorted()
    }()

    static func text(_ file: String) throws -> String {
        try String(contentsOf: folder.appending(path: file), encoding: .utf8)
    }

    static func program(_ file: String) throws -> Program {
        try Program.load(toml: text(file), file: file, hash: file)
    }

    /// A program with its other versions.
    static func versions(of program: Program) throws -> ProgramVersions {
        try ProgramVersions(
            files.map(Self.program).filter { $0.identity.name == program.identity.name })
    }

    @Test func thereAreSome() { #expect(Self.files.count >= 30) }

    @Test(arguments: files) func isWithoutWarnings(file: String) throws {
        let findings = try Self.program(file).lint(toml: Self.text(file), file: file)
        #expect(findings.isEmpty, "\(findings.map(\.description).joined(separator: "\n"))")
    }

    @Test(arguments: files) func passesItsCases(file: String) throws {
        let versions = try Self.versions(of: Self.program(file))
        let cases = try ProgramCase.load(toml: Self.text(file), file: file, inProgram: true, for: versions)
        #expect(!cases.isEmpty, "a program is an example with its cases")
        for test in cases {
            for failure in test.run(versions).failures {
                Issue.record(
                    "\(failure.place): step \(failure.step), \(failure.what): \(failure.expected), not \(failure.got)")
            }
        }
    }
}
