import CardReading
import Dispatch
import Foundation
import Glibc
import LoyaltyDaemon
import LoyaltyModel
import Synchronization
import USBReaders

/// Measures the software's own time from the last report of a scan to the matched member, by the daemon's own code on its own
/// threads. Real state on disk, members in random order, one scan at a time as at a counter; the figures of the day are
/// written meanwhile as always.
///
///     scan-path [--members 1000000] [--scans 20000] [--pause-us 2000] [--state DIR]
///
/// A state directory that is named is kept, and its members are there the next time.
@main
struct ScanPath {
    private static let configuration = """
        [till]
        register = "1"
        [[card_scheme]]
        name = "club"
        prefix = "2984"
        length = 13
        check = "gs1"
        """

    static func main() async throws {
        let arguments = Arguments(CommandLine.arguments)
        let members = arguments["members"] ?? 1_000_000
        let scans = arguments["scans"] ?? 20_000
        let kept = arguments.text("state")
        let folder =
            kept.map { URL(filePath: $0) }
            ?? FileManager.default.temporaryDirectory.appending(path: "scan-path-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { if kept == nil { try? FileManager.default.removeItem(at: folder) } }
        let file = folder.appending(path: "loyaltyd.toml")
        try Data(configuration.utf8).write(to: file)

        let counter = Counter()
        let trial = try await LaneTrial(
            configurationFile: file.path, stateDirectory: folder.appending(path: "state").path, backend: counter,
            decided: { counter.decided($0) })
        let begun = counter.clock.monotonic
        let known = try await trial.memberCount()
        if known < members { try await fill(trial, members) }
        print("Figures of \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) cores")
        print(
            """
              In the time: decoder, hand-over to the lanes' thread, payment screen, card token (HMAC-SHA-256), the look-up in
              SQLite, the lane's decision. Not in it: the reader's own time and USB, which end with the last report; the beep
              and the till's message, which begin with the decision.
            """)
        if known < members {
            row("members imported", "\(members) in \(seconds(counter.clock.monotonic.since(begun)))")
        } else {
            row("members in the cache", "\(known)")
        }
        row("resident, before the scans", resident())
        let service = Task { try await trial.run() }
        let processorTime = processorMicroseconds()
        let samples = await counter.measure(
            scans: scans, members: members, pause: UInt32(arguments["pause-us"] ?? 2000))
        service.cancel()
        _ = try? await service.value
        trial.close()
        report(samples, wrong: counter.wrong)
        row(
            "processor time per scan, all threads",
            "\((processorMicroseconds() - processorTime) / Int64(max(samples.count, 1))) us")
        row("resident, after the scans", resident())
        guard counter.wrong == 0 else { exit(1) }
    }

    private static func fill(_ trial: LaneTrial, _ members: Int) async throws {
        // A batch writes most pages of the index of cards once, so few large ones are quicker. Nobody sells meanwhile.
        let batch = 100_000
        for start in stride(from: 0, to: members, by: batch) {
            try await trial.add(
                (start..<min(start + batch, members)).compactMap { number in
                    CardNumber(card(number)).map {
                        MemberRecord(member: Member(id: MemberID("m\(number)"), status: .active), cards: [$0])
                    }
                })
        }
    }

    private static func report(_ samples: [Int64], wrong: Int) {
        let sorted = samples.sorted()
        guard let last = sorted.last else { return }
        func quantile(_ thousandths: Int) -> Int64 { sorted[min(sorted.count - 1, sorted.count * thousandths / 1000)] }
        row("scans, each with its member (wrong: \(wrong))", "\(sorted.count)")
        for (name, value) in [
            ("median", quantile(500)), ("p99", quantile(990)), ("p99.9", quantile(999)), ("longest", last),
        ] { row("from the last report to the member, \(name)", "\(value / 1000) us") }
        // Steps of half a power of two.
        var counts: [Int: Int] = [:]
        for sample in sorted { counts[Int(log2(Double(max(sample, 1)) / 1000) * 2), default: 0] += 1 }
        let most = counts.values.max() ?? 1
        for bucket in (counts.keys.min() ?? 0)...(counts.keys.max() ?? 0) {
            let count = counts[bucket] ?? 0
            let bar = String(repeating: "#", count: (count * 50 + most - 1) / most)
            let from = String(Int(exp2(Double(bucket) / 2)))
            let number = String(count)
            print(
                "  " + String(repeating: " ", count: max(0, 8 - from.count)) + from + " us"
                    + String(repeating: " ", count: max(0, 8 - number.count)) + number + "  " + bar)
        }
    }

    private static func row(_ name: String, _ value: String) {
        print("  " + name + String(repeating: " ", count: max(1, 52 - name.count)) + value)
    }

    private static func seconds(_ duration: Duration) -> String { "\(duration.components.seconds) s" }

    /// Of this process so far, the kernel's on its behalf included.
    private static func processorMicroseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    private static func resident() -> String {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS") } ?? ""
        let kilobytes = Int(line.filter(\.isNumber)) ?? 0
        return "\(kilobytes / 1024) MB"
    }
}

/// An EAN-13 of the in-store range 2984 with its check digit (GS1 General Specifications 7.9.1).
func card(_ number: Int) -> String {
    let text = String(number)
    let digits = "2984" + String(repeating: "0", count: max(0, 8 - text.utf8.count)) + text
    var sum = 0
    for (index, digit) in digits.utf8.enumerated() { sum += (Int(digit) - 48) * (index % 2 == 0 ? 1 : 3) }
    return digits + String((10 - sum % 10) % 10)
}

private struct Arguments {
    private var values: [String: String] = [:]

