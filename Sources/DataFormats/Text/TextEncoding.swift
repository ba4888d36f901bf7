/// How bytes are characters: UTF-8, or a code page of one byte a character, as tills without Unicode write it.
///
/// The lower half of every page is ASCII, so that separators and digits are the same bytes in all of them.
///
/// Source: the IANA character sets and their mapping tables at unicode.org (`MAPPINGS/ISO8859`, `MAPPINGS/VENDORS/MICSFT`).
public enum TextEncoding: String, Sendable, CaseIterable {
    case utf8 = "utf-8"
    case windows1250 = "windows-1250"
    case windows1251 = "windows-1251"
    case windows1252 = "windows-1252"
    case windows1253 = "windows-1253"
    case windows1254 = "windows-1254"
    case windows1257 = "windows-1257"
    case latin1 = "iso-8859-1"
    case latin2 = "iso-8859-2"
    case cyrillic = "iso-8859-5"
    case greek = "iso-8859-7"
    case latin5 = "iso-8859-9"
    case latin7 = "iso-8859-13"
    case latin9 = "iso-8859-15"
    case cp437
    case cp850
    case cp852
    case cp858
    case cp866

    /// Takes a name as documents write it, in any case: that of IANA, or `latin1`, `ISO8859-15`, `cp1252`, `IBM850`.
    public init?(named name: String) {
        let name = name.lowercased()
        switch name {
        case "utf8": self = .utf8
        case "latin1", "l1": self = .latin1
        case "ibm00858": self = .cp858
        default:
            let renamed =
                [("iso8859-", "iso-8859-"), ("iso_8859-", "iso-8859-"), ("cp125", "windows-125"), ("ibm", "cp")]
                .first { name.hasPrefix($0.0) }.map { $0.1 + name.dropFirst($0.0.utf8.count) }
            guard let encoding = Self(rawValue: renamed ?? name) else { return nil }
            self = encoding
        }
    }

    /// The character of one byte; nil where the byte means nothing, or in UTF-8 nothing by itself.
    public func scalar(_ byte: UInt8) -> Unicode.Scalar? {
        if byte < 0x80 { return Unicode.Scalar(byte) }
        guard let upper = Self.upperHalves[self] else { return nil }
        return upper[Int(byte) - 0x80]
    }

    /// The text of bytes; nil where one of them means nothing.
    public func text(_ bytes: [UInt8]) -> String? {
        guard bytes.contains(where: { $0 >= 0x80 }), let upper = Self.upperHalves[self] else {
            return String(validating: bytes, as: UTF8.self)
        }
        var scalars = String.UnicodeScalarView()
        for byte in bytes {
            guard let scalar = byte < 0x80 ? Unicode.Scalar(byte) : upper[Int(byte) - 0x80] else { return nil }
            scalars.append(scalar)
        }
        return String(scalars)
    }

    private static let upperHalves: [TextEncoding: [Unicode.Scalar?]] = Dictionary(
        uniqueKeysWithValues: allCases.filter { $0 != .utf8 }.map { ($0, $0.upperHalf) })

    /// What stands at 0x80 and behind it. The pages of ISO have control characters in front of their last 96.
    private var upperHalf: [Unicode.Scalar?] {
        let written = last.unicodeScalars.map { $0 == "\u{fffd}" ? nil : $0 }
        return (0x80..<(0x100 - written.count)).map { Unicode.Scalar(UInt8($0)) } + written
    }

