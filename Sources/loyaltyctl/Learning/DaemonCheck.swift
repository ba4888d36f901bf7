import Glibc
import LoyaltyModel

/// Has loyaltyd itself judge a configuration file.
enum DaemonCheck {
    /// - Returns: false where there is no loyaltyd on this machine.
    /// - Throws: `config.rejected` with what it says.
    static func run(_ configuration: String) throws(LoyaltyError) -> Bool {
        guard let program = program() else { return false }
        guard let (code, errors) = output(of: [program, "--config", configuration, "--check-config"]) else {
            return false
        }
        guard code != 0 else { return true }
        throw LoyaltyError(
            .configurationRejected, "loyaltyd refuses the configuration: \(errors)",
            remedy: "Nothing was changed. Correct what it names, then learn again")
    }

    /// Beside this program, or where packages put it.
    private static func program() -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directory = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
        return [
            directory + "/loyaltyd", directory + "/../sbin/loyaltyd", "/usr/sbin/loyaltyd", "/usr/local/sbin/loyaltyd",
        ]
        .first { access($0, X_OK) == 0 }
    }

    /// Exit code and standard error of a program; nil where it cannot be started.
    private static func output(of words: [String]) -> (code: Int32, errors: String)? {
        var ends: [CInt] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let started = posix_spawn(&process, words[0], &actions, nil, &arguments, environ)
        close(ends[1])
        defer { close(ends[0]) }
        guard started == 0 else { return nil }
        let errors = text(from: ends[0])
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        // WEXITSTATUS, which is a macro; a signal counts as a failure.
        return (status & 0x7f == 0 ? status >> 8 & 0xff : 1, errors)
    }

    private static func text(from descriptor: CInt) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 65_536 {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: "; ")
    }
}
