import FoundationEssentials
import LoyaltyModel

/// One step for a simulated USB device (Tests/rig/README.md lists them all).
struct RigStep: Encodable, Sendable, Hashable {
    var device: String?
    /// Key strokes of a reader in keyboard mode.
    var type: String?
    /// A code read by a HID POS scanner.
    var scan: String?
    /// The AIM identifier that goes with `scan`.
    var aim: String?
    /// The tracks of a card.
    var swipe: [String?]?
    var waitFor: String?
    var timeoutMilliseconds: Int?
    var plug: Bool?
    var unplug: Bool?

    private enum CodingKeys: String, CodingKey {
        case device, type, scan, aim, swipe, plug, unplug
        case waitFor = "wait_for"
        case timeoutMilliseconds = "timeout_ms"
    }
}

/// The control socket of the USB rig: one JSON object a line, one answer each.
struct RigControl {
    private let socket: LineSocket

    /// - Throws: `sim.connection`.
    init(path: String) throws(LoyaltyError) {
        socket = try LineSocket(path: path, patience: .seconds(5))
    }

    /// - Throws: `sim.rig` with the rig's own words, `sim.connection`.
    func perform(_ step: RigStep) throws(LoyaltyError) {
        try socket.send(Array(try jsonLine(step).utf8))
        guard let line = try socket.nextLine(by: ContinuousClock().now + .seconds(40)) else {
            throw LoyaltyError(.simulatorRig, "the rig does not answer")
        }
        struct Reply: Decodable { var error: String? }
        guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(line)) else {
            throw LoyaltyError(.simulatorRig, "the rig's answer is no JSON object")
        }
        if let error = reply.error {
            throw LoyaltyError(
                .simulatorRig, "the rig says: \(error)",
                remedy: error.contains("no poll") ? "Is loyaltyd running, and did it claim the reader?" : nil)
        }
    }
}

extension LoyaltyError.Code {
    static let simulatorRig = Self("sim.rig", kind: .unavailable)
}
