// Points in time as RFC 3339 writes them, in UTC: for `until` in the configuration and for log lines.

/// RFC 3339 in UTC. A point in time itself is an `Int64` of seconds or microseconds since 1970.
public enum UTCTimestamp {
    /// The seconds since 1970 that `text` says: an RFC 3339 time in UTC such as `2026-12-01T00:00:00Z`.
    ///
    /// Only whole seconds and only `Z` (upper case): whoever states when a secret ends should not need to think
    /// about offsets. A leap second (`:60`) is no value that a clock here shows, and is refused too.
    public static func seconds(fromText text: String) -> Int64? {
        let bytes = Array(text.utf8)
        let pattern = Array("0000-00-00T00:00:00Z".utf8)
        guard bytes.count == pattern.count else { return nil }
        var fields: [Int64] = [0]
        for (byte, expected) in zip(bytes, pattern) {
            if expected == UInt8(ascii: "0") {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                fields[fields.count - 1] = fields[fields.count - 1] * 10 + Int64(byte - UInt8(ascii: "0"))
            } else {
                guard byte == expected else { return nil }
                fields.append(0)
            }
        }
        let (year, month, day, hour, minute, second) = (
            fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]
        )
        guard hour < 24, minute < 60, second < 60, (1...12).contains(month), day >= 1 else { return nil }
        let days = daysSince1970(year: year, month: month, day: day)
        // A day past the month's end is a day of the next month when it is written back.
        guard civilDate(daysSince1970: days) == (year, month, day) else { return nil }
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// `seconds` since 1970 as an RFC 3339 time in UTC, such as `2026-12-01T00:00:00Z`.
    public static func text(ofSeconds seconds: Int64) -> String {
        utcDateAndTime(seconds) + "Z"
    }

    /// `microseconds` since 1970 as an RFC 3339 time in UTC with milliseconds, such as `2026-12-01T00:00:00.123Z`.
    public static func text(ofMicroseconds microseconds: Int64) -> String {
        let milliseconds = floorDivide(microseconds, 1000)
        let seconds = floorDivide(milliseconds, 1000)
        return utcDateAndTime(seconds) + "." + padded(milliseconds - seconds * 1000, 3) + "Z"
    }
}

private func utcDateAndTime(_ seconds: Int64) -> String {
    let days = floorDivide(seconds, 86_400)
    let (year, month, day) = civilDate(daysSince1970: days)
    let rest = seconds - days * 86_400
    return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) + "T" + padded(rest / 3600, 2) + ":"
        + padded(rest / 60 % 60, 2) + ":" + padded(rest % 60, 2)
}

private func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

private func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    value / divisor - (value % divisor < 0 ? 1 : 0)
}

/// Days from 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap day is the last
/// of a year and months have lengths that a line through (153 m + 2) / 5 gives; 146,097 days are 400 years.
private func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let marchYear = month > 2 ? year : year - 1
    let era = floorDivide(marchYear, 400)
    let yearOfEra = marchYear - era * 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}

/// The Gregorian date, the inverse of `daysSince1970(year:month:day:)`.
private func civilDate(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}
