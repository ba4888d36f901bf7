import EarnRules
import Glibc
import LoyaltyModel

/// Program files with their cases: files of the same program name are its versions and are tested together.
struct ProgramTests {
    struct Suite {
        var versions: ProgramVersions
        var cases: [ProgramCase]
        /// The program files.
        var files: [String]
    }

    private(set) var suites: [Suite] = []

    /// - Parameter paths: program files; a file of cases stands for the program beside it.
    /// - Throws: `member_file.*`, `document.*`, `program.*`, `case.conflict`.
    init(_ paths: [String]) throws(LoyaltyError) {
        var sources: [ProgramSource] = []
        for path in paths.map(Self.program) where !sources.contains(where: { $0.file == path }) {
            sources.append(try ProgramSource(path))
        }
        var names: [String] = []
        for source in sources where !names.contains(source.program.identity.name) {
            names.append(source.program.identity.name)
        }
        for name in names {
            let own = sources.filter { $0.program.identity.name == name }
            let versions = try ProgramVersions(own.map(\.program))
            var cases: [ProgramCase] = []
            for source in own {
                cases += try ProgramCase.load(
                    toml: source.text, file: source.file, inProgram: true, for: versions)
                let beside = Self.cases(beside: source.file)
                guard access(beside, F_OK) == 0 else { continue }
                cases += try ProgramCase.load(
                    toml: ProgramSource.text(beside), file: beside, inProgram: false, for: versions)
            }
            suites.append(Suite(versions: versions, cases: cases, files: own.map(\.file)))
        }
    }

    /// `club.cases.toml` of `club.toml`.
    static func cases(beside program: String) -> String {
        (program.hasSuffix(".toml") ? String(program.dropLast(5)) : program) + ".cases.toml"
    }

    private static func program(_ path: String) -> String {
        path.hasSuffix(".cases.toml") ? String(path.dropLast(11)) + ".toml" : path
    }
}