    /// The last characters of the page; U+FFFD stands for a byte without meaning.
    private var last: String {
        switch self {
        case .utf8: ""
        case .latin1: String(String.UnicodeScalarView((0xa0...0xff).map { Unicode.Scalar(UInt8($0)) }))
        case .windows1250:
            """
            €\u{fffd}‚\u{fffd}„…†‡\u{fffd}‰Š‹ŚŤŽŹ\u{fffd}‘’“”•–—\u{fffd}™š›śťžź\
            \u{a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{ad}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż\
            ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß\
            ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙
            """
        case .windows1251:
            """
            ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{fffd}™љ›њќћџ\
            \u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕї\
            АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ\
            абвгдежзийклмнопрстуфхцчшщъыьэюя
            """
        case .windows1252:
            """
            €\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}Ž\u{fffd}\u{fffd}‘’“”•–—˜™š›œ\u{fffd}žŸ\
            \u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿\
            ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß\
            àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ
            """
        case .windows1253:
            """
            €\u{fffd}‚ƒ„…†‡\u{fffd}‰\u{fffd}‹\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}‘’“”•–—\u{fffd}™\u{fffd}›\
            \u{fffd}\u{fffd}\u{fffd}\u{fffd}\
            \u{a0}\u{385}Ά£¤¥¦§¨©\u{fffd}«¬\u{ad}®―°±²³\u{384}µ¶·ΈΉΊ»Ό½ΎΏ\
            ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ\u{fffd}ΣΤΥΦΧΨΩΪΫάέήί\
            ΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ\u{fffd}
            """
        case .windows1254:
            """
            €\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}\u{fffd}\u{fffd}\u{fffd}‘’“”•–—˜™š›œ\u{fffd}\u{fffd}Ÿ\
            \u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿\
            ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞß\
            àáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ
            """
        case .windows1257:
            """
            €\u{fffd}‚\u{fffd}„…†‡\u{fffd}‰\u{fffd}‹\u{fffd}¨ˇ¸\u{fffd}‘’“”•–—\u{fffd}™\u{fffd}›\u{fffd}¯˛\
            \u{fffd}\
            \u{a0}\u{fffd}¢£¤\u{fffd}¦§Ø©Ŗ«¬\u{ad}®Æ°±²³´µ¶·ø¹ŗ»¼½¾æ\
            ĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽß\
            ąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙
            """
        case .latin2:
            """
            \u{a0}Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u{ad}ŽŻ°ą˛ł´ľśˇ¸šşťź˝žż\
            ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß\
            ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙
            """
        case .cyrillic:
            """
            \u{a0}ЁЂЃЄЅІЇЈЉЊЋЌ\u{ad}ЎЏАБВГДЕЖЗИЙКЛМНОП\
            РСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмноп\
            рстуфхцчшщъыьэюя№ёђѓєѕіїјљњћќ§ўџ
            """
        case .greek:
            """
            \u{a0}‘’£€₯¦§¨©\u{37a}«¬\u{ad}\u{fffd}―°±²³\u{384}\u{385}Ά·ΈΉΊ»Ό½ΎΏ\
            ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ\u{fffd}ΣΤΥΦΧΨΩΪΫάέήί\
            ΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ\u{fffd}
            """
        case .latin5:
            """
            \u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿\
            ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞß\
            àáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ
            """
        case .latin7:
            """
            \u{a0}”¢£¤„¦§Ø©Ŗ«¬\u{ad}®Æ°±²³“µ¶·ø¹ŗ»¼½¾æ\
            ĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽß\
            ąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž’
            """
        case .latin9:
            """
            \u{a0}¡¢£€¥Š§š©ª«¬\u{ad}®¯°±²³Žµ¶·ž¹º»ŒœŸ¿\
            ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß\
            àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ
            """
        case .cp437:
            """
            ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ\
            áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
            └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
            αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}
            """
        case .cp850:
            """
            ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ\
            áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
            └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
            ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}
            """
        case .cp852:
            """
            ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č\
            áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
            └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀\
            ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}
            """
        case .cp858:
            """
            ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ\
            áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
            └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀\
            ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}
            """
        case .cp866:
            """
            АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ\
            абвгдежзийклмноп░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
            └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
            рстуфхцчшщъыьэюяЁёЄєЇїЎў°∙·√№¤■\u{a0}
            """
        }
    }
}
