import CardReading
import Glibc
import LoyaltyModel
import Synchronization
import USBReaders

/// Prints what the USB backend tells, one JSON object a line, until SIGTERM, and gives a signal at each scan. For tests: it prints what it reads.
///
///     reader-probe [--allow MATCH]... [--deny MATCH]... [--keyboards never|allowed|known]
///                  [--signal ok|ask|no] [--lights on] [--beep HEX] [--gap MILLISECONDS]
@main
struct ReaderProbe {
    static func main() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        // Before any thread starts, so that all of them leave the signal to sigwait.
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        do throws(LoyaltyError) {
            var signal = ScanDecoder.Signal.goodRead
            let backend = USBReaderBackend(
                options: try options(CommandLine.arguments.dropFirst(), &signal), clock: SystemClock())
            let answer = signal
            try backend.start { event in
                print(line: json(event))
                if case .scan(let reader, _) = event { backend.signal(answer, on: reader) }
            }
            print(line: #"{"event":"started"}"#)
            var received: Int32 = 0
            sigwait(&signals, &received)
            backend.stop()
            print(line: #"{"event":"stopped"}"#)
        } catch {
            print(line: object(["event": "error", "code": error.code.name, "message": error.message]))
            exit(error.code.kind.rawValue)
        }
    }

    static func options(
        _ arguments: ArraySlice<String>, _ signal: inout ScanDecoder.Signal
    ) throws(LoyaltyError) -> USBReaderOptions {
        var options = USBReaderOptions()
        var rest = arguments
        while let word = rest.popFirst() {
            switch (word, rest.popFirst()) {
            case ("--allow", let value?): options.claim.allow.append(try DeviceMatch(value))
            case ("--deny", let value?): options.claim.deny.append(try DeviceMatch(value))
            case ("--signal", "ok"): signal = .goodRead
            case ("--signal", "ask"): signal = .ask
            case ("--signal", "no"): signal = .error
            case ("--beep", let value?): options.reader.signals[.goodRead] = bytes(value)
            case ("--lights", "on"): options.reader.flashesLights = true
            case ("--keyboards", "never"): options.claimKeyboards = .never
            case ("--keyboards", "allowed"): options.claimKeyboards = .allowed
            case ("--keyboards", "known"): options.claimKeyboards = .knownScanners
            case ("--gap", let value?):
                options.reader.gap = .milliseconds(Int(value) ?? 80)
                options.reader.continuationGap = max(options.reader.continuationGap, options.reader.gap * 2)
            default: throw LoyaltyError(LoyaltyError.Code("usage", kind: .usage), "cannot read the argument \(word)")
            }
        }
        return options
    }

    static func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).compactMap { UInt8(hex.dropFirst($0).prefix(2), radix: 16) }
    }

    static func json(_ event: ReaderEvent) -> String {
        switch event {
        case .connected(let reader):
            return object([
                "event": "connected", "reader": reader.id.name, "kind": reader.kind?.rawValue ?? "",
                "product": reader.product ?? "", "serial": reader.serial ?? "",
            ])
        case .state(let id, let state):
            return object([
                "event": "state", "reader": id.name, "state": state.word, "reason": state.reason ?? "",
            ])
        case .disconnected(let id): return object(["event": "disconnected", "reader": id.name])
        case .scan(let id, let scan):
            return object([
                "event": "scan", "reader": id.name, "text": String(decoding: scan.text, as: UTF8.self),
                "entry": scan.entry.rawValue,
            ])
        case .notice(let id, let notice):
            return object(["event": "notice", "reader": id.name, "notice": notice.code, "message": notice.message])
        case .partialDropped(let id, let count):
            return object(["event": "partial_dropped", "reader": id.name, "count": "\(count)"])
        }
    }

    static func object(_ fields: KeyValuePairs<String, String>) -> String {
        "{" + fields.map { "\(quoted($0.key)):\(quoted($0.value))" }.joined(separator: ",") + "}"
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" {
                quoted += "\\\(scalar)"
            } else if scalar.value < 0x20 {
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Lines come from two threads; one write call each keeps them whole.
    static func print(line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    }
}

/// The clock of the machine.
struct SystemClock: LoyaltyClock {
    var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    var monotonic: MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
}
