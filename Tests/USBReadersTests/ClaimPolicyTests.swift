import CardReading
import Foundation
import LoyaltyModel
import Testing

@testable import USBReaders

@Suite
struct ClaimPolicyTests {
    private static let bootKeyboard = ReaderInterface(number: 0, subclass: 1, protocolCode: 1)
    private static let plain = ReaderInterface(number: 1, subclass: 0, protocolCode: 0)
    private static let bootMouse = ReaderInterface(number: 0, subclass: 1, protocolCode: 2)

    private func policy(
        allow: [DeviceMatch] = [], deny: [DeviceMatch] = [], _ keyboards: KeyboardClaims = .knownScanners
    ) -> ClaimPolicy {
        ClaimPolicy(rules: ClaimRules(allow: allow, deny: deny), keyboards: keyboards)
    }

    private func stance(_ policy: ClaimPolicy, _ vendor: UInt16, _ product: UInt16) -> ClaimPolicy.Stance {
        policy.stance(vendorID: vendor, productID: product, portPath: "1-1.2")
    }

    @Test("An office keyboard stays with the kernel, by its interface and by its descriptor")
    func cashierKeyboard() {
        let policy = policy()
        let stance = stance(policy, 0x046d, 0xc31c)
        #expect(policy.decide(stance, interface: Self.bootKeyboard) == .leave(.unclaimedKeyboard))
        #expect(policy.decide(stance, interface: Self.plain) == .proceed)
        #expect(policy.decide(stance, kind: .keyboard) == .leave(.unclaimedKeyboard))
        #expect(policy.decide(stance, kind: .hidPOS) == .proceed)
        #expect(policy.decide(stance, interface: Self.bootMouse) == .skip)
    }

    @Test(
        "A keyboard is claimed by the table, by model, by vendor or by port",
        arguments: [
            ([], 0x05e0, 0x1200), ([.model(vendorID: 0x046d, productID: 0xc31c)], 0x046d, 0xc31c),
            ([.model(vendorID: 0x046d, productID: nil)], 0x046d, 0xc31c), ([.port("1-1.2")], 0x046d, 0xc31c),
        ] as [([DeviceMatch], UInt16, UInt16)])
    func named(_ allow: [DeviceMatch], _ vendor: UInt16, _ product: UInt16) {
        let policy = policy(allow: allow)
        let stance = stance(policy, vendor, product)
        #expect(policy.decide(stance, interface: Self.bootKeyboard) == .proceed)
        #expect(policy.decide(stance, kind: .keyboard) == .proceed)
    }

