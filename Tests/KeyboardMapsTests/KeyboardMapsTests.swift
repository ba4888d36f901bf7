import CardReading
import KeyboardMaps
import LoyaltyModel
import Testing

/// Needs the package xkb-data.
@Suite struct KeyboardMapsTests {
    /// Where XKB's table and ours differ for a reason: layout, usage, level.
    private static let differences: Set<String> = [
        // A US keyboard has no key beside the left Shift; XKB gives it `< >` all the same.
        "us 64 plain", "us 64 shifted",
        // `³` on French keyboards as on Windows; XKB has had `~` there since xkeyboard-config 2.10.
        "fr 35 shifted",
    ]

    /// Two tables that nobody has copied from each other: the rows of scanner manuals, and those of XKB by way of the kernel's
    /// key codes.
    @Test("Our twelve layouts are those of XKB, key for key, but for three differences that have a reason")
    func ownLayouts() throws {
        var found: Set<String> = []
        for own in KeyboardLayout.all {
            let xkb = try KeyboardMaps.layout(named: "xkb:\(own.name)")
            for usage in UInt8(0x04)...0x8b where !(0x54...0x63).contains(usage) && usage != 0x67 && usage != 0x85 {
                for level in [KeyboardLayout.Level.plain, .shifted]
                where own.key(usage, level) != xkb.key(usage, level) {
                    found.insert("\(own.name) \(String(usage, radix: 16)) \(level)")
                }
                // XKB has more with AltGr, but nothing else.
                guard let key = own.key(usage, .alternate) else { continue }
                #expect(xkb.key(usage, .alternate) == key, "\(own.name) \(String(usage, radix: 16))")
            }
        }
        #expect(found == Self.differences)
    }

    /// Polish programmer's, Hungarian, Czech and Swiss French keyboards as printed on them; Dvorak (ANSI X4.22); Brazilian ABNT2
    /// and Japanese JIS keys that others do not have, the Yen key being the one of ASCII's backslash; the Russian one, whose digits are where everybody's are.
    @Test(
        "Other layouts come from XKB: letters, dead keys, AltGr, the keys of ISO, ABNT2 and JIS keyboards",
        arguments: [
            ("pl", 0x04, KeyboardLayout.Level.alternate, "ą"), ("pl", 0x0f, .alternate, "ł"),
            ("pl", 0x1f, .shifted, "@"),
            ("hu", 0x1c, .plain, "z"), ("hu", 0x27, .plain, "ö"), ("hu", 0x35, .plain, "0"), ("hu", 0x64, .plain, "í"),
            ("cz", 0x1f, .plain, "ě"), ("cz", 0x1f, .shifted, "2"), ("cz", 0x2e, .plain, "´*"),
            ("ch(fr)", 0x2f, .plain, "è"), ("ch(fr)", 0x2f, .shifted, "ü"), ("ch(fr)", 0x1f, .alternate, "@"),
            ("us(dvorak)", 0x14, .plain, "'"), ("us(dvorak)", 0x1d, .plain, ";"), ("us(intl)", 0x34, .plain, "´*"),
            ("br", 0x33, .plain, "ç"), ("br", 0x87, .plain, "/"), ("br", 0x87, .shifted, "?"),
            ("br", 0x30, .plain, "["),
            ("jp", 0x87, .plain, "\\"), ("jp", 0x87, .shifted, "_"), ("jp", 0x89, .plain, "\\"),
            ("jp", 0x89, .shifted, "|"),
            ("jp", 0x1f, .shifted, "\""),
            ("ru", 0x1e, .plain, "1"), ("ru", 0x14, .plain, "й"), ("tr", 0x0c, .plain, "ı"), ("tr", 0x34, .plain, "i"),
            ("xkb:de", 0x31, .plain, "#"), ("xkb:de", 0x32, .plain, "#"), ("xkb:de", 0x64, .alternate, "|"),
            ("xkb:de", 0x63, .plain, ","), ("xkb:us", 0x63, .plain, "."), ("xkb:us", 0x59, .plain, "1"),
        ])
    func otherLayouts(name: String, usage: Int, level: KeyboardLayout.Level, character: String) throws {
        let key = try KeyboardMaps.layout(named: name).key(UInt8(usage), level)
        let text = key.map { String($0.scalar) + ($0.isDead ? "*" : "") }
        #expect(text == character)
    }

