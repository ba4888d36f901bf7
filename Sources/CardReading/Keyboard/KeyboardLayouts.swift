// Rows from freedesktop xkeyboard-config, symbols/{us,gb,de,fr,be,es,it,ch,pt,se,dk,no}, commit 4fadd3d. The rows for digits
// and for % ; ? = - / + ^ & * agree with the Windows layouts that scanner manuals print.

extension KeyboardLayout {
    public static let all: [KeyboardLayout] = [us, gb, de, fr, be, es, it, ch, pt, se, dk, no]

    public static let us = KeyboardLayout(
        name: "us", base: nil,
        keys: """
            04 a A 05 b B 06 c C 07 d D 08 e E 09 f F 0A g G 0B h H 0C i I 0D j J 0E k K 0F l L 10 m M \
            11 n N 12 o O 13 p P 14 q Q 15 r R 16 s S 17 t T 18 u U 19 v V 1A w W 1B x X 1C y Y 1D z Z \
            1E 1 ! 1F 2 @ 20 3 # 21 4 $ 22 5 % 23 6 ^ 24 7 & 25 8 * 26 9 ( 27 0 ) \
            2D - _ 2E = + 2F [ { 30 ] } 32 \\ | 33 ; : 34 ' " 35 ` ~ 36 , < 37 . > 38 / ?
            """,
        alternate: "")

    public static let gb = KeyboardLayout(
        name: "gb", base: us,
        keys: "1F 2 \" 20 3 £ 32 # ~ 34 ' @ 35 ` ¬ 64 \\ |",
        alternate: "")

    public static let de = KeyboardLayout(
        name: "de", base: us,
        keys: """
            1C z Z 1D y Y 1F 2 " 20 3 § 23 6 & 24 7 / 25 8 ( 26 9 ) 27 0 = 2D ß ? 2E ´* `* 2F ü Ü 30 + * \
            32 # ' 33 ö Ö 34 ä Ä 35 ^* ° 36 , ; 37 . : 38 - _ 64 < >
            """,
        alternate: "14 @ 25 [ 26 ] 24 { 27 } 2D \\ 64 | 30 ~")

    public static let fr = KeyboardLayout(
        name: "fr", base: us,
        keys: """
            04 q Q 10 , ? 14 a A 1A z Z 1D w W 1E & 1 1F é 2 20 " 3 21 ' 4 22 ( 5 23 - 6 24 è 7 25 _ 8 \
            26 ç 9 27 à 0 2D ) ° 2F ^* ¨* 30 $ £ 32 * µ 33 m M 34 ù % 35 ² ³ 36 ; . 37 : / 38 ! § 64 < >
            """,
        alternate: "1F ~ 20 # 21 { 22 [ 23 | 24 ` 25 \\ 26 ^ 27 @ 2D ] 2E }")

    public static let be = KeyboardLayout(
        name: "be", base: us,
        keys: """
            04 q Q 10 , ? 14 a A 1A z Z 1D w W 1E & 1 1F é 2 20 " 3 21 ' 4 22 ( 5 23 § 6 24 è 7 25 ! 8 \
            26 ç 9 27 à 0 2D ) ° 2E - _ 2F ^* ¨* 30 $ * 32 µ £ 33 m M 34 ù % 35 ² ³ 36 ; . 37 : / 38 = + 64 < >
            """,
        alternate: "1E | 1F @ 20 # 23 ^ 24 { 27 } 2F [ 30 ] 64 \\")

    public static let es = KeyboardLayout(
        name: "es", base: us,
        keys: """
            1F 2 " 20 3 · 23 6 & 24 7 / 25 8 ( 26 9 ) 27 0 = 2D ' ? 2E ¡ ¿ 2F `* ^* 30 + * 32 ç Ç 33 ñ Ñ \
            34 ´* ¨* 35 º ª 36 , ; 37 . : 38 - _ 64 < >
            """,
        alternate: "1E | 1F @ 20 # 21 ~ 35 \\ 2F [ 30 ] 34 { 32 }")

    public static let it = KeyboardLayout(
        name: "it", base: us,
        keys: """
            1F 2 " 20 3 £ 23 6 & 24 7 / 25 8 ( 26 9 ) 27 0 = 2D ' ? 2E ì ^ 2F è é 30 + * 32 ù § 33 ò ç \
            34 à ° 35 \\ | 36 , ; 37 . : 38 - _ 64 < >
            """,
        alternate: "33 @ 34 # 2F [ 30 ] 24 { 27 }")

    public static let ch = KeyboardLayout(
        name: "ch", base: us,
        keys: """
            1C z Z 1D y Y 1E 1 + 1F 2 " 20 3 * 21 4 ç 23 6 & 24 7 / 25 8 ( 26 9 ) 27 0 = 2D ' ? 2E ^* `* \
            2F ü è 30 ¨* ! 32 $ £ 33 ö é 34 ä à 35 § ° 36 , ; 37 . : 38 - _ 64 < >
            """,
        alternate: "1F @ 20 # 24 | 1E | 2F [ 30 ] 34 { 32 } 64 \\")

    public static let pt = KeyboardLayout(
        name: "pt", base: us,
        keys: """
            1F 2 " 23 6 & 24 7 / 25 8 ( 26 9 ) 27 0 = 2D ' ? 2E « » 2F + * 30 ´* `* 32 ~* ^* 33 ç Ç \
            34 º ª 35 \\ | 36 , ; 37 . : 38 - _ 64 < >
            """,
        alternate: "1F @ 24 { 25 [ 26 ] 27 }")

    public static let se = KeyboardLayout(
        name: "se", base: us,
        keys: "\(nordic) 2E ´* `* 33 ö Ö 34 ä Ä 35 § ½",
        alternate: "1F @ 24 { 25 [ 26 ] 27 } 2D \\ 64 | 30 ~*")

    public static let dk = KeyboardLayout(
        name: "dk", base: us,
        keys: "\(nordic) 2E ´* `* 33 æ Æ 34 ø Ø 35 ½ §",
        alternate: "1F @ 24 { 25 [ 26 ] 27 } 2E | 64 \\ 30 ~*")

    public static let no = KeyboardLayout(
        name: "no", base: us,
        keys: "\(nordic) 2E \\ `* 33 ø Ø 34 æ Æ 35 | §",
        alternate: "1F @ 24 { 25 [ 26 ] 27 } 30 ~*")

    private static let nordic = """
        1F 2 " 21 4 ¤ 23 6 & 24 7 / 25 8 ( 26 9 ) 27 0 = 2D + ? 2F å Å 30 ¨* ^* 32 ' * 36 , ; 37 . : 38 - _ 64 < >
        """
}
