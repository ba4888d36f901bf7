import CXKBCommon
public import CardReading
public import LoyaltyModel

/// Keyboard layouts by name: those of `KeyboardLayout.all`, and every other one that XKB knows.
///
/// XKB's are made from the files of the package xkb-data while the settings are read. Nothing of it is needed afterwards.
public enum KeyboardMaps {
    /// The layout of a name: `de`, `pl`, `us(dvorak)`; `xkb:de` takes XKB's even where this program has a table of its own.
    ///
    /// - Throws: `readers.layout_unknown`, with the nearest names; `readers.layout_data_missing`
    public static func layout(named name: String) throws(LoyaltyError) -> KeyboardLayout {
        if let layout = KeyboardLayout(named: name) { return layout }
        guard let context = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES) else { throw dataMissing(name) }
        defer { xkb_context_unref(context) }
        // Its complaints name lines of files that nobody here has written.
        xkb_context_set_log_level(context, XKB_LOG_LEVEL_CRITICAL)
        if let parsed = LayoutName(name), let layout = layout(parsed, name, context) { return layout }
        let names = LayoutRegister(directories: directories(context)).names
        if names.isEmpty { throw dataMissing(name) }
        throw unknown(name, names)
    }

    /// The names of XKB's layouts and variants; none where xkb-data is missing.
    public static func xkbNames() -> [String] {
        guard let context = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES) else { return [] }
        defer { xkb_context_unref(context) }
        return LayoutRegister(directories: directories(context)).names
    }

    /// Every layout of XKB that this program has no table for, those with the same keys once: layouts first, then variants.
    ///
    /// - Parameter mayGoOn: asked before each, some hundreds that take milliseconds each.
    /// - Returns: what was made until then; nothing where xkb-data is missing.
    public static func others(while mayGoOn: () -> Bool = { true }) -> [KeyboardLayout] {
        guard let context = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES) else { return [] }
        defer { xkb_context_unref(context) }
        xkb_context_set_log_level(context, XKB_LOG_LEVEL_CRITICAL)
        var layouts: [KeyboardLayout] = []
        for name in LayoutRegister(directories: directories(context)).names where mayGoOn() {
            guard KeyboardLayout(named: name) == nil, let parsed = LayoutName(name),
                let layout = layout(parsed, name, context),
                !layouts.contains(where: { $0.hasSameKeys(as: layout) })
            else { continue }
            layouts.append(layout)
        }
        return layouts
    }

    /// nil also for what XKB combines with layouts, such as `keypad` or `capslock`, and what has no letters of its own.
    private static func layout(_ parsed: LayoutName, _ name: String, _ context: OpaquePointer) -> KeyboardLayout? {
        let layout = XKBKeymap.with(parsed, in: context) { keymap in
            KeyboardLayout(
                name: name, keys: keymap.keys(isCapsLocked: false), capsLockedKeys: keymap.keys(isCapsLocked: true))
        }
        guard let layout, (UInt8(0x04)...0x27).count(where: { layout.key($0, .plain) != nil }) >= leastKeys else {
            return nil
        }
        return layout
    }

    /// Of the 36 keys with letters and digits; the layouts of XKB have 29 (Dhivehi) and more.
    private static let leastKeys = 24

    private static func directories(_ context: OpaquePointer) -> [String] {
        (0..<xkb_context_num_include_paths(context)).compactMap {
            xkb_context_include_path_get(context, $0).map { String(cString: $0) }
        }
    }

    private static func unknown(_ name: String, _ names: [String]) -> LoyaltyError {
        let bare = name.hasPrefix("xkb:") ? String(name.dropFirst(4)) : name
        let nearest = LayoutRegister.nearest(to: bare, among: names)
        let examples = KeyboardLayout.all.map(\.name).joined(separator: ", ")
        return LoyaltyError(
            .layoutUnknown, "there is no keyboard layout \"\(name)\"",
            remedy: nearest.isEmpty
                ? "Write one such as \(examples), or a layout of XKB such as \"pl\" or \"us(dvorak)\""
                : "Did you mean \(nearest.map { "\"\($0)\"" }.joined(separator: ", "))?")
    }

    private static func dataMissing(_ name: String) -> LoyaltyError {
        let own = KeyboardLayout.all.map(\.name).joined(separator: ", ")
        return LoyaltyError(
            .layoutDataMissing, "the keyboard layout \"\(name)\" is to come from XKB, whose data are not installed",
            remedy: "Install the package xkb-data, or use one of the layouts that need none: \(own)")
    }
}

extension LoyaltyError.Code {
    /// No layout has that name.
    public static let layoutUnknown = Self("readers.layout_unknown", kind: .configuration)
    /// The layout is none of the built-in ones, and XKB's data are not there to look it up.
    public static let layoutDataMissing = Self("readers.layout_data_missing", kind: .configuration)
}
