// Written by udev/generate from udev/readers.json; do not edit.

extension KnownReader {
    /// Every reader of the table.
    public static let all: [KnownReader] = [
        Self(0x0218, 0x0210, "keyboard wedge without a name", .keyboard),
        Self(0x0581, 0x020c, "2D scanner, keyboard with report ID 3", .keyboard),
        Self(0x05e0, 0x0600, "Symbol/Zebra, simple COM port emulation (64-byte HID)", .simpleCOM),
        Self(0x05e0, 0x1200, "Symbol/Zebra, keyboard (LS2208 and others)", .keyboard),
        Self(0x05e0, 0x1300, "Symbol/Zebra, IBM hand-held (also called OPOS)", .ibmOEM),
        Self(0x05e0, 0x1400, "Symbol/Zebra, IBM table-top", .ibmOEM),
        Self(0x05e0, 0x1900, "Symbol/Zebra, SNAPI", .snapi),
        Self(0x05f9, 0x2206, "Datalogic", nil),
        Self(0x05f9, 0x2214, "Datalogic Touch 65", nil),
        Self(0x05f9, 0x2602, "Datalogic Magellan 1100i", nil),
        Self(0x067e, 0x0809, "Intermec", nil),
        Self(0x0801, 0x0001, "MagTek stripe reader, keyboard", .keyboard),
        Self(0x0801, 0x0002, "MagTek stripe reader, HID", .magtek),
        Self(0x0801, 0x0011, "MagTek MagneSafe swipe, HID", .magnesafe),
        Self(0x0801, 0x0013, "MagTek MagneSafe insert, HID", .magnesafe),
        Self(0x0801, 0x0014, "MagTek MagneSafe wireless", .magnesafe),
        Self(0x0acd, 0x2010, "ID TECH stripe reader, HID", .idtech),
        Self(0x0acd, 0x2020, "ID TECH stripe reader, HID, other mode", .idtech),
        Self(0x0acd, 0x2030, "ID TECH stripe reader, keyboard", .keyboard),
        Self(0x0c2e, 0x0200, "Metrologic/Honeywell, keyboard", .keyboard),
        Self(0x0c2e, 0x0967, "Honeywell N5600, HID POS", .hidPOS),
        Self(0x0c2e, 0x0aaf, "Honeywell Granit 1910i", nil),
        Self(0x0c2e, 0x0b01, "Honeywell", nil),
        Self(0x0c2e, 0x0b87, "Honeywell", nil),
        Self(0x0c2e, 0x0be1, "Honeywell/Metrologic, IN endpoint 84", nil),
        Self(0x0c2e, 0x0c61, "Honeywell Granit 1980", nil),
        Self(0x0c2e, 0x1007, "Honeywell, pages 8C and FF8C", .hidPOS),
        Self(0x0c2e, 0x10d3, "Honeywell CM4680SR", nil),
        Self(0x1eab, 0x0110, "2DScan, HID POS", .hidPOS),
        Self(0x1eab, 0x0210, "Newland EM2027, HID POS", .hidPOS),
        Self(0x1eab, 0x0c06, "Newland, serial (CDC)", .serial),
        Self(0x1eab, 0x0d10, "Newland FM420, EM2028, HID POS", .hidPOS),
        Self(0x1eab, 0x8003, "YK/Aibecy, keyboard", .keyboard),
        Self(0x1eab, 0x8306, "Newland, serial (CDC)", .serial),
        Self(0x1fbb, 0x3850, "Cino, serial (CDC)", .serial),
        Self(0x23d0, nil, "Youjie (Honeywell low-cost line), all models", .hidPOS),
        Self(0x1209, 0x0001, "emulated wedge scanner of Tests/rig", .keyboard),
    ]

    static let quirksByVendor: [UInt16: Set<Quirk>] = [
        0x0c2e: [.choosesInterface, .takesCommands],  // Honeywell, Metrologic
        0x23d0: [.choosesInterface, .takesCommands],  // Youjie
    ]
}

extension SerialChip {
    /// The adapters whose language is known.
    public static let all: [SerialChip] = [
        Self(0x0403, 0x6001, "FTDI FT232", .ftdi),
        Self(0x0403, 0x6010, "FTDI FT2232", .ftdi),
        Self(0x0403, 0x6011, "FTDI FT4232", .ftdi),
        Self(0x0403, 0x6014, "FTDI FT232H", .ftdi),
        Self(0x0403, 0x6015, "FTDI FT-X", .ftdi),
        Self(0x067b, 0x2303, "Prolific PL2303", .prolific),
        Self(0x067b, 0x23a3, "Prolific PL2303GC", .prolific),
        Self(0x067b, 0x23b3, "Prolific PL2303GB", .prolific),
        Self(0x067b, 0x23c3, "Prolific PL2303GT", .prolific),
        Self(0x067b, 0x23d3, "Prolific PL2303GL", .prolific),
        Self(0x067b, 0x23e3, "Prolific PL2303GE", .prolific),
        Self(0x067b, 0x23f3, "Prolific PL2303GS", .prolific),
        Self(0x10c4, 0xea60, "Silicon Labs CP2102, CP2104", .cp210x),
        Self(0x10c4, 0xea70, "Silicon Labs CP2105", .cp210x),
        Self(0x10c4, 0xea71, "Silicon Labs CP2108", .cp210x),
    ]
}
