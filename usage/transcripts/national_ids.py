"""Numbers by which states know people: their shapes, check digits and sources. One table. Pure.

A number counts by its check digits, or by a punctuation that nothing else has, or else only after a
word that says what it is: nine digits alone are an order, a price or an offset far more often.
"""

from __future__ import annotations

from usage.transcripts.checksums import (
    is_date,
    luhn,
    mod11_2,
    mod11_10,
    verhoeff,
    weighted,
)
from usage.transcripts.shapes import BLANK, DASH, NUMBER_AFTER, Detector, shape, words

DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
HETU_MARKS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
FISCALE_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
        + (2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)
CURP_MARKS = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
NINO = r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
SSN_AREA = r"(?!000|666|9)[0-9]{3}"


def _steuer_id(digits: str) -> bool:
    counts = sorted((digits[:10].count(digit) for digit in set(digits[:10])), reverse=True)
    return counts[0] in (2, 3) and counts[1] == 1 and mod11_10(digits)


def _nir(value: str) -> bool:
    number = value[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(value[13:])


def _dni(value: str) -> bool:
    number = value[:-1].translate(str.maketrans("XYZ", "012"))
    return DNI_LETTERS[int(number) % 23] == value[-1]


def _codice_fiscale(value: str) -> bool:
    odd = sum(FISCALE_ODD[mark] for mark in value[:15:2])
    even = sum(int(mark) if mark.isdigit() else ord(mark) - 65 for mark in value[1:15:2])
    return chr(65 + (odd + even) % 26) == value[15]


def _bsn(digits: str) -> bool:
    return digits.strip("0") != "" and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11)


def _rijksregister(digits: str) -> bool:
    check = int(digits[9:])
    return check in (97 - int(digits[:9]) % 97, 97 - int("2" + digits[:9]) % 97)


def _ahv(digits: str) -> bool:
    return weighted(digits, (1, 3) * 6 + (1,), 10)


def _personnummer(digits: str) -> bool:
    month, day = int(digits[-8:-6]), int(digits[-6:-4])
    return is_date(2000, month, day % 60) and luhn(digits[-10:])


def _pesel(digits: str) -> bool:
    """The century is in the month."""
    century = {0: 1900, 1: 2000, 2: 2100, 3: 2200, 4: 1800}[int(digits[2:4]) // 20]
    born = is_date(century + int(digits[:2]), int(digits[2:4]) % 20, int(digits[4:6]))
    return born and weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10)


def _hetu(value: str) -> bool:
    """The dash of the century went with the separators; the letters of newer ones stayed."""
    number = int(value[:6] + value[-4:-1])
    return HETU_MARKS[number % 31] == value[-1]


def _cpf(digits: str) -> bool:
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(int(digits[i]) * (length + 1 - i) for i in range(length))
        if total * 10 % 11 % 10 != int(digits[length]):
            return False
    return True


def _aadhaar(digits: str) -> bool:
    years = all(digits[i : i + 2] in ("19", "20") for i in (0, 4, 8))
    return not years and verhoeff(digits)


def _resident(value: str) -> bool:
    born = is_date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    return born and mod11_2(value)


def _curp(value: str) -> bool:
    total = sum(CURP_MARKS.index(mark) * (18 - place) for place, mark in enumerate(value[:17]))
    return str(-total % 10) == value[17]


def _my_number(digits: str) -> bool:
    total = sum(int(d) * w for d, w in zip(digits, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=False))
    return (0 if total % 11 <= 1 else 11 - total % 11) == int(digits[11])


def _south_african(digits: str) -> bool:
    return is_date(2000, int(digits[2:4]), int(digits[4:6])) and luhn(digits)


def _tfn(digits: str) -> bool:
    return weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10), 11)


def _detector(
    name: str,
    pattern: str,
    check: object,
    source: str,
    needs: str = "",
    shortest: int = 9,
    lettered: bool = False,
) -> Detector:
    return Detector(
        kind="NATIONAL_ID",
        name=name,
        source=source,
        pattern=shape(pattern.replace("#", "[0-9]")),
        check=check if callable(check) else None,
        needs=words(needs) if needs else None,
        shortest=shortest,
        lettered=lettered,
    )


_SSN = "ssn|social security|tax id|taxpayer|itin"
_NINO = r"nino|ni number|ni no|national insurance"
_BSN = "bsn|sofi|burgerservicenummer|citizen service"

