import CXKBCommon
import CardReading

/// A keymap of libxkbcommon, held while its keys are read.
///
/// The keys are pressed one after the other as a reader would press them, so that the layout's own idea of AltGr and Caps Lock
/// counts.
struct XKBKeymap {
    private let keymap: OpaquePointer

    /// Runs a body with the keymap of a layout.
    ///
    /// - Returns: nil where XKB has no such layout, or cannot make sense of it.
    static func with<Result>(
        _ name: LayoutName, in context: OpaquePointer, _ body: (XKBKeymap) -> Result
    ) -> Result? {
        let keymap = name.layout.withCString { layout in
            name.variant.withCString { variant in
                "evdev".withCString { rules in
                    "pc105".withCString { model in
                        // Empty options; nil would mean those of the environment.
                        "".withCString { options in
                            var names = xkb_rule_names(
                                rules: rules, model: model, layout: layout, variant: variant, options: options)
                            return xkb_keymap_new_from_names(context, &names, XKB_KEYMAP_COMPILE_NO_FLAGS)
                        }
                    }
                }
            }
        }
        guard let keymap else { return nil }
        defer { xkb_keymap_unref(keymap) }
        return body(XKBKeymap(keymap: keymap))
    }

    /// The characters of the keys, per level.
    func keys(isCapsLocked: Bool) -> [KeyboardLayout.Level: [UInt8: KeyboardLayout.Key]] {
        var keys: [KeyboardLayout.Level: [UInt8: KeyboardLayout.Key]] = [:]
        for level in KeyboardLayout.Level.allCases {
            guard let state = xkb_state_new(keymap) else { continue }
            defer { xkb_state_unref(state) }
            tap(KeyCode.numLock, state)
            if isCapsLocked { tap(KeyCode.capsLock, state) }
            let isShifted = level == .shifted || level == .shiftedAlternate
            if isShifted { xkb_state_update_key(state, KeyCode.leftShift, XKB_KEY_DOWN) }
            let withoutAltGr = self.levels(state)
            let isAlternate = level == .alternate || level == .shiftedAlternate
            if isAlternate { xkb_state_update_key(state, KeyCode.rightAlt, XKB_KEY_DOWN) }
            for usage in UInt8(0x04)...0x8b {
                guard let code = KeyCode.xkb(usage) else { continue }
                // Shift undoes NumLock; readers type the keypad plain.
                if level != .plain, KeyCode.isKeypad(usage) { continue }
                // Where AltGr changes nothing, the key has no character with it.
                if isAlternate, xkb_state_key_get_level(state, code, 0) == withoutAltGr[usage] { continue }
                if let key = Self.key(xkb_state_key_get_one_sym(state, code)) { keys[level, default: [:]][usage] = key }
            }
        }
        return keys
    }

    private func levels(_ state: OpaquePointer) -> [UInt8: UInt32] {
        var levels: [UInt8: UInt32] = [:]
        for usage in UInt8(0x04)...0x8b {
            if let code = KeyCode.xkb(usage) { levels[usage] = xkb_state_key_get_level(state, code, 0) }
        }
        return levels
    }

    private func tap(_ code: UInt32, _ state: OpaquePointer) {
        xkb_state_update_key(state, code, XKB_KEY_DOWN)
        xkb_state_update_key(state, code, XKB_KEY_UP)
    }

    private static func key(_ keysym: UInt32) -> KeyboardLayout.Key? {
        if let scalar = DeadKeys.scalar(keysym) { return KeyboardLayout.Key(scalar, isDead: true) }
        guard let scalar = Unicode.Scalar(xkb_keysym_to_utf32(keysym)), scalar.value > 0x20, scalar.value != 0x7f else {
            return nil
        }
        return KeyboardLayout.Key(scalar)
    }
}
