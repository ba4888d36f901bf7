/// From the usages of HID page 07 to the key codes of XKB.
///
/// The numbers are those of the kernel's table `hid_keyboard` (drivers/hid/hid-input.c), plus 8, as evdev keyboards have them
/// under X11 and Wayland. Usages 31 and 32 become one key there.
enum KeyCode {
    static let leftShift: UInt32 = 50
    static let capsLock: UInt32 = 66
    static let numLock: UInt32 = 77
    /// AltGr where a layout has one.
    static let rightAlt: UInt32 = 108

    /// nil for keys without a character on any layout.
    static func xkb(_ usage: UInt8) -> UInt32? {
        let code: UInt32? =
            switch usage {
            case 0x04...0x38: block[Int(usage) - 0x04]
            case 0x54...0x63: keypad[Int(usage) - 0x54]
            case 0x64: 86
            case 0x67: 117
            case 0x85: 121
            case 0x87: 89
            case 0x89: 124
            default: nil
            }
        return code.flatMap { $0 == 0 ? nil : $0 + 8 }
    }

    static func isKeypad(_ usage: UInt8) -> Bool { (0x54...0x63).contains(usage) || usage == 0x67 || usage == 0x85 }

    /// Usages 04 to 38. Enter, Escape, Backspace, Tab and Space are the same everywhere and left out.
    private static let block: [UInt32] = [
        30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44,
        2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 0, 0, 0, 0, 12, 13, 26, 27, 43, 43, 39, 40, 41, 51, 52, 53,
    ]

    /// Usages 54 to 63, without Enter.
    private static let keypad: [UInt32] = [98, 55, 74, 78, 0, 79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83]
}
