/// How readers of a maker are switched to the mode that is read best, in the words of their manuals.
struct ReaderModes: Sendable {
    /// Whether current models have HID POS.
    let hasHIDPOS: Bool
    /// What to do, as part of a sentence.
    let change: String

    /// The chapter names of the makers' manuals; the codes themselves differ between models, so that only the manual of the very
    /// model can have them.
    static func of(_ vendorID: UInt16) -> ReaderModes? {
        switch vendorID {
        case 0x05e0:
            ReaderModes(
                hasHIDPOS: true,
                change:
                    "in the manual's chapter \"USB Interface\", under \"USB Device Type\", scan \"USB HID POS\" (DS and newer LS "
                    + "models) or \"IBM Hand-held USB\"")
        case 0x0c2e, 0x23d0:
            ReaderModes(
                hasHIDPOS: true,
                change: "in the manual's chapter on the USB interface scan \"USB HID\" (bar code scanner)")
        case 0x05f9:
            ReaderModes(
                hasHIDPOS: false,
                change: "in the manual's chapter \"Interface Selection\" scan \"USB-OEM\", or \"USB Keyboard\"")
        case 0x1eab:
            ReaderModes(hasHIDPOS: true, change: "in the manual's chapter \"USB\" scan \"HID-POS\"")
        case 0x0801:
            ReaderModes(
                hasHIDPOS: false,
                change: "set the reader's property \"Interface Type\" to HID with the maker's configuration program")
        case 0x0acd:
            ReaderModes(
                hasHIDPOS: false, change: "set its interface to \"USB HID\" with the maker's configuration program")
        default: nil
        }
    }
}
