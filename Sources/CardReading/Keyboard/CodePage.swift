/// The code pages behind Alt codes, upper halves.
enum CodePage {
    static func windows1252(_ code: UInt8) -> Unicode.Scalar {
        let index = Int(code) - 0x80
        return upper1252.indices.contains(index) ? upper1252[index] : Unicode.Scalar(code)
    }

    static func ibm437(_ code: UInt8) -> Unicode.Scalar {
        let index = Int(code) - 0x80
        return upper437.indices.contains(index) ? upper437[index] : Unicode.Scalar(code)
    }

    // 80h to 9Fh; the five codes without a character stand as they are.
    private static let upper1252 = Array(
        "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ".unicodeScalars)

    private static let upper437 = Array(
        """
        ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
        αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}
        """.unicodeScalars)
}
