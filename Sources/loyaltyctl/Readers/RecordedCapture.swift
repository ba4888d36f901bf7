import ControlAPI
import LoyaltyModel

/// A capture file, as Examples/captures/README.md describes it, put together from the lines of a recording.
struct RecordedCapture: Encodable {
    struct Expected: Encodable, Hashable {
        var text: String
        var symbology: String?
        var aim: String?
        var number: String?
    }

    struct Case: Encodable, Hashable {
        var id: String
        var reportsHex: [String]
        var atMilliseconds: [Int]
        var expected: Expected?
        var note: String?

        private enum CodingKeys: String, CodingKey {
            case id, expected, note
            case reportsHex = "reports_hex"
            case atMilliseconds = "at_ms"
        }
    }

    struct USB: Encodable {
        var adapter: String?
        var interface: Int
        var interfaceClass: Int
        var interfaceSubclass: Int
        var packetSize: Int

        private enum CodingKeys: String, CodingKey {
            case adapter, interface
            case interfaceClass = "interface_class"
            case interfaceSubclass = "interface_subclass"
            case packetSize = "packet_size"
        }
    }

    var name: String
    var vid: String
    var pid: String
    var kind: String
    var reportDescriptorHex: String?
    var usb: USB
    var setup: ReaderRecordingLine.Device.Setup
    /// Whether bytes are not as the reader sent them.
    /// `replaced` or `kept`.
    var digits: String
    var derived: Bool
    var derivedHow: String?
    /// How often something was left out, by reason.
    private(set) var withheld: [String: Int] = [:]
    private(set) var missedReports = 0
    private(set) var cases: [Case] = []

    private enum CodingKeys: String, CodingKey {
        case name, vid, pid, kind, usb, setup, digits, derived, withheld, cases
        case reportDescriptorHex = "report_descriptor_hex"
        case derivedHow = "derived_how"
        case missedReports = "missed_reports"
    }

    /// The reports that no scan has claimed yet.
    private var pending: [(at: Int, hex: String)] = []

    /// Scans and half ones so far.
    var scanCount: Int { cases.count }

    init(_ device: ReaderRecordingLine.Device) {
        (name, vid, pid, kind) = (device.name, device.vid, device.pid, device.kind)
        reportDescriptorHex = device.reportDescriptorHex
        usb = USB(
            adapter: device.adapter, interface: device.interface, interfaceClass: device.interfaceClass,
            interfaceSubclass: device.interfaceSubclass, packetSize: device.packetSize)
        setup = device.setup
        digits = device.digits
        derived = true
        derivedHow =
            device.digits == "kept"
            ? "bytes without a part in a scan are 00; digits of whole scans are real"
            : "bytes without a part in a scan are 00; digits are replaced, the same number always by the same, with its check digit; letters of magnetic tracks are X and Y"
    }

    mutating func add(_ line: ReaderRecordingLine) {
        if let hex = line.hex { pending.append((line.atMilliseconds ?? 0, hex)) }
        if let scan = line.scan { close(scan) }
        if line.half == true { close(nil) }
        if let reason = line.withheld {
            withheld[reason, default: 0] += 1
            pending = []
        }
        if line.interrupted == true { pending = [] }
        missedReports += line.missed ?? 0
    }

    private mutating func close(_ scan: ReaderRecordingLine.Scan?) {
        guard let first = pending.first else { return }
        var sample = Case(
            id: "scan-\(cases.count + 1)", reportsHex: pending.map(\.hex),
            atMilliseconds: pending.map { $0.at - first.at })
        if let scan {
            sample.expected = Expected(
                text: scan.text, symbology: scan.symbology, aim: scan.aim, number: scan.number)
            if scan.outcome != "number" { sample.note = "refused: \(scan.outcome)" }
        } else {
            sample.note = "broke off half-way"
        }
        pending = []
        cases.append(sample)
    }
}
