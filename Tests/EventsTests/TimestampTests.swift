// Times, written and recognised.

import Testing

@testable import Events

@Suite("Timestamps (RFC 3339)") struct TimestampTests {
    struct Written: Sendable { let microseconds: Int64, text: String }

    @Test(
        "are written",
        arguments: [
            Written(microseconds: 0, text: "1970-01-01T00:00:00.000Z"),
            Written(microseconds: 999, text: "1970-01-01T00:00:00.000Z"),
            Written(microseconds: -1, text: "1969-12-31T23:59:59.999Z"),
            Written(microseconds: 1_634_579_354_027_999, text: "2021-10-18T17:49:14.027Z"),
            Written(microseconds: 951_782_399_999_999, text: "2000-02-28T23:59:59.999Z"),
            Written(microseconds: 951_782_400_000_000, text: "2000-02-29T00:00:00.000Z"),
            Written(microseconds: 1_709_164_800_000_000, text: "2024-02-29T00:00:00.000Z"),
            Written(microseconds: 1_735_603_200_000_000, text: "2024-12-31T00:00:00.000Z"),
            Written(microseconds: 2_147_483_648_000_000, text: "2038-01-19T03:14:08.000Z"),
            Written(microseconds: 4_107_542_400_000_000, text: "2100-03-01T00:00:00.000Z"),
            Written(microseconds: 4_107_542_399_000_000, text: "2100-02-28T23:59:59.000Z"),
            Written(microseconds: -2_203_891_200_000_000, text: "1900-03-01T00:00:00.000Z"),
            Written(microseconds: -62_135_596_800_000_000, text: "0001-01-01T00:00:00.000Z"),
            Written(microseconds: .max, text: "9999-12-31T23:59:59.999Z"),
            Written(microseconds: .min, text: "0000-01-01T00:00:00.000Z"),
        ]) func areWritten(_ c: Written)
    {
        var bytes: [UInt8] = []
        Timestamp.append(microseconds: c.microseconds, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == c.text)
        #expect(Timestamp.isTimestamp(bytes[...]))
    }

    @Test("count every day from 1600 to 2400 once") func countDays() {
        var date = CivilDate(daysSince1970: -135_140)
        #expect(date.year == 1600 && date.month == 1 && date.day == 1)
        for day in -135_139...157_054 {
            date.day += 1
            if date.day > CivilDate.days(in: date.month, of: date.year) { (date.month, date.day) = (date.month + 1, 1) }
            if date.month > 12 { (date.year, date.month) = (date.year + 1, 1) }
            let next = CivilDate(daysSince1970: day)
            guard next == date else {
                Issue.record("day \(day) is \(next), not \(date)")
                return
            }
        }
        #expect(date.year == 2400 && date.month == 1 && date.day == 1)
    }

    struct Read: CustomTestStringConvertible, Sendable {
        let text: String, isTime: Bool, why: String
        var testDescription: String { "\(why): \(text)" }
        init(_ text: String, _ isTime: Bool, _ why: String) { (self.text, self.isTime, self.why) = (text, isTime, why) }
    }

    @Test(
        "are recognised",
        arguments: [
            Read("2021-10-18T17:49:13Z", true, "no fraction"),
            Read("2021-10-18T17:49:13.1Z", true, "one digit"),
            Read("2021-10-18T17:49:13.123456789Z", true, "nine digits"),
            Read("2021-10-18T17:49:13.1234567890Z", false, "ten digits"),
            Read("2021-10-18T17:49:13.Z", false, "a point and no digit"),
            Read("2021-10-18T17:49:13,5Z", false, "a comma"),
            Read("2021-10-18T17:49:13.12x4Z", false, "a letter in the fraction"),
            Read("2016-12-31T23:59:60Z", true, "a leap second"),
            Read("2021-10-18T17:49:61Z", false, "a 61st second"),
            Read("2021-10-18T24:00:00Z", false, "hour 24"),
            Read("2021-10-18T17:60:00Z", false, "minute 60"),
            Read("2021-13-18T17:49:13Z", false, "month 13"),
            Read("2021-00-18T17:49:13Z", false, "month 0"),
            Read("2021-10-00T17:49:13Z", false, "day 0"),
            Read("2021-04-31T17:49:13Z", false, "the 31st of April"),
            Read("2023-02-29T17:49:13Z", false, "no leap year"),
            Read("2100-02-29T17:49:13Z", false, "no leap year, though divided by four"),
            Read("2000-02-29T17:49:13Z", true, "a leap year, though divided by a hundred"),
            Read("0001-01-01T00:00:00Z", true, "the zero time of Go and .NET"),
            Read("2021-10-18T17:49:13", false, "no zone"),
            Read("2021-10-18T17:49:13+00:00", false, "an offset"),
            Read("2021-10-18 17:49:13Z", false, "a space for T"),
            Read("2021-10-18t17:49:13z", false, "lower case"),
            Read("+021-10-18T17:49:13Z", false, "a sign"),
            Read("2021-1-018T17:49:13Z", false, "fields of other widths"),
            Read("1634579353", false, "Unix seconds"),
            Read("", false, "nothing"),
        ]) func areRecognised(_ c: Read)
    {
        #expect(Timestamp.isTimestamp(Array("pad\(c.text)".utf8)[3...]) == c.isTime)
    }
}