NATIONAL_IDS = (
    _detector(
        "us_ssn", f"{SSN_AREA}{DASH}(?!00)##{DASH}(?!0000)####", None, "SSA POMS RM 10201", "", 11
    ),
    _detector("us_ssn", f"{SSN_AREA} ?(?!00)## ?(?!0000)####", None, "SSA POMS RM 10201", _SSN),
    _detector("gb_nino", f"{NINO} ## ## ## [A-D]", None, "HMRC NIM39110", "", 6),
    _detector("gb_nino", f"{NINO} ?## ?## ?## ?[A-D]", None, "HMRC NIM39110", _NINO, 6),
    _detector(
        "de_steuer_id", f"[1-9]#{BLANK}###{BLANK}###{BLANK}###", _steuer_id, "§ 139b AO", "", 11
    ),
    _detector(
        "fr_nir",
        f"[1-478]{BLANK}##{BLANK}(?:0[1-9]|1[0-2]|[2-9]#){BLANK}(?:##|2[ABab]){BLANK}###{BLANK}###{BLANK}##",
        _nir,
        "INSEE, décret 82-103",
        "",
        6,
    ),
    _detector("es_dni", r"##\.?###\.?###-?[A-Za-z]", _dni, "Real Decreto 1553/2005", "", 8),
    _detector("es_nie", "[XYZxyz]-?#######-?[A-Za-z]", _dni, "Orden INT/2058/2008", "", 7),
    _detector(
        "it_codice_fiscale",
        "[A-Za-z]{6}##[A-EHLMPR-Ta-ehlmpr-t]##[A-Za-z]###[A-Za-z]",
        _codice_fiscale,
        "DM 23 dicembre 1976",
        "",
        2,
        lettered=True,
    ),
    _detector("nl_bsn", r"####[. ]?##[. ]?###|###[. ]?###[. ]?###", _bsn, "Wabb, elfproef", _BSN),
    _detector(
        "be_rijksregister",
        r"##\.##\.##-###[.\-]##|#{11}",
        _rijksregister,
        "KB 3 april 1984",
        "",
        11,
    ),
    _detector("ch_ahv", r"756\.?####\.?####\.?##", _ahv, "AHVV art. 133, EAN-13", "", 13),
    _detector("se_personnummer", "######[-+]####", _personnummer, "SKV 704", "", 11),
    _detector(
        "se_personnummer",
        "(?:19|20)?######[-+]?####",
        _personnummer,
        "SKV 704",
        "personnummer|personnr",
    ),
    _detector("pl_pesel", "#{11}", _pesel, "Dz.U. 2010 nr 217 poz. 1427", "", 11),
    _detector(
        "fi_hetu",
        "[0-3]#[01]###[-+A-FU-Y]###[0-9A-FHJ-NPR-Y]",
        _hetu,
        "DVV, Asetus 128/2010",
        "",
        6,
    ),
    _detector("dk_cpr", "[0-3]#[01]###-?####", None, "CPR-loven § 3", "cpr|personnummer"),
    _detector("br_cpf", r"###\.###\.###-##|#{11}", _cpf, "Receita Federal, IN RFB 1548", "", 11),
    _detector(
        "in_aadhaar",
        f"[2-9]###[ -]####[ -]####(?![ -]?{NUMBER_AFTER})",
        _aadhaar,
        "UIDAI, Verhoeff",
        "",
        14,
    ),
    _detector("in_aadhaar", "[2-9]#{11}", _aadhaar, "UIDAI, Verhoeff", "aadhaar|aadhar|uidai", 12),
    _detector("cn_resident", "[1-9]#{5}(?:19|20)#{9}[0-9Xx]", _resident, "GB 11643-1999", "", 17),
    _detector("kr_rrn", "##[01]#[0-3]#-[1-8]######", None, "주민등록법 시행규칙", "", 14),
    _detector(
        "mx_curp",
        "[A-Z][AEIOUX][A-Z]{2}######[HMX][A-Z]{5}[0-9A-Z]#",
        _curp,
        "DOF 18/10/2021",
        "",
        6,
    ),
    _detector("ca_sin", "###[ -]?###[ -]?###", luhn, "ESDC", "sin|social insurance|nas"),
    _detector("au_tfn", "### ?### ?###", _tfn, "ATO", "tfn|tax file"),
    _detector(
        "jp_my_number",
        "####[ -]?####[ -]?####",
        _my_number,
        "総務省令 85/2014",
        "my number|mynumber",
        12,
    ),
    _detector(
        "za_id", "#{13}", _south_african, "Act 68 of 1997", "id number|id no|identity|rsa id", 13
    ),
)