    @Test("Caps Lock turns letters, and on a layout that says so the digits too")
    func capsLock() throws {
        let polish = try KeyboardMaps.layout(named: "pl")
        #expect(polish.key(0x04, .plain, isCapsLocked: true)?.scalar == "A")
        #expect(polish.key(0x04, .shifted, isCapsLocked: true)?.scalar == "a")
        #expect(polish.key(0x1e, .plain, isCapsLocked: true)?.scalar == "1")
        // Swiss keyboards: `ü` becomes `Ü`, which has no key of its own.
        #expect(try KeyboardMaps.layout(named: "xkb:ch").key(0x2f, .plain, isCapsLocked: true)?.scalar == "Ü")
    }

    /// Braille has cells, `custom` is a place for a file of one's own, and the Baybayin variants are missing from xkb-data.
    @Test("Every layout and variant that XKB lists can be used, but for those without letters")
    func all() {
        let names = KeyboardMaps.xkbNames()
        #expect(names.count > 400)
        let unusable = names.filter { name in
            do throws(LoyaltyError) {
                _ = try KeyboardMaps.layout(named: "xkb:" + name)
                return false
            } catch { return true }
        }
        let known = unusable.filter {
            $0.hasPrefix("brai") || $0 == "custom" || ($0.hasPrefix("ph(") && $0.hasSuffix("-bay)"))
        }
        #expect(unusable == known)
    }

    @Test("A name of ours is our table; with xkb: in front it is XKB's")
    func own() throws {
        #expect(try KeyboardMaps.layout(named: "fr").key(0x35, .shifted)?.scalar == "³")
        #expect(try KeyboardMaps.layout(named: "xkb:fr").key(0x35, .shifted)?.scalar == "~")
    }

    @Test(
        "An unknown name is refused, with those that are like it",
        arguments: [
            ("plx", "\"pl\""), ("us(dvorka)", "\"us(dvorak)\""), ("chfr", "\"ch(fr)\""), ("xkb:ux", "\"us\""),
            // Parts of layouts, and what would be a path.
            ("keypad", nil), ("../../../etc/passwd", nil), ("us,de", nil), ("pl(", nil), ("", nil), ("us(../pl)", nil),
        ])
    func unknown(name: String, nearest: String?) throws {
        let error = try #require(throws: LoyaltyError.self) { try KeyboardMaps.layout(named: name) }
        #expect(error.code == .layoutUnknown)
        #expect(error.message == "there is no keyboard layout \"\(name)\"")
        if let nearest { #expect(error.remedy?.contains(nearest) == true, "\(error.remedy ?? "")") }
    }

    @Test("All others are found, each keyboard once, none that there is a table for, and no longer than is wanted")
    func others() {
        let all = KeyboardMaps.others()
        let names = all.map(\.name)
        #expect(Set(["pl", "cz", "hu", "lt", "tr", "br", "us(dvorak)", "ch(fr)"]).isSubset(of: names))
        #expect(Set(KeyboardLayout.all.map(\.name)).isDisjoint(with: names) && Set(names).count == names.count)
        #expect(!all.indices.contains { index in all[..<index].contains { $0.hasSameKeys(as: all[index]) } })
        var asked = 0
        let few = KeyboardMaps.others {
            asked += 1
            return asked <= 30
        }
        #expect(few.count <= 30 && few.map(\.name) == Array(names.prefix(few.count)))
    }
}
