// Times as RFC 3339 writes them: hookd's own are written, Sinch's are checked and taken as they are.

/// Writes times and recognises them: in UTC, by the Gregorian calendar, and written without leap seconds, as Unix
/// counts.
enum Timestamp {
    /// 0000-01-01T00:00:00.000000Z and 9999-12-31T23:59:59.999999Z: RFC 3339 has years of four digits.
    static let writable: ClosedRange<Int64> = -62_167_219_200_000_000...253_402_300_799_999_999

    /// Appends a time as `2021-10-18T17:49:14.027Z`, cut (not rounded) to milliseconds.
    ///
    /// - Parameter microseconds: since 1970 (UTC); what RFC 3339 cannot write is brought to its nearest end.
    static func append(microseconds: Int64, to bytes: inout [UInt8]) {
        let clamped = min(max(microseconds, writable.lowerBound), writable.upperBound)
        let (day, inDay) = floorDivide(clamped, by: 86_400_000_000)
        let date = CivilDate(daysSince1970: Int(day))
        let milliseconds = Int(inDay / 1000)
        append(date.year, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(date.month, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(date.day, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        append(milliseconds / 3_600_000, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(milliseconds / 60_000 % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(milliseconds / 1000 % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        append(milliseconds % 1000, digits: 3, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Appends `number`, which is not negative, with leading zeros to `digits` digits, at most 19.
    static func append(_ number: Int, digits: Int, to bytes: inout [UInt8]) {
        var text = InlineArray<19, UInt8>(repeating: UInt8(ascii: "0"))
        var rest = UInt(number)
        var place = 19
        while rest > 0, place > 19 - digits {
            place -= 1
            text[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        bytes.append(addingCapacity: digits) { output in
            for index in 19 - digits..<19 { output.append(text[index]) }
        }
    }

    /// Whether `text` is a time as Sinch writes it: `2021-10-18T17:49:13Z` with 0 to 9 digits of a second's fraction
    /// behind a point (RFC 3339 §5.6, in UTC). The day must exist; a 60th second may (§5.7).
    static func isTimestamp(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.count >= 20, text.last == UInt8(ascii: "Z") else { return false }
        let start = text.startIndex
        for (offset, separator) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")] as [(Int, Unicode.Scalar)] {
            guard text[start + offset] == UInt8(ascii: separator) else { return false }
        }
        guard let year = number(text, 0, 4), let month = number(text, 5, 2), let day = number(text, 8, 2),
            let hour = number(text, 11, 2), let minute = number(text, 14, 2), let second = number(text, 17, 2)
        else { return false }
        guard (1...12).contains(month), day >= 1, day <= CivilDate.days(in: month, of: year) else { return false }
        guard hour <= 23, minute <= 59, second <= 60 else { return false }
        if text.count == 20 { return true }
        let fraction = text[(start + 20)...].dropLast()
        return text[start + 19] == UInt8(ascii: ".") && (1...9).contains(fraction.count)
            && fraction.allSatisfy { isDigit($0) }
    }

    private static func number(_ text: ArraySlice<UInt8>, _ offset: Int, _ digits: Int) -> Int? {
        var number = 0
        for index in text.startIndex + offset..<text.startIndex + offset + digits {
            guard isDigit(text[index]) else { return nil }
            number = number * 10 + Int(text[index] - UInt8(ascii: "0"))
        }
        return number
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") <= 9 }
}

/// A day of the Gregorian calendar.
struct CivilDate: Equatable {
    var year: Int, month: Int, day: Int

    /// Counts in years that begin with March, so that a leap day is a year's last day and shifts nothing behind it.
    /// 400 such years have 146,097 days, and their months from March on repeat 31 30 31 30 31, 153 days to five.
    init(daysSince1970 days: Int) {
        // 719,468 days lie between the first of March of the year 0 and 1970.
        let (cycle, dayOfCycle) = floorDivide(Int64(days) + 719_468, by: 146_097)
        let inCycle = Int(dayOfCycle)
        // Leap days before this one in the cycle: one each 1,460 days (4 years), save one each 36,524 (a century).
        let yearOfCycle = (inCycle - inCycle / 1460 + inCycle / 36_524 - inCycle / 146_096) / 365
        let dayOfYear = inCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfCycle + Int(cycle) * 400 + (month <= 2 ? 1 : 0)
    }

    static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Division that rounds down, so that times before 1970 are not a day late.
private func floorDivide(_ number: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}
