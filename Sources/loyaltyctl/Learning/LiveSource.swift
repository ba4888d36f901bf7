import CardReading
import ControlAPI
import LoyaltyModel

/// Presentations as the daemon sees them come in.
final class LiveSource: PresentationSource {
    private enum Signal: Sendable {
        case line(ReaderRecordingLine)
        case second
        case ended(LoyaltyError)
    }

    /// So long nothing comes before the technician hears of it, in seconds.
    private static let patience = 30

    let device: LearnedDevice
    let isLive = true
    private let facts: InterfaceFacts
    private let hint: ReaderProtocol?
    private let signals: AsyncStream<Signal>
    private let tasks: [Task<Void, Never>]
    private var pending: [Presentation.Report] = []

    /// - Parameter id: nil: the only reader that is ready.
    /// - Throws: `control.*`, `readers.none_ready`
    init(_ client: ControlClient, reader id: String?) async throws {
        let readers = try await client.readers()
        let reader = try ReaderReport.ready(readers, id)
        let lines = try await client.readerReports(of: reader.id, keepsDigits: true)
        let (signals, continuation) = AsyncStream.makeStream(of: Signal.self)
        self.signals = signals
        let pump = Task {
            var end = LoyaltyError(.controlUnavailable, "the daemon ended the recording")
            do {
                for try await line in lines { continuation.yield(.line(line)) }
            } catch {
                if let error = error as? LoyaltyError { end = error }
            }
            continuation.yield(.ended(end))
        }
        let ticker = Task {
            while (try? await Task.sleep(for: .seconds(1))) != nil { continuation.yield(.second) }
        }
        tasks = [pump, ticker]
        var head: ReaderRecordingLine.Device?
        for await signal in signals {
            if case .line(let line) = signal { head = line.device }
            if case .ended(let error) = signal { throw error }
            if head != nil { break }
        }
        guard let head else { throw LoyaltyError(.controlProtocol, "the daemon did not say which device it records") }
        facts = Self.facts(of: head)
        hint = ReaderProtocol(rawValue: head.driver)
        device = LearnedDevice(
            name: reader.name, vendorID: facts.vendorID, productID: facts.productID, path: reader.path,
            hasTwin: readers.count { $0.usb == reader.usb && $0.path != reader.path && $0.state != .gone } > 0)
    }

    deinit {
        for task in tasks { task.cancel() }
    }

    func next() async throws -> Arrival {
        var seconds = 0
        for await signal in signals {
            switch signal {
            case .second:
                seconds += 1
                if seconds >= Self.patience { return .silence }
            case .ended(let error): throw error
            case .line(let line):
                seconds = 0
                if let arrival = take(line) { return arrival }
            }
        }
        return .end
    }

    private func take(_ line: ReaderRecordingLine) -> Arrival? {
        if let hex = line.hex, let bytes = Self.bytes(hex) {
            pending.append(.init(at: .milliseconds(line.atMilliseconds ?? 0), bytes: bytes))
        }
        if line.interrupted == true || line.missed != nil { pending = [] }
        if let reason = line.withheld {
            pending = []
            return .withheld(Self.remark(reason))
        }
        guard line.scan != nil || line.half == true, !pending.isEmpty else { return nil }
        defer { pending = [] }
        return .presentation(
            Presentation(facts: facts, reports: pending, hasRealDigits: line.scan?.real ?? false, protocolHint: hint))
    }

    private static func facts(of device: ReaderRecordingLine.Device) -> InterfaceFacts {
        InterfaceFacts(
            vendorID: UInt16(device.vid, radix: 16) ?? 0, productID: UInt16(device.pid, radix: 16) ?? 0,
            interfaceNumber: UInt8(clamping: device.interface), interfaceClass: UInt8(clamping: device.interfaceClass),
            interfaceSubclass: UInt8(clamping: device.interfaceSubclass), interfaceProtocol: 0,
            reportDescriptor: device.reportDescriptorHex.flatMap(bytes) ?? [], inputPacketSize: device.packetSize)
    }

    private static func bytes(_ hex: String) -> [UInt8]? {
        let digits = hex.compactMap(\.hexDigitValue)
        guard digits.count == hex.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private static func remark(_ reason: String) -> LearningRemark {
        switch Withheld(rawValue: reason) {
        case .paymentCard: .paymentCard
        case .encryptedCard: .encrypted
        default: .nothingReadable
        }
    }
}
