// The date of an answer in the one form that is sent (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.

/// A moment, to the second, as 29 bytes of ASCII.
public struct HTTPDate: Sendable {
    /// The moment, in seconds since 1970 (UTC).
    public let unixSeconds: Int64
    private let text: [UInt8]

    /// The moment `unixSeconds` after the start of 1970 (UTC), in a year from 1970 to 9999.
    public init(unixSeconds: Int64) {
        self.unixSeconds = unixSeconds
        let days = Int(unixSeconds / 86_400)
        let second = Int(unixSeconds % 86_400)
        let (year, month, day) = civilDate(daysSince1970: days)
        var text: [UInt8] = []
        text.reserveCapacity(29)
        text.append(Self.weekdays[(days + 4) % 7])  // 1970 began on a Thursday
        text.append(", ")
        text.append(decimal: day, width: 2)
        text.append(Self.months[month - 1])
        text.append(decimal: year, width: 4)
        text.append(" ")
        text.append(decimal: second / 3600, width: 2)
        text.append(":")
        text.append(decimal: second / 60 % 60, width: 2)
        text.append(":")
        text.append(decimal: second % 60, width: 2)
        text.append(" GMT")
        self.text = text
    }

    func append(to output: inout [UInt8]) {
        output.append(contentsOf: text)
    }

    private static let weekdays: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months: [StaticString] = [
        " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec ",
    ]
}

/// The Gregorian date that is `days` days after 1970-01-01. Years are counted from March, so that the leap day is
/// the last of its year, and in eras of 400 years, which all have 146,097 days.
func civilDate(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468  // since 0000-03-01
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}
