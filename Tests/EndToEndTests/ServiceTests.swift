import FoundationEssentials
import Glibc
import Testing

@Suite("As a service", .serialized)
struct ServiceTests {
    /// A datagram socket as systemd gives one; each datagram is a line, with its own line feeds as blanks.
    private func notifySocket(_ path: String) throws -> LineFeed {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let (address, length) = try unixAddress(path)
        let status = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard status == 0 else { throw BenchError("no socket at \(path)") }
        let feed = LineFeed("notifications")
        onThread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                if count < 0 && errno == EINTR { continue }
                // An empty datagram is the test's own word that it is over.
                guard count > 0 else { break }
                feed.append(buffer[..<count].map { $0 == 0x0a ? 0x20 : $0 } + [0x0a])
            }
            close(descriptor)
            feed.end()
        }
        return feed
    }

    private func endNotifications(_ path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        let (address, length) = try unixAddress(path)
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = sendto(descriptor, "", 0, 0, $0, length) }
        }
    }

    @Test("READY means that tills may connect; the watchdog is fed; reload and stop are announced")
    func notifications() async throws {
        try await Bench.run { bench in
            try bench.configure()
            let path = bench.directory + "/notify"
            let feed = try notifySocket(path)
            let daemon = try bench.spawnDaemon(environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "150000"])
            _ = try await feed.line(containing: "READY=1")
            #expect(try await bench.till().ask(TestSale("e-1", amount: "1.00").text).result == "accepted")
            #expect(try await bench.control("status").code == 0)
            _ = try await feed.line(containing: "WATCHDOG=1")
            // A unit that is ready may be reloaded.
            daemon.send(SIGHUP)
            let reloading = try await feed.line(containing: "RELOADING=1")
            #expect(reloading.contains("MONOTONIC_USEC="))
            let count = feed.lines.firstIndex(of: reloading) ?? 0
            _ = try await feed.line("ready again") { $0.contains("READY=1") && $0.contains("reloaded") }
            #expect(feed.lines.count > count)
            #expect(try await daemon.stop() == 0)
            _ = try await feed.line(containing: "STOPPING=1")
            try endNotifications(path)
            try await feed.ended()
        }
    }

    @Test("config show prints a configuration that comes to the same, and what waits for a restart")
    func configuration() async throws {
        try await Bench.run { bench in
            try bench.configure()
            let daemon = try await bench.startDaemon()
            let shown = try await bench.control("config", "show", "--effective")
            #expect(shown.code == 0)
            #expect(shown.output.contains("loyaltyd.toml:"))
            try bench.write("shown.toml", shown.output)
            let check = try await bench.run(
                "loyaltyd", ["--check-config", "--config", bench.directory + "/shown.toml"])
            #expect(check.code == 0, "\(check.errors)")
            #expect(
                try await bench.control("config").output.split(separator: "\n").allSatisfy { !$0.contains("# default") }
            )
            let text = try String(contentsOfFile: bench.configurationFile, encoding: .utf8)
            try bench.write("loyaltyd.toml", text + "\n[lane]\nlate_scan_seconds = 7\n")
            daemon.send(SIGHUP)
            _ = try await daemon.errors.line(containing: "reloaded the program")
            let waiting = try await bench.control("config", "show")
            #expect(waiting.output.contains("late_scan_seconds = 60"))
            #expect(waiting.output.contains("# the next start takes 7"))
            #expect(try await daemon.stop() == 0)
            #expect(try await bench.control("config").code == 69)
        }
    }

    @Test("SIGHUP: a good program counts from then on, a bad one leaves the old in force")
    func reload() async throws {
        try await Bench.run { bench in
            try bench.configure()
            let daemon = try await bench.startDaemon()
            let till = try bench.till()
            #expect(try await till.ask(TestSale("e-1", amount: "4.00", card: card(1)).text).points?.earned == "4")
            try bench.write("program.toml", Bench.program.replacing(#"points = "1", per"#, with: #"points = "3", per"#))
            daemon.send(SIGHUP)
            _ = try await daemon.errors.line(containing: "reloaded the program")
            #expect(try await till.ask(TestSale("e-2", amount: "4.00", card: card(1)).text).points?.earned == "12")
            // What was decided stays decided.
            #expect(try await till.ask(TestSale("e-1", amount: "4.00", card: card(1)).text).points?.earned == "4")
            try bench.write("program.toml", Bench.program.replacing("member =", with: "membr ="))
            daemon.send(SIGHUP)
            let line = try await daemon.errors.line(containing: "not used")
            #expect(line.contains("program.toml:"))
            #expect(line.contains("membr"))
            #expect(try await till.ask(TestSale("e-3", amount: "4.00", card: card(1)).text).points?.earned == "12")
            #expect(try await daemon.stop() == 0)
        }
    }

    @Test("the status page answers this machine, and a page from elsewhere is refused")
    func page() async throws {
        try await Bench.run { bench in
            try bench.configure(page: true)
            let daemon = try await bench.startDaemon()
            let line = try await daemon.errors.line(containing: "status page")
            let port = try #require(UInt16(line.split(separator: "127.0.0.1:").last?.prefix { $0.isNumber } ?? ""))
            let page = try await http("GET", port: port, "/")
            #expect(page.status == 200)
            #expect(try await http("GET", port: port, "/v1/queue").status == 404)
            #expect(try await http("POST", port: port, "/v1/queue/retry", body: "{}").status != 200)
        }
    }
}