    init(_ words: [String]) {
        for (name, value) in zip(words.dropFirst(), words.dropFirst(2)) where name.hasPrefix("--") {
            values[String(name.dropFirst(2))] = value
        }
    }

    subscript(name: String) -> Int? { values[name].flatMap { Int($0) } }

    func text(_ name: String) -> String? { values[name] }
}

/// A HID POS scanner in the place of USB: its thread hands reports to the decoder as the USB thread does.
private final class Counter: ReaderBackend {
    let clock = SystemClock()
    private let deliver = Mutex<(@Sendable (ReaderEvent) -> Void)?>(nil)
    private let started = DispatchSemaphore(value: 0)
    private let answered = DispatchSemaphore(value: 0)
    private let answer = Mutex<(member: MemberID?, at: MonotonicTime)>((nil, MonotonicTime(nanoseconds: 0)))
    private let wrongAnswers = Atomic(0)
    let tap = ReaderTap()

    var wrong: Int { wrongAnswers.load(ordering: .relaxed) }
    var lastHeartbeat: MonotonicTime { clock.monotonic }

    func start(_ deliver: @escaping @Sendable (ReaderEvent) -> Void) throws(LoyaltyError) {
        self.deliver.withLock { $0 = deliver }
        started.signal()
    }

    func stop() {}
    func signal(_ signal: ScanDecoder.Signal, on reader: ReaderID) {}

    func decided(_ member: MemberID?) {
        let now = clock.monotonic
        answer.withLock { $0 = (member, now) }
        answered.signal()
    }

    /// Nanoseconds of each scan, on a thread of its own.
    func measure(scans: Int, members: Int, pause: UInt32) async -> [Int64] {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: self.scan(scans, members, pause)) }
            thread.start()
        }
    }

    private func scan(_ scans: Int, _ members: Int, _ pause: UInt32) -> [Int64] {
        started.wait()
        guard let deliver = deliver.withLock({ $0 }),
            case .reads(var decoder) = ScanDecoder.choose(for: .usual(for: .hidPOS))
        else { return [] }
        let reader = ReaderDescription(
            vendorID: 0x0c2e, productID: 0x0967, kind: .hidPOS, portPath: "1-1", interfaceNumber: 0)
        deliver(.connected(reader))
        deliver(.state(reader.id, .ready))
        var samples: [Int64] = []
        samples.reserveCapacity(scans)
        // The same members in the same order each time (Knuth's MMIX generator).
        var seed: UInt64 = 42
        for round in 0..<(scans + 200) {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let number = Int(seed >> 33) % members
            let report = Self.report(card(number), length: decoder.inputReportLength)
            let start = clock.monotonic
            for scan in decoder.receive(report, at: start) { deliver(.scan(reader.id, scan)) }
            answered.wait()
            let (member, end) = answer.withLock { $0 }
            if member != MemberID("m\(number)") { wrongAnswers.add(1, ordering: .relaxed) }
            // The first ones warm the caches of a machine that has run for a while.
            if round >= 200 { samples.append(Int64(clamping: end.nanoseconds - start.nanoseconds)) }
            usleep(pause)
        }
        return samples
    }

    /// Report 2 of Honeywell's layout: length, AIM identifier, data.
    private static func report(_ text: String, length: Int) -> [UInt8] {
        var report = [UInt8](repeating: 0, count: length)
        report[0] = 2
        report[1] = UInt8(text.utf8.count)
        report.replaceSubrange(2..<5, with: "]E0".utf8)
        report.replaceSubrange(5..<(5 + text.utf8.count), with: text.utf8)
        return report
    }
}