    @Test("The table counts only where it is wanted, and a denial beats everything")
    func strictness() {
        #expect(stance(policy(.allowed), 0x05e0, 0x1200) == .namedWithoutKeyboards)
        #expect(stance(policy(allow: [.port("1-1.2")], .allowed), 0x05e0, 0x1200) == .named)
        #expect(stance(policy(allow: [.port("1-1.2")], .never), 0x05e0, 0x1200) == .namedWithoutKeyboards)
        let strict = policy(.never)
        #expect(strict.decide(.namedWithoutKeyboards, interface: Self.bootKeyboard) == .leave(.unclaimedKeyboard))
        #expect(strict.decide(.namedWithoutKeyboards, kind: .keyboard) == .leave(.unclaimedKeyboard))
        let denying = policy(allow: [.port("1-1.2")], deny: [.model(vendorID: 0x05e0, productID: nil)])
        #expect(stance(denying, 0x05e0, 0x1200) == .denied)
        #expect(
            denying.decide(.denied, interface: Self.plain) == .leave(.unsupported(reason: ClaimPolicy.deniedReason)))
    }

    /// A till's receipt printer hangs on a CDC port or on any of the chips.
    @Test(
        "A serial port is taken only where its model or its port is named, or it is a known scanner's",
        arguments: KeyboardClaims.all)
    func serialPorts(keyboards: KeyboardClaims) {
        let port = ReaderInterface(number: 0, subclass: 2, protocolCode: 1, interfaceClass: 2)
        let chip = ReaderInterface(number: 0, subclass: 0, protocolCode: 0, interfaceClass: 255)
        let strict = policy(keyboards)
        for (vendor, product) in [(0x0403, 0x6001), (0x067b, 0x2303), (0x10c4, 0xea60), (0x04b8, 0x0202)]
            as [(UInt16, UInt16)]
        {
            let stance = stance(strict, vendor, product)
            for interface in [port, chip] {
                #expect(strict.decide(stance, interface: interface) == .leave(.unclaimedSerialPort))
            }
            #expect(strict.decide(stance, kind: .serial) == .leave(.unclaimedSerialPort))
            for match in [DeviceMatch.port("1-1.2"), .model(vendorID: vendor, productID: product)] {
                let naming = policy(allow: [match], keyboards)
                #expect(naming.decide(self.stance(naming, vendor, product), interface: chip) == .proceed)
                #expect(naming.decide(self.stance(naming, vendor, product), kind: .serial) == .proceed)
            }
        }
        #expect(strict.decide(stance(strict, 0x1fbb, 0x3850), interface: port) == .proceed)
        #expect(ReaderState.unclaimedSerialPort.word == "unclaimed_serial_port")
        let adapter = ReaderDescription(vendorID: 0x403, productID: 0x6001, portPath: "1-1.2", interfaceNumber: 0)
        #expect(ReaderState.unclaimedSerialPort.remedy(for: adapter)?.contains("0403:6001") == true)
    }

    @Test("One device may have options of its own; the first match counts")
    func deviceOptions() {
        let slow = ReaderOptions(serialLine: SerialLine(baudRate: 1200))
        let options = USBReaderOptions(readers: [
            (.port("1-1.2"), slow), (.model(vendorID: 0x0403, productID: nil), ReaderOptions(stripsSuffix: false)),
        ])
        #expect(options.reader(vendorID: 0x0403, productID: 1, portPath: "1-1.2") == slow)
        #expect(!options.reader(vendorID: 0x0403, productID: 1, portPath: "1-3").stripsSuffix)
        #expect(options.reader(vendorID: 0x05e0, productID: 1, portPath: "1-3") == ReaderOptions())
    }

    @Test("Matches are read as they are written")
    func matchSyntax() throws {
        #expect(try DeviceMatch("05e0:1200") == .model(vendorID: 0x05e0, productID: 0x1200))
        #expect(try DeviceMatch("23D0:*") == .model(vendorID: 0x23d0, productID: nil))
        #expect(try DeviceMatch("1-1.2") == .port("1-1.2"))
        #expect(try DeviceMatch("2-4") == .port("2-4"))
    }

    @Test(
        "What is no match is refused with a remedy",
        arguments: [
            "", ":", "05e0", "5e0:1200", "05e0:12000", "05e0:", "xyzw:1200", "1-", "-1", "1-1.", "1-1.2:0", "+1-2x",
            "*:*",
        ])
    func wrongMatch(_ text: String) {
        let error = #expect(throws: LoyaltyError.self) { try DeviceMatch(text) }
        #expect(error?.code == .usbMatchSyntax)
        #expect(error?.remedy?.isEmpty == false)
    }

    @Test("The table of scanners holds what the captures name, and the emulated scanner")
    func table() throws {
        struct List: Decodable { let ids: [[String]] }
        let file = Rig.root.appendingPathComponent("Examples/captures/device-ids-seen.json")
        let seen = try JSONDecoder().decode(List.self, from: Data(contentsOf: file))
        let expected = try seen.ids.map { try DeviceMatch("\($0[0]):\($0[1])") }
        #expect(expected.count == 36)
        let known = KnownReader.all.map { DeviceMatch.model(vendorID: $0.vendorID, productID: $0.productID) }
        #expect(Set(known) == Set(expected + [.model(vendorID: 0x1209, productID: 0x0001)]))
    }

    @Test("Missing rights are answered with the udev line for this very reader")
    func udevLine() {
        let reader = ReaderDescription(vendorID: 0x5e0, productID: 0x1200, portPath: "1-1.2", interfaceNumber: 0)
        #expect(reader.id == ReaderID("usb-1-1.2:0"))
        #expect(
            ReaderState.noPermission.remedy(for: reader)?.hasSuffix(
                "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", ATTR{idVendor}==\"05e0\", ATTR{idProduct}==\"1200\", "
                    + "GROUP=\"loyaltyd\", MODE=\"0660\"") == true)
        #expect(ReaderState.unclaimedKeyboard.remedy(for: reader)?.contains("05e0:1200") == true)
        #expect(ReaderState.ready.remedy == nil)
    }
}

extension KeyboardClaims {
    fileprivate static let all: [KeyboardClaims] = [.never, .allowed, .knownScanners]
}
