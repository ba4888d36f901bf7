import Glibc

/// The process's own output: results on standard output, everything else on standard error.
enum Terminal {
    static func print(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }
    static func printError(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Without a line break, for a line that is written over.
    static func overwriteError(_ text: String) { write("\r\u{1b}[K" + text, to: STDERR_FILENO) }

    static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// One line of standard input; at a terminal asked for, and not shown while it is typed.
    static func secretLine(prompt: String) -> String? {
        guard inputIsTerminal else { return readLine() }
        write(prompt, to: STDERR_FILENO)
        var saved = termios()
        guard tcgetattr(STDIN_FILENO, &saved) == 0 else { return readLine() }
        var silent = saved
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved)
            write("\n", to: STDERR_FILENO)
        }
        return readLine()
    }

    private static func write(_ text: String, to descriptor: CInt) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // Nobody reads any more, as in `loyaltyctl sales list | head`.
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
