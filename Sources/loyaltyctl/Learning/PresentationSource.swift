import CardReading
import KeyboardMaps
import LoyaltyModel
import ReaderCaptures

/// Where presentations come from: captures, or a reader at the daemon.
protocol PresentationSource: AnyObject {
    var device: LearnedDevice { get }
    /// Whether somebody stands at the reader and can be asked to scan again.
    var isLive: Bool { get }
    /// - Throws: `control.*`
    func next() async throws -> Arrival
}

/// What came, or did not.
enum Arrival {
    case presentation(Presentation)
    /// The daemon kept it for itself.
    case withheld(LearningRemark)
    /// Nothing for so long that the technician should hear of it.
    case silence
    case end
}

/// The reader that is learned, as far as its source knows it.
struct LearnedDevice {
    var name: String
    var vendorID: UInt16
    var productID: UInt16
    /// Where it is plugged in.
    var path: String?
    /// Whether another one of the same model is there, so that its port must tell them apart.
    var hasTwin = false

    var model: String { Self.hex(vendorID) + ":" + Self.hex(productID) }

    private static func hex(_ number: UInt16) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}

/// Presentations out of capture files, one after the other.
final class CaptureSource: PresentationSource {
    let device: LearnedDevice
    let isLive = false
    private var rest: [Presentation]

    /// - Throws: `capture.*`; `learn.captures_differ` where they are of two models.
    init(files: [String], layout: KeyboardLayout) throws(LoyaltyError) {
        var presentations: [Presentation] = []
        var device: LearnedDevice?
        for file in files {
            let capture = try Capture(path: file) { try? KeyboardMaps.layout(named: $0) }
            let own = LearnedDevice(name: capture.name, vendorID: capture.vendorID, productID: capture.productID)
            if let device, device.model != own.model {
                throw LoyaltyError(
                    .learnCapturesDiffer, "the captures are of two readers, \(device.model) and \(own.model)",
                    at: Place(file: file), remedy: "Learn one reader at a time")
            }
            device = device ?? own
            presentations += try capture.presentations(options: ReaderOptions(layout: layout))
        }
        self.device = device ?? LearnedDevice(name: "reader", vendorID: 0, productID: 0)
        rest = presentations.reversed()
    }

    func next() -> Arrival { rest.popLast().map { .presentation($0) } ?? .end }
}

extension LoyaltyError.Code {
    static let learnCapturesDiffer = Self("learn.captures_differ", kind: .badData)
    /// Nobody scanned anything.
    static let learnNothingCame = Self("learn.nothing_came", kind: .unavailable)
}
