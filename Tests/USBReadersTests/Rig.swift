import Foundation
import Testing

/// `reader-probe` with emulated devices on its USB: `Tests/rig/run`. What it prints is awaited, with a deadline.
final class Rig {
    typealias Line = [String: String]

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let process = Process()
    private let output = Pipe()
    private let directory: URL
    private var control: ControlSocket?
    private var received: [UInt8] = []
    private var unread: [Line] = []
    /// Everything that has been printed so far.
    private(set) var lines: [Line] = []

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let patience: TimeInterval = 15

    /// Runs a test with the program and ends it afterwards.
    ///
    /// - Parameters:
    ///   - devices: Names of `Tests/rig/devices`; their readers are `usb-1-1:0`, `usb-1-2:0` and so on.
    ///   - options: Of `Tests/rig/run`.
    ///   - probe: Arguments of `reader-probe`.
    static func with(
        _ devices: String..., options: [String] = [], probe: [String] = [], _ body: (Rig) throws -> Void
    ) throws {
        let rig = try Rig(devices, options, probe)
        defer { rig.kill() }
        try rig.awaitStart()
        try body(rig)
    }

    private init(_ devices: [String], _ options: [String], _ probe: [String]) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("rig-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        _ = FileManager.default.createFile(atPath: path("errors"), contents: nil)
        process.executableURL = Self.root.appendingPathComponent("Tests/rig/run")
        process.arguments =
            [devices.joined(separator: ","), "--control", path("control"), "--log", path("log")] + options
            + ["--", try Self.probe(), "--gap", "1000"] + probe
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle(forWritingAtPath: path("errors"))
        try Self.withOpenSignals { try process.run() }
        try output.fileHandleForWriting.close()
    }

    /// Tests run on threads that block signals; the programs would inherit that and never hear of `stop`.
    private static func withOpenSignals(_ body: () throws -> Void) rethrows {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    private func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    private func awaitStart() throws {
        try awaitLine(["event": "started"])
        control = try ControlSocket(path: path("control"))
    }

    /// The program stands beside the test bundle.
    private static func probe() throws -> String {
        let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let beside = URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("reader-probe")
        let usual = root.appendingPathComponent(".build/debug/reader-probe")
        for url in [beside, usual] where FileManager.default.isExecutableFile(atPath: url.path) { return url.path }
        throw Failure(description: "reader-probe is not built: looked for \(beside.path) and \(usual.path)")
    }

    // MARK: Device descriptions

    private struct Description: Decodable {
        var name: String
        var expected: [String]
    }

    private static let folder = root.appendingPathComponent("Tests/rig/devices")

    /// Those whose script sends something.
    static let devicesWithScripts: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let names = files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
        return names.filter { (try? expected($0))?.isEmpty != true }
    }()

    /// What the script of a device reads as.
    static func expected(_ device: String) throws -> [String] {
        let data = try Data(contentsOf: folder.appendingPathComponent(device + ".json"))
        return try JSONDecoder().decode(Description.self, from: data).expected
    }

    // MARK: What a test does

    /// Has the emulator carry out steps (`Tests/rig/README.md`), one after the other.
    func send(_ steps: String...) throws {
        for step in steps {
            let answer = try control?.ask(step) ?? ""
            if answer.contains("\"error\"") { throw Failure(description: "the step \(step) failed: \(answer)") }
        }
    }

    /// Waits for a line with these fields that no earlier call has taken.
    @discardableResult
    func awaitLine(_ fields: Line, sourceLocation: SourceLocation = #_sourceLocation) throws -> Line {
        let deadline = Date(timeIntervalSinceNow: Self.patience)
        while true {
            if let index = unread.firstIndex(where: { line in fields.allSatisfy { line[$0.key] == $0.value } }) {
                return unread.remove(at: index)
            }
            guard try readLine(until: deadline) else {
                throw Failure(description: "no \(fields) at \(sourceLocation); \(story)")
            }
        }
    }

    func awaitState(_ state: String, _ reader: String = "usb-1-1:0") throws {
        try awaitLine(["event": "state", "reader": reader, "state": state])
    }

    func awaitScan(_ text: String, _ reader: String = "usb-1-1:0") throws {
        try awaitLine(["event": "scan", "reader": reader, "text": text])
    }

    var scans: [String] { lines.filter { $0["event"] == "scan" }.compactMap { $0["text"] } }

    /// Ends the program as a service manager does, and waits for its end.
    func stop() throws {
        process.terminate()
        try awaitLine(["event": "stopped"])
        let deadline = Date(timeIntervalSinceNow: Self.patience)
        while try readLine(until: deadline) {}
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "the program ended with \(process.terminationStatus); \(story)")
        }
    }

    /// What happened to the kernel drivers of a port: `bind 0`, `detach 0`, `claim 0`, `release 0`.
    func drivers(port: String = "1-1") throws -> [String] {
        try String(contentsOfFile: path("log.drivers"), encoding: .utf8).split(separator: "\n").compactMap { line in
            guard let entry = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                entry["device"] as? String == port, let event = entry["event"] as? String,
                let interface = entry["interface"] as? Int
            else { return nil }
            return "\(event) \(interface)"
        }
    }

    /// Waits until the devices were asked something so many times.
    func awaitRequest(_ text: String, count: Int = 1) throws {
        let deadline = Date(timeIntervalSinceNow: Self.patience)
        while try requests().ranges(of: text).count < count {
            guard Date() < deadline else {
                throw Failure(description: "not \(count) times \(text) in \(try requests()); \(story)")
            }
            poll(nil, 0, 10)
        }
    }

    /// What the devices were asked.
    func requests() throws -> String { try String(contentsOfFile: path("log"), encoding: .utf8) }

    // MARK: Reading

    private var story: String {
        let errors = (try? String(contentsOfFile: path("errors"), encoding: .utf8)) ?? ""
        return "it printed \(lines) and the error output \"\(errors)\""
    }

    /// False at the end of the output, or when the time is over.
    private func readLine(until deadline: Date) throws -> Bool {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let data = Data(received[..<end])
                received.removeSubrange(...end)
                guard let line = try JSONSerialization.jsonObject(with: data) as? Line else {
                    throw Failure(description: "not a line of the probe: \(String(decoding: data, as: UTF8.self))")
                }
                lines.append(line)
                unread.append(line)
                return true
            }
            let descriptor = output.fileHandleForReading.fileDescriptor
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let milliseconds = Int32(max(0, deadline.timeIntervalSinceNow * 1000))
            guard poll(&request, 1, milliseconds) > 0 else { return false }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return false }
            received.append(contentsOf: chunk.prefix(count))
        }
    }

    private func kill() {
        control?.close()
        if process.isRunning {
            process.terminate()
            process.waitUntilExit()
        }
        try? FileManager.default.removeItem(at: directory)
    }
}

/// The emulator's control socket: one JSON object a line in each direction.
private struct ControlSocket {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Rig.Failure(description: "the path \(path) is too long for a socket")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard connected == 0 else { throw Rig.Failure(description: "no emulator at \(path)") }
    }

    func ask(_ step: String) throws -> String {
        let line = Array((step + "\n").utf8)
        guard write(descriptor, line, line.count) == line.count else {
            throw Rig.Failure(description: "the emulator is gone")
        }
        var answer: [UInt8] = []
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") { answer.append(byte) }
        return String(decoding: answer, as: UTF8.self)
    }

    func close() { Glibc.close(descriptor) }
}
