/// Scanners and card readers that are known by their ids, so that their keyboard interfaces may be claimed unasked.
///
/// The ids are those that published dumps, manuals and bug reports name, kept with their sources in
/// `Examples/captures/device-ids-seen.json`; a test holds both lists together. None of these vendors uses such an id for a
/// keyboard that people type on.
public struct KnownScanner: Sendable, Hashable {
    public let match: DeviceMatch
    public let name: String

    private init(_ vendorID: UInt16, _ productID: UInt16?, _ name: String) {
        match = .model(vendorID: vendorID, productID: productID)
        self.name = name
    }

    public static let all: [KnownScanner] = [
        Self(0x05e0, 0x0600, "Symbol simple COM / 64-byte HID"),
        Self(0x05e0, 0x1200, "Symbol keyboard (LS2208 and others)"),
        Self(0x05e0, 0x1300, "Symbol IBM hand-held / OPOS"),
        Self(0x05e0, 0x1400, "Symbol IBM table-top"),
        Self(0x05e0, 0x1900, "Symbol/Zebra SNAPI"),
        Self(0x0c2e, 0x0200, "Metrologic/Honeywell keyboard"),
        Self(0x0c2e, 0x0967, "N5600 HID POS"),
        Self(0x0c2e, 0x0be1, "Honeywell/Metrologic, IN endpoint 84"),
        Self(0x0c2e, 0x0b87, "Honeywell"),
        Self(0x0c2e, 0x0b01, "Honeywell"),
        Self(0x0c2e, 0x0aaf, "Granit 1910i"),
        Self(0x0c2e, 0x0c61, "Granit 1980"),
        Self(0x0c2e, 0x1007, "Honeywell, pages 8C and FF8C"),
        Self(0x0c2e, 0x10d3, "CM4680SR"),
        Self(0x23d0, nil, "Youjie vendor ID (Honeywell low-cost line), same HID POS handling"),
        Self(0x05f9, 0x2206, "Datalogic"),
        Self(0x05f9, 0x2214, "Datalogic Touch 65"),
        Self(0x05f9, 0x2602, "Datalogic Magellan 1100i"),
        Self(0x067e, 0x0809, "Intermec"),
        Self(0x1fbb, 0x3850, "Cino CDC"),
        Self(0x1eab, 0x0d10, "Newland FM420/EM2028 HID POS"),
        Self(0x1eab, 0x0210, "Newland EM2027 HID POS"),
        Self(0x1eab, 0x0110, "2DScan HID POS"),
        Self(0x1eab, 0x8003, "YK/Aibecy keyboard"),
        Self(0x1eab, 0x8306, "Newland CDC"),
        Self(0x1eab, 0x0c06, "Newland CDC"),
        Self(0x0581, 0x020c, "2D scanner, report ID 3"),
        Self(0x0218, 0x0210, "keyboard wedge"),
        Self(0x0801, 0x0001, "MagTek keyboard"),
        Self(0x0801, 0x0002, "MagTek HID"),
        Self(0x0801, 0x0011, "MagneSafe HID swipe"),
        Self(0x0801, 0x0013, "MagneSafe HID insert"),
        Self(0x0801, 0x0014, "MagneSafe wireless"),
        Self(0x0acd, 0x2010, "ID TECH HID"),
        Self(0x0acd, 0x2020, "ID TECH HID, other mode"),
        Self(0x0acd, 0x2030, "ID TECH keyboard"),
        // From the range that pid.codes keeps for tests: the wedge scanner of Tests/rig.
        Self(0x1209, 0x0001, "emulated wedge scanner"),
    ]
}
