"""Letters that look like a Latin one, by their code points. Knows letters; knows nothing of words.

A selection of the Unicode Consortium's confusables (UTS 39, confusables.txt): Cyrillic, Greek, Armenian, Cherokee and
phonetic letters that common fonts draw as Latin ones. What NFKC maps anyway (full width, maths, circled) is left out.
"""

_LOOKALIKES = """
a 0430 03b1 0251 1d00 a4ee     b 042c 044c 0184 0299        c 0441 03f2 1d04 a4da      d 0501 1d05 a4d3 13e7
e 0435 04bd 1d07 ab32 0454     f a730 0192 03dd a799        g 0261 0581 0262 050d      h 04bb 0570 029c 13c2
i 0456 0131 03b9 026a 0269     j 0458 03f3 1d0a a4d9        k 043a 03ba 1d0b 0138      l 04cf 029f 2c60 a4e1
m 043c 1d0d 028d a4df          n 0578 0274 043f 03b7 a4e0   o 043e 03bf 0585 1d0f      p 0440 03c1 1d18 a4d1
q 051b 0563 a7af               r 0433 0280 1d26 a4e3        s 0455 a731 01bd a4e2      t 0442 03c4 1d1b a4d4
u 0446 03c5 057d 1d1c a4f4     v 0475 03bd 1d20 a4e6        w 051d 0461 1d21 a4ea      x 0445 03c7 04b3 a4eb
y 0443 04af 028f a4ec 0263     z 1d22 0290 a4dc
A 0410 0391 13aa               B 0412 0392 13f4             C 0421 03f9 13df           D 13a0
E 0415 0395 13ac               F 03dc                       G 050c 13c0                H 041d 0397 13bb
I 0406 0399 04c0               J 0408 13ab                  K 041a 039a 13e6           L 13de 053c
M 041c 039c 13b7               N 039d                       O 041e 039f 0555           P 0420 03a1 13e2
Q 051a                         R 13a1                       S 0405 054f 13da           T 0422 03a4 13a2
U 054d                         V 0474 13d9                  W 051c 13b3                X 0425 03a7
Y 04ae 03a5                    Z 0396 13c3
"""


def _table() -> dict[str, str]:
    latin, table = "", {}
    for word in _LOOKALIKES.split():
        if len(word) == 1:
            latin = word
        else:
            table[chr(int(word, 16))] = latin
    return table


LATIN_FOR = _table()
"""A letter of another script, and the Latin one that it passes for."""
